"""Reads weights from Keras's files: .weights.h5, .h5 and .keras; no configuration is ever read.

`keras.models.load_model` builds what a file describes, which has again and again been a way to run
what its author liked (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906).
Here a file gives arrays by name. The HDF5 library tells where they lie, after a look at each link,
type and layout: no link leads out of the file, and no other file is opened (CVE-2026-1669).
"""

import json
from typing import NamedTuple

import h5py
import numpy as np
from h5py import h5d, h5t

from keras_alexnet.checkpoints.errors import CheckpointError, refused, shown
from keras_alexnet.checkpoints.reading import zip_members, zips
from keras_alexnet.checkpoints.reading.arrays import (
    DecodedArray,
    FileArray,
    MemoryArray,
    StoredArray,
    checked_shape,
)
from keras_alexnet.checkpoints.reading.blame import blaming
from keras_alexnet.checkpoints.reading.files import CheckpointFile
from keras_alexnet.checkpoints.reading.hdf5_chunks import MAX_CHUNKS, Chunks
from keras_alexnet.checkpoints.reading.hdf5_files import Window, check_superblock

MEMBER, ABOUT = "model.weights.h5", "metadata.json"  # of a .keras archive
PROVENANCE = "keras_alexnet.json"  # of one that this package converted
LEGACY = "model_weights"  # the group with the weights in an .h5 file with a whole model
MAX_ABOUT = 1 << 16
MAX_OBJECTS = 10_000  # groups and arrays; an AlexNet with its optimizer's state has 100
MAX_DEPTH = 32  # groups within groups
MAX_ATTRIBUTES = 64


class ElementType(NamedTuple):
    """A type of elements; `bfloat16` if these are the upper halves of float32 numbers."""

    dtype: str
    bfloat16: bool = False


BFLOAT16 = ElementType("<u2", bfloat16=True)  # in Keras's files: 2 bytes without a meaning
ORDERS = {"LE": "<", "BE": ">"}
ELEMENT_TYPES = [
    (getattr(h5t, f"{prefix}{8 * size}{end}"), ElementType(f"{order}{kind}{size}"))
    for prefix, kind, sizes in (
        ("IEEE_F", "f", (4, 2, 8)),
        ("STD_I", "i", (8, 4, 2, 1)),
        ("STD_U", "u", (4, 8, 2, 1)),
    )
    for size in sizes
    for end, order in ORDERS.items()
]


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read an .h5 or .weights.h5 file; names are paths in it, below `model_weights` if there."""
    return _contents(file, 0, file.size)


def read_archive(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a .keras archive: the weights in it, and what it says about itself."""
    members = zips.read_directory(file)
    member = zip_members.stored(members[MEMBER])
    zip_members.check_crcs(file, [member])
    arrays, metadata = _contents(file, member.offset, member.size)
    for name in (ABOUT, PROVENANCE):
        if name in members:
            metadata.update(_about(name, zip_members.content(file, members[name], MAX_ABOUT)))
    return arrays, metadata


def _about(name: str, content: bytes) -> dict[str, str]:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise refused(f"Its {name} cannot be read.", "JSON was expected.") from error
    pairs = value.items() if type(value) is dict else ()
    return {name: text for name, text in pairs if type(text) is str}


