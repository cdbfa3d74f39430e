"""Reads NumPy's .npy and .npz files; their headers are matched, never evaluated."""

import dataclasses
import functools
import math
import re
import struct

import numpy as np

from keras_alexnet.formats.archives import zip_members, zips
from keras_alexnet.formats.arrays import DecodedArray, FileArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle import numpy_arrays
from keras_alexnet.formats.shapes import checked_dtype, checked_shape, fortran_strides
from keras_alexnet.formats.unread import if_readable

ONLY = "array"  # the name of the one array in a .npy file, which has none
MAGIC = b"\x93NUMPY"
# The versions of the format and how each writes the length of the header (numpy.lib.format).
LENGTHS = {b"\1\0": struct.Struct("<H"), b"\2\0": struct.Struct("<L"), b"\3\0": struct.Struct("<L")}
MAX_HEADER = 10_000  # characters, as in NumPy itself
# What NumPy writes, Python 2's long integers included; other writers leave out spaces.
HEADER = re.compile(
    rb"\{'descr': ?'(?P<descr>[<>|=]?[a-zA-Z]\d{0,10})', ?"
    rb"'fortran_order': ?(?P<fortran>True|False), ?"
    rb"'shape': ?\((?P<shape>(?:\d{1,19}L?, ?)*(?:\d{1,19}L?)?)\),? ?\} *\n?"
)
OBJECT = "O"


@dataclasses.dataclass(frozen=True)
class Header:
    """The header in front of the numbers.

    Args:
        descr: Type, with its byte order.
        fortran: Whether the first axis varies fastest.
        shape: Sizes.
        length: Number of bytes in front of the numbers.
    """

    descr: str
    fortran: bool
    shape: tuple[int, ...]
    length: int

    @property
    def strides(self) -> tuple[int, ...] | None:
        """Distances in elements, where they are not those of C order."""
        if not self.fortran:
            return None
        return fortran_strides(self.shape)

    @property
    def is_object(self) -> bool:
        """Whether a pickle follows, not numbers."""
        return self.descr.lstrip("|") == OBJECT

    def checked_dtype(self, size: int) -> np.dtype:
        """Return the type, once the whole is known to have exactly `size` bytes.

        Raises:
            CheckpointError: If the size is another, or the dtype is not numeric.
        """
        dtype = checked_dtype(self.descr)
        expected = self.length + math.prod(self.shape) * dtype.itemsize
        if expected != size:
            raise CheckpointError(
                f"An array of shape {self.shape} and type {self.descr} has {size} bytes.",
                f"{expected} were expected, with its header.",
            )
        return dtype


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a .npy file: one array, which gets the name "array", or a pickled dictionary of them."""
    header = parsed_header(file.pread(0, min(file.size, MAX_HEADER)))
    if header.is_object and header.shape == ():
        return numpy_arrays.read_from(file, header.length)
    dtype = header.checked_dtype(file.size)
    array = FileArray(file, header.length, header.shape, dtype, header.strides)
    return {ONLY: array}, {}


def read_archive(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a .npz file: its arrays by the names of the members, without ".npy".

    Of each member only the header is read, or inflated, before the array is asked for.
    """
    members = zips.read_directory(file)
    zip_members.check_growth(file, members.values())
    arrays = {
        name.removesuffix(".npy"): if_readable(file.path, name, _member, file, member)
        for name, member in members.items()
    }
    return arrays, {}


def parsed_header(start: bytes) -> Header:
    """Return the header that a .npy file starts with.

    Raises:
        CheckpointError: If it is not one that NumPy writes.
    """
    counter = LENGTHS.get(start[6:8])
    if not start.startswith(MAGIC) or counter is None or len(start) < 8 + counter.size:
        raise CheckpointError(
            f"An array begins with {shown(start[:8])}.",
            "The mark of NumPy's format in version 1, 2 or 3 was expected.",
        )
    (length,) = counter.unpack_from(start, 8)
    end = 8 + counter.size + length
    match = HEADER.fullmatch(start[8 + counter.size : end]) if end <= len(start) else None
    if match is None:
        raise CheckpointError(
            f"The header of an array is {shown(start[8 + counter.size : end])}.",
            "Type, order and shape were expected, as NumPy writes them.",
        )
    sizes = match["shape"].replace(b"L", b"").split(b",")
    shape = checked_shape([int(size) for size in sizes if size.strip()])
    return Header(match["descr"].decode(), match["fortran"] == b"True", shape, end)


def _member(file: CheckpointFile, member: zips.Member) -> StoredArray:
    header = parsed_header(zip_members.beginning(file, member, MAX_HEADER))
    dtype = header.checked_dtype(member.size)
    if member.method == zips.STORED:
        start, check = member.offset + header.length, zip_members.Check(file, member)
        return FileArray(file, start, header.shape, dtype, header.strides, check=check)
    decode = functools.partial(_inflated, file, member, header)
    return DecodedArray(file, header.shape, dtype, decode)


def _inflated(file: CheckpointFile, member: zips.Member, header: Header) -> np.ndarray:
    flat = np.empty(math.prod(header.shape), header.descr)
    target, position = flat.view(np.uint8), -header.length
    for piece in zip_members.inflated(file, member):
        numbers = np.frombuffer(piece, np.uint8)[max(-position, 0) :]
        place = max(position, 0)
        target[place : place + len(numbers)] = numbers
        position += len(piece)
    return flat.reshape(header.shape, order="F" if header.fortran else "C")
