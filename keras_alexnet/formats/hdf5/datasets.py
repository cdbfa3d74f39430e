"""An array in an HDF5 file: its shape, its type, and where its numbers are.

HDF5 File Format Specification 3.0, IV.A.2.b, d, i and l.
"""

import struct
from typing import NamedTuple

import numpy as np

from keras_alexnet.formats.arrays import DecodedArray, FileArray, MemoryArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.hdf5.blocks import NOWHERE, Blocks, Cursor, damaged
from keras_alexnet.formats.hdf5.chunks import MAX_CHUNKS, Chunks, Place
from keras_alexnet.formats.hdf5.groups import tree_nodes
from keras_alexnet.formats.hdf5.headers import (
    DATASPACE,
    DATATYPE,
    EXTERNAL_FILES,
    FILTERS,
    LAYOUT,
    Header,
)
from keras_alexnet.formats.shapes import checked_shape

CONTIGUOUS, CHUNKED = 1, 2  # classes of layouts; 0 is compact, and 3 virtual
# Versions and classes: those since HDF5 1.6.3, but for the ways to find chunks of 1.10 and later.
LAYOUTS = ((3, CONTIGUOUS), (4, CONTIGUOUS), (3, CHUNKED))
NULL = 2  # the type of a space without any elements
OPAQUE = 5  # the class of types without a meaning
MAX_FILTERS = 8


class ElementType(NamedTuple):
    """A type of elements; `bfloat16` if these are the upper halves of float32 numbers."""

    dtype: str
    bfloat16: bool = False


def _whole(size: int, signed: bool, order: int) -> bytes:
    """Return the message about a type of whole numbers, without its version."""
    return struct.pack("<4BI2H", 0, order | signed << 3, 0, 0, size, 0, 8 * size)


def _floating(size: int, exponent: int, order: int) -> bytes:
    """Return the message about a type of floating numbers, with so many bits of exponent."""
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
        _whole(size, signed, order): ElementType(f"{sign}{'ui'[signed]}{size}")
        for size in (1, 2, 4, 8)
        for signed in (False, True)
        for sign, order in ORDERS.items()
    },
    _floating(2, 8, 0): BFLOAT16,
}


def stored_array(blocks: Blocks, header: Header) -> StoredArray:
    """Return the array that a header is about.

    Raises:
        CheckpointError: If it is damaged, or its numbers are of another kind or elsewhere.
    """
    shape = read_shape(header.one(DATASPACE))
    if shape is None:
        raise CheckpointError("It is empty, without a shape.", "An array was expected.")
    shape, element = checked_shape(shape), _element_type(header.one(DATATYPE))
    layout = header.one(LAYOUT)
    version, kind = layout.uint(1), layout.uint(1)
    if EXTERNAL_FILES in header or (version, kind) not in LAYOUTS:
        raise CheckpointError(
            f"Its numbers are in other files, or kept in a way of HDF5's that Keras does not use "
            f"(version {version}, class {kind}).",
            "Numbers in one piece in the file were expected.",
            "Save it with Keras.",
        )
    if 0 in shape:
        return MemoryArray(np.empty(shape, np.dtype(element.dtype).newbyteorder("=")))
    if kind == CONTIGUOUS:
        return _contiguous(blocks, layout, shape, element)
    if element.bfloat16:
        raise CheckpointError(
            "It is bfloat16 in chunks.", "One piece was expected.", "Save it whole."
        )
    return _chunked(blocks, header, layout, shape, np.dtype(element.dtype))


def read_shape(cursor: Cursor) -> tuple[int, ...] | None:
    """Return the sizes that a message gives, or None if it says that there are no elements."""
    version, rank = cursor.uint(1), cursor.uint(1)
    cursor.take(1)  # flags
    if version == 2 and cursor.uint(1) == NULL:
        return None
    if version not in (1, 2):
        raise damaged("has a shape of an unknown version")
    cursor.take(5 if version == 1 else 0)
    return tuple(cursor.uint(8) for _ in range(rank))


def _element_type(cursor: Cursor) -> ElementType:
    """Return a type that is exactly one of those known; HDF5 itself would convert others."""
    kind = cursor.uint(1) & 0x0F  # beside the version
    rest = cursor.take(cursor.left)
    for length in (12, 20):
        content = bytes([kind]) + rest[: length - 1]
        if content in ELEMENT_TYPES and not any(rest[length - 1 :]):
            return ELEMENT_TYPES[content]
    size = int.from_bytes(rest[3:7], "little")
    if kind == OPAQUE and size == 2:  # as h5py keeps Keras's bfloat16
        return BFLOAT16
    raise CheckpointError(
        f"It has a type of HDF5's class {kind} with {size} bytes.",
        "Floating or whole numbers were expected.",
        "Save it as float32.",
    )


def _contiguous(
    blocks: Blocks, layout: Cursor, shape: tuple[int, ...], element: ElementType
) -> StoredArray:
    address, size = layout.uint(8), layout.uint(8)
    if address == NOWHERE:
        raise CheckpointError("Its numbers were never written.", "All of them were expected.")
    place = blocks.start + address
    array = FileArray(blocks.file, place, shape, element.dtype, bfloat16=element.bfloat16)
    expected = array.size * np.dtype(element.dtype).itemsize
    if size != expected or address + size > blocks.size:
        raise CheckpointError(
            f"It has the shape {shape} and {size} bytes.", f"{expected} bytes were expected."
        )
    return array


def _chunked(
    blocks: Blocks, header: Header, layout: Cursor, shape: tuple[int, ...], dtype: np.dtype
) -> StoredArray:
    axes, address = layout.uint(1), layout.uint(8)
    sizes = [layout.uint(4) for _ in range(axes)]  # the last is that of an element
    if len(sizes) != len(shape) + 1 or sizes[-1] != dtype.itemsize:
        raise damaged("has an array in chunks of another type or number of axes")
    filters = tuple(_filters(header.one(FILTERS))) if FILTERS in header else ()
    places = {} if address == NOWHERE else _places(blocks, address, len(shape))
    chunks = Chunks(blocks.file, shape, checked_shape(sizes[:-1]), dtype, filters, places)
    chunks.check()
    return DecodedArray(blocks.file, shape, dtype, chunks.decoded)


def _places(blocks: Blocks, address: int, rank: int) -> dict[tuple[int, ...], Place]:
    """Return where the chunks are, by the place of their first elements."""
    found: dict[tuple[int, ...], Place] = {}
    key = 8 + 8 * (rank + 1)
    for leaf in tree_nodes(blocks, address, 1, key):
        while leaf.left:
            size, skipped = leaf.uint(4), leaf.uint(4)
            place = tuple(leaf.uint(8) for _ in range(rank))
            leaf.take(8)
            begin = leaf.uint(8)
            if place in found or len(found) > MAX_CHUNKS:
                raise damaged("has a chunk twice, or too many of them")
            if begin + size <= blocks.size:
                found[place] = Place(blocks.start + begin, size, skipped)
    return found


def _filters(cursor: Cursor) -> list[int]:
    """Return the numbers of the filters that a message gives."""
    version, count = cursor.uint(1), cursor.uint(1)
    if version not in (1, 2) or count > MAX_FILTERS:
        raise damaged("has filters of an unknown version, or too many")
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