def _contents(
    file: CheckpointFile, start: int, size: int
) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the HDF5 file that lies in a part of a file."""
    check_superblock(file, start, size)
    try:
        with h5py.File(Window(file, start, size), "r") as root:
            arrays = _Collector(file, start).collect(root)
            metadata = _metadata(root)
    except CheckpointError:
        raise
    except Exception as error:  # h5py has no class of its own for what it meets in damaged files
        raise refused(
            f"The HDF5 library cannot read it: {shown(str(error))}.",
            "A whole HDF5 file was expected.",
        ) from error
    return arrays, metadata


def _metadata(root: h5py.File) -> dict[str, str]:
    """Return the short texts of fixed length that the file says about itself.

    Texts of variable length, as the configuration is, lie in a heap, and a damaged heap sends the
    HDF5 library round in a circle (seen with 1.14.6).
    """
    if h5py.h5a.get_num_attrs(root.id) > MAX_ATTRIBUTES:
        raise refused("It has too many attributes.", f"At most {MAX_ATTRIBUTES} were expected.")
    found = {}
    for name in root.attrs:
        attribute = root.attrs.get_id(name)
        kind = attribute.get_type()
        fixed = kind.get_class() == h5t.STRING and not kind.is_variable_str()
        if fixed and attribute.shape == () and attribute.get_storage_size() <= MAX_ABOUT:
            found[name] = bytes(root.attrs[name]).decode("utf-8")
    return found


class _Collector:
    """Finds the arrays in an HDF5 file that begins at byte `start`."""

    def __init__(self, file: CheckpointFile, start: int):
        self._file, self._start = file, start
        self._arrays: dict[str, StoredArray] = {}
        self._seen: set[int] = set()

    def collect(self, root: h5py.File) -> dict[str, StoredArray]:
        """Return the arrays by their paths."""
        whole = LEGACY in self._names(root, "")
        self._enter(self._linked(root, LEGACY, LEGACY) if whole else root, "", 0)
        return self._arrays

    def _enter(self, group, path: str, depth: int) -> None:
        """Collect what is in a group; nothing is opened before its link was looked at."""
        if not isinstance(group, h5py.Group):
            raise _unfit(path, "is no group")
        if depth > MAX_DEPTH:
            raise _unfit(path, f"lies more than {MAX_DEPTH} groups deep")
        for name in self._names(group, path):
            below = f"{path}/{name}" if path else name
            found = self._linked(group, name, below)
            if isinstance(found, h5py.Dataset):
                with blaming(below):
                    self._arrays[below] = self._array(found)
            else:
                self._enter(found, below, depth + 1)

    def _names(self, group: h5py.Group, path: str) -> list[str]:
        if len(group) > MAX_OBJECTS:
            raise _unfit(path, f"has more than {MAX_OBJECTS} members")
        return list(group)

    def _linked(self, group: h5py.Group, name: str, path: str):
        link = group.get(name, getlink=True)
        if type(link) is not h5py.HardLink:
            raise _unfit(path, f"is a link of the kind {type(link).__name__}")
        found = group[name]
        place = h5py.h5o.get_info(found.id).addr
        if place in self._seen or len(self._seen) > MAX_OBJECTS:
            raise _unfit(path, "has a second name, or is one of too many")
        self._seen.add(place)
        return found

    def _array(self, dataset: h5py.Dataset) -> StoredArray:
        properties = dataset.id.get_create_plist()
        layout = properties.get_layout()
        if properties.get_external_count() or layout not in (h5d.CONTIGUOUS, h5d.CHUNKED):
            raise refused(
                "Its numbers are not in the file itself: they are external or virtual, or it is "
                "too small for a place of its own.",
                "Numbers in the file were expected.",
                "Save it with Keras.",
            )
        if dataset.shape is None:
            raise refused("It is empty, without a shape.", "An array was expected.")
        shape, element = checked_shape(dataset.shape), _element_type(dataset.id.get_type())
        if 0 in shape:
            return MemoryArray(np.empty(shape, np.dtype(element.dtype).newbyteorder("=")))
        if layout == h5d.CONTIGUOUS:
            return self._contiguous(dataset, shape, element)
        return self._chunked(dataset, shape, element)

    def _contiguous(self, dataset, shape: tuple[int, ...], element: ElementType) -> StoredArray:
        offset = dataset.id.get_offset()
        if offset is None:
            raise refused("Its numbers were never written.", "All of them were expected.")
        return FileArray(
            self._file, self._start + offset, shape, element.dtype, bfloat16=element.bfloat16
        )

    def _chunked(self, dataset, shape: tuple[int, ...], element: ElementType) -> StoredArray:
        properties = dataset.id.get_create_plist()
        filters = tuple(properties.get_filter(i)[0] for i in range(properties.get_nfilters()))
        dtype = np.dtype(element.dtype)
        chunk = checked_shape(properties.get_chunk())
        chunks = Chunks(self._file, shape, chunk, dtype, filters, self._places(dataset))
        chunks.check()
        if element.bfloat16:
            raise refused("It is bfloat16 in chunks.", "One piece was expected.", "Save it whole.")
        return DecodedArray(self._file, shape, dtype, chunks.decoded)

    def _places(self, dataset) -> dict[tuple[int, ...], tuple[int, int]]:
        """Return where the chunks lie."""
        found = {}

        def note(chunk) -> bool | None:
            """Note where a chunk lies; anything but None, be it False, ends the search."""
            if chunk.filter_mask == 0 and chunk.byte_offset is not None:
                found[tuple(chunk.chunk_offset)] = (self._start + chunk.byte_offset, chunk.size)
            return True if len(found) > MAX_CHUNKS else None

        dataset.id.chunk_iter(note)
        return found


def _element_type(stored: h5t.TypeID) -> ElementType:
    """Return a type that is exactly one of those known; HDF5 itself would convert others."""
    for kind, element in ELEMENT_TYPES:
        if stored.equal(kind):
            return element
    if stored.get_class() == h5t.OPAQUE and stored.get_size() == 2:
        return BFLOAT16
    raise refused(
        f"It has a type of HDF5's class {stored.get_class()} with {stored.get_size()} bytes.",
        "Floating or whole numbers were expected.",
        "Save it as float32.",
    )


def _unfit(path: str, wrong: str) -> CheckpointError:
    return refused(
        f"{shown(path or '/')} {wrong}.",
        "Groups and arrays in the file itself were expected, each under one name.",
        "Save the weights with Keras.",
    )
