"""Decodes the chunks of an HDF5 dataset; of filters it knows gzip and shuffle."""

import dataclasses
import itertools
import math
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.files import CheckpointFile

MAX_CHUNKS = 100_000
SLACK = 24 << 20  # bytes that decoding may take beyond twice the file
DEFLATE, SHUFFLE = 1, 2  # the numbers of HDF5's own filters


class Place(NamedTuple):
    """Where a chunk is in the file, and the filters left out for it, a bit for each.

    HDF5 leaves out gzip where a chunk would grow.
    """

    offset: int
    size: int
    skipped: int


@dataclasses.dataclass(frozen=True)
class Chunks:
    """A dataset in chunks.

    Args:
        file: The open file.
        shape: Sizes of the dataset.
        chunk: Sizes of a chunk; those at the edges are stored in full.
        dtype: Type of the elements as stored.
        filters: Numbers of the filters in the order in which they were applied.
        places: Where each chunk is, by its first element's place in the dataset.
    """

    file: CheckpointFile
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: np.dtype
    filters: tuple[int, ...]
    places: dict[tuple[int, ...], Place]

    def check(self) -> None:
        """Raise unless all chunks are there, and of a size in keeping with the file.

        Raises:
            CheckpointError: If they are not; nothing of that size was allocated.
        """
        elements = math.prod(self.shape) + 2 * math.prod(self.chunk)  # a chunk is there twice
        size = elements * self.dtype.itemsize
        if size > 2 * self.file.size + SLACK:
            raise CheckpointError(
                f"It would grow to {size} bytes from a file of {self.file.size}.",
                f"At most twice the file and {SLACK >> 20} MiB were expected.",
                "Save it without compression.",
            )
        if len(self.chunk) != len(self.shape) or 0 in self.chunk:
            raise _damaged("has chunks of another number of axes")
        starts = [range(0, n, step) for n, step in zip(self.shape, self.chunk, strict=True)]
        if math.prod(map(len, starts)) > MAX_CHUNKS:
            raise _damaged(f"has more than {MAX_CHUNKS} chunks")
        if self.places.keys() != set(itertools.product(*starts)):
            raise _damaged("lacks chunks, or has too many")
        unknown = [number for number in self.filters if number not in UNDO]
        if unknown or len(set(self.filters)) != len(self.filters):
            raise CheckpointError(
                f"It is stored through the HDF5 filters {list(self.filters)}.",
                f"gzip ({DEFLATE}) and shuffle ({SHUFFLE}) were expected, or none.",
                "Save it without compression.",
            )

    def decoded(self) -> np.ndarray:
        """Return the whole array.

        Raises:
            CheckpointError: If a chunk cannot be decoded.
        """
        whole = np.empty(self.shape, self.dtype)
        for start, place in self.places.items():
            part = whole[tuple(slice(i, i + n) for i, n in zip(start, self.chunk, strict=True))]
            part[...] = self._decoded(place)[tuple(map(slice, part.shape))]
        return whole

    def _decoded(self, place: Place) -> np.ndarray:
        size = math.prod(self.chunk) * self.dtype.itemsize
        content = self.file.pread(place.offset, place.size)
        applied = [n for i, n in enumerate(self.filters) if not place.skipped >> i & 1]
        for number in reversed(applied):
            content = UNDO[number](content, size, self.dtype.itemsize)
        if len(content) != size:
            raise _damaged(f"has a chunk of {len(content)} bytes instead of {size}")
        return np.frombuffer(content, self.dtype).reshape(self.chunk)


def _inflated(content: bytes, size: int, itemsize: int) -> bytes:
    """Undo gzip, up to the size that is expected: a few bytes can be made to hold gigabytes."""
    stream = zlib.decompressobj()
    try:
        result = stream.decompress(content, size + 1)
    except zlib.error as error:
        raise _damaged("has a chunk that cannot be inflated") from error
    if len(result) != size or not stream.eof:
        raise _damaged("has a chunk that inflates to another size")
    return result


def _unshuffled(content: bytes, size: int, itemsize: int) -> bytes:
    """Undo shuffle, which puts the first bytes of all elements first, then the second ones."""
    if len(content) != size:
        raise _damaged(f"has a chunk of {len(content)} bytes instead of {size}")
    return np.frombuffer(content, np.uint8).reshape(itemsize, -1).T.tobytes()


UNDO: dict[int, Callable[[bytes, int, int], bytes]] = {DEFLATE: _inflated, SHUFFLE: _unshuffled}


def _damaged(wrong: str) -> CheckpointError:
    return CheckpointError(f"It {wrong}.", "A whole array was expected.")
