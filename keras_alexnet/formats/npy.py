"""Readers of NumPy's .npy and .npz files. They match headers and never evaluate them."""

import dataclasses
import functools
import math
import re
import struct

import numpy as np

from keras_alexnet.formats.archives import zip_members, zips
from keras_alexnet.formats.arrays import DecodedArray, FileArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle import numpy_arrays
from keras_alexnet.formats.shapes import checked_dtype, checked_shape, fortran_strides
from keras_alexnet.formats.unread import if_readable

ARRAY_NAME = "array"  # the name of the one array in a .npy file, which has none
MAGIC = b"\x93NUMPY"
# The layout of the header's length in each version of the format (numpy.lib.format).
LENGTHS = {b"\1\0": struct.Struct("<H"), b"\2\0": struct.Struct("<L"), b"\3\0": struct.Struct("<L")}
MAX_HEADER = 10_000  # characters, as in NumPy itself
# As NumPy writes it, Python 2's long integers included; other writers leave out spaces.
HEADER = re.compile(
    rb"\{'descr': ?'(?P<descr>[<>|=]?[a-zA-Z]\d{0,10})', ?"
    rb"'fortran_order': ?(?P<fortran>True|False), ?"
    rb"'shape': ?\((?P<shape>(?:\d{1,19}L?, ?)*(?:\d{1,19}L?)?)\),? ?\} *\n?"
)
OBJECT = "O"


@dataclasses.dataclass(frozen=True)
class NpyHeader:
    """The header of a .npy file.

    Args:
        descr: Dtype, with its byte order.
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
        """The strides in elements; `None` for C order."""
        return fortran_strides(self.shape) if self.fortran else None

    @property
    def is_object(self) -> bool:
        """Whether a pickle follows instead of numbers."""
        return self.descr.lstrip("|") == OBJECT

    def checked_dtype(self, size: int) -> np.dtype:
        """Return the dtype if header and numbers together have exactly `size` bytes.

        Raises:
            CheckpointError: If they have not, or the dtype is not numeric.
        """
        dtype = checked_dtype(self.descr)
        expected = self.length + math.prod(self.shape) * dtype.itemsize
        if expected != size:
            raise CheckpointError(
                f"An array of shape {self.shape} and dtype {self.descr} has {size} bytes.",
                f"Header and numbers together must have {expected} bytes.",
            )
        return dtype


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a .npy file: one array, named "array", or a pickled dictionary of arrays."""
    header = parse_header(file.pread(0, min(file.size, MAX_HEADER)))
    if header.is_object and header.shape == ():
        return numpy_arrays.read_from(file, header.length)
    dtype = header.checked_dtype(file.size)
    array = FileArray(file, header.length, header.shape, dtype, header.strides)
    return {ARRAY_NAME: array}, {}


def read_archive(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a .npz file: its arrays by the names of the members, without ".npy".

    Only the header of each member is read or inflated before the array is read.
    """
    members = zips.read_directory(file)
    zip_members.check_growth(file, members.values())
    arrays = {
        name.removesuffix(".npy"): if_readable(file.path, name, _read_member, file, member)
        for name, member in members.items()
    }
    return arrays, {}


def parse_header(start: bytes) -> NpyHeader:
    """Return the header at the start of a .npy file.

    Raises:
        CheckpointError: If NumPy writes no such header.
    """
    counter = LENGTHS.get(start[6:8])
    if not start.startswith(MAGIC) or counter is None or len(start) < 8 + counter.size:
        raise CheckpointError(
            f"An array begins with {quoted(start[:8])}.",
            "An array must begin with the signature of NumPy's format, version 1, 2 or 3.",
        )
    (length,) = counter.unpack_from(start, 8)
    end = 8 + counter.size + length
    match = HEADER.fullmatch(start[8 + counter.size : end]) if end <= len(start) else None
    if match is None:
        raise CheckpointError(
            f"The header of an array is {quoted(start[8 + counter.size : end])}.",
            "The header must give dtype, order and shape as NumPy writes them.",
        )
    sizes = match["shape"].replace(b"L", b"").split(b",")
    shape = checked_shape([int(size) for size in sizes if size.strip()])
    return NpyHeader(match["descr"].decode(), match["fortran"] == b"True", shape, end)


def _read_member(file: CheckpointFile, member: zips.Member) -> StoredArray:
    header = parse_header(zip_members.read_start(file, member, MAX_HEADER))
    dtype = header.checked_dtype(member.size)
    if member.method == zips.STORED:
        start, check = member.offset + header.length, zip_members.crc_check(file, member)
        return FileArray(file, start, header.shape, dtype, header.strides, check=check)
    decode = functools.partial(_inflate, file, member, header)
    return DecodedArray(file, header.shape, dtype, decode)


def _inflate(file: CheckpointFile, member: zips.Member, header: NpyHeader) -> np.ndarray:
    flat = np.empty(math.prod(header.shape), header.descr)
    target, position = flat.view(np.uint8), -header.length
    for piece in zip_members.inflate(file, member):
        numbers = np.frombuffer(piece, np.uint8)[max(-position, 0) :]
        start = max(position, 0)
        target[start : start + len(numbers)] = numbers
        position += len(piece)
    return flat.reshape(header.shape, order="F" if header.fortran else "C")
