"""A dataset in an HDF5 file: its shape, its element type, and the location of its numbers.

HDF5 File Format Specification 3.0, IV.A.2.b, d, i and l.
"""

import struct

import numpy as np

from keras_alexnet.formats.arrays import DecodedArray, FileArray, MemoryArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.hdf5.blocks import NOWHERE, Blocks, Cursor, invalid_hdf5
from keras_alexnet.formats.hdf5.chunks import MAX_CHUNKS, ChunkLocation, Chunks
from keras_alexnet.formats.hdf5.groups import tree_leaves
from keras_alexnet.formats.hdf5.headers import (
    DATASPACE,
    DATATYPE,
    EXTERNAL_FILES,
    FILTERS,
    LAYOUT,
    ObjectHeader,
)
from keras_alexnet.formats.shapes import ElementType, checked_shape

CONTIGUOUS, CHUNKED = 1, 2  # classes of layouts; 0 is compact, and 3 virtual
# Versions and classes that are read: all since HDF5 1.6.3, except the chunk indices of 1.10.
LAYOUTS = ((3, CONTIGUOUS), (4, CONTIGUOUS), (3, CHUNKED))
NULL = 2  # the type of a dataspace without elements
OPAQUE = 5  # the class of datatypes without a meaning
MAX_FILTERS = 8


def _integer(size: int, signed: bool, order: int) -> bytes:
    """Return the datatype message of an integer type, without its version."""
    return struct.pack("<4BI2H", 0, order | signed << 3, 0, 0, size, 0, 8 * size)


def _floating(size: int, exponent: int, order: int) -> bytes:
    """Return the datatype message of a floating-point type with `exponent` bits of exponent."""
    mantissa = 8 * size - exponent - 1
    bits = (0, 8 * size, mantissa, exponent, 0, mantissa, (1 << exponent - 1) - 1)
    return struct.pack("<4BI2H4BI", 1, order | 0x20, 8 * size - 1, 0, size, *bits)


BFLOAT16 = ElementType("<u2", bfloat16=True)
ORDERS = {"<": 0, ">": 1}
ELEMENT_TYPES = {
    **{
        _floating(size, exponent, order): ElementType(f"{sign}f{size}")
        for size, exponent in ((2, 5), (4, 8), (8, 11))
        for sign, order in ORDERS.items()
    },
    **{
        _integer(size, signed, order): ElementType(f"{sign}{'ui'[signed]}{size}")
        for size in (1, 2, 4, 8)
        for signed in (False, True)
        for sign, order in ORDERS.items()
    },
    _floating(2, 8, 0): BFLOAT16,
}


def read_array(blocks: Blocks, header: ObjectHeader) -> StoredArray:
    """Return the array of a dataset.

    Raises:
        CheckpointError: If the dataset is damaged, not numeric, or stored outside of the file.
    """
    shape = read_shape(header.message(DATASPACE))
    if shape is None:
        raise CheckpointError("The dataset has no shape.", "A dataset must have a shape.")
    shape, element = checked_shape(shape), _read_element_type(header.message(DATATYPE))
    layout = header.message(LAYOUT)
    version, kind = layout.uint(1), layout.uint(1)
    if EXTERNAL_FILES in header or (version, kind) not in LAYOUTS:
        raise CheckpointError(
            f"The dataset is stored in other files, or in an HDF5 layout that Keras does not write "
            f"(version {version}, class {kind}).",
            "The numbers must lie in the file itself, contiguous or in chunks.",
            "Save the weights with Keras.",
        )
    if 0 in shape:
        return MemoryArray(np.empty(shape, np.dtype(element.dtype).newbyteorder("=")))
    if kind == CONTIGUOUS:
        return _contiguous(blocks, layout, shape, element)
    if element.bfloat16:
        raise CheckpointError(
            "The dataset is bfloat16 in chunks.",
            "A bfloat16 dataset must be contiguous.",
            "Save the dataset without chunks.",
        )
    return _chunked(blocks, header, layout, shape, np.dtype(element.dtype))


def read_shape(cursor: Cursor) -> tuple[int, ...] | None:
    """Return the shape in a dataspace message; `None` for a dataspace without elements."""
    version, rank = cursor.uint(1), cursor.uint(1)
    cursor.take(1)  # flags
    if version == 2 and cursor.uint(1) == NULL:
        return None
    if version not in (1, 2):
        raise invalid_hdf5("The HDF5 file has a shape of an unknown version.")
    cursor.take(5 if version == 1 else 0)
    return tuple(cursor.uint(8) for _ in range(rank))


def _read_element_type(cursor: Cursor) -> ElementType:
    """Return an element type, which must be exactly a known one; HDF5 would convert others."""
    kind = cursor.uint(1) & 0x0F  # the upper bits are the version
    rest = cursor.take(cursor.left)
    for length in (12, 20):
        content = bytes([kind]) + rest[: length - 1]
        if content in ELEMENT_TYPES and not any(rest[length - 1 :]):
            return ELEMENT_TYPES[content]
    size = int.from_bytes(rest[3:7], "little")
    if kind == OPAQUE and size == 2:  # as h5py writes Keras's bfloat16
        return BFLOAT16
    raise CheckpointError(
        f"The dataset has an HDF5 datatype of class {kind} with {size} bytes.",
        "The elements must be integers or floating-point numbers.",
        "Save the dataset as float32.",
    )


def _contiguous(
    blocks: Blocks, layout: Cursor, shape: tuple[int, ...], element: ElementType
) -> StoredArray:
    address, size = layout.uint(8), layout.uint(8)
    if address == NOWHERE:
        raise CheckpointError(
            "The numbers of the dataset were never written.", "The dataset must be complete."
        )
    offset = blocks.start + address
    array = FileArray(blocks.file, offset, shape, element.dtype, bfloat16=element.bfloat16)
    expected = array.size * element.itemsize
    if size != expected or address + size > blocks.size:
        raise CheckpointError(
            f"A dataset of shape {shape} has {size} bytes.",
            f"The dataset must have {expected} bytes.",
        )
    return array


def _chunked(
    blocks: Blocks, header: ObjectHeader, layout: Cursor, shape: tuple[int, ...], dtype: np.dtype
) -> StoredArray:
    axes, address = layout.uint(1), layout.uint(8)
    sizes = [layout.uint(4) for _ in range(axes)]  # the last is that of an element
    if len(sizes) != len(shape) + 1 or sizes[-1] != dtype.itemsize:
        raise invalid_hdf5("The HDF5 file has an array in chunks of another type or rank.")
    filters = tuple(_read_filters(header.message(FILTERS))) if FILTERS in header else ()
    locations = {} if address == NOWHERE else _locate_chunks(blocks, address, len(shape))
    chunks = Chunks(blocks.file, shape, checked_shape(sizes[:-1]), dtype, filters, locations)
    chunks.check()
    return DecodedArray(blocks.file, shape, dtype, chunks.read)


def _locate_chunks(blocks: Blocks, address: int, rank: int) -> dict[tuple[int, ...], ChunkLocation]:
    """Return the locations of the chunks, by the indices of their first elements."""
    found: dict[tuple[int, ...], ChunkLocation] = {}
    key = 8 + 8 * (rank + 1)
    for leaf in tree_leaves(blocks, address, 1, key):
        while leaf.left:
            size, skipped = leaf.uint(4), leaf.uint(4)
            start = tuple(leaf.uint(8) for _ in range(rank))
            leaf.take(8)
            address = leaf.uint(8)
            if start in found or len(found) > MAX_CHUNKS:
                raise invalid_hdf5("The HDF5 file has a chunk twice, or too many of them.")
            if address + size <= blocks.size:
                found[start] = ChunkLocation(blocks.start + address, size, skipped)
    return found


def _read_filters(cursor: Cursor) -> list[int]:
    """Return the numbers of the filters in a filter message."""
    version, count = cursor.uint(1), cursor.uint(1)
    if version not in (1, 2) or count > MAX_FILTERS:
        raise invalid_hdf5("The HDF5 file has filters of an unknown version, or too many.")
    cursor.take(6 if version == 1 else 0)
    numbers = []
    for _ in range(count):
        number = cursor.uint(2)
        name = cursor.uint(2) if version == 1 or number >= 256 else 0
        cursor.take(2)  # flags
        values = cursor.uint(2)
        cursor.take(name + 4 * (values + values % 2 if version == 1 else values))
        numbers.append(number)
    return numbers
