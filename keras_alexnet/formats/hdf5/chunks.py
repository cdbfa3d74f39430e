"""The chunks of an HDF5 dataset, and the decoding of their filters, gzip and shuffle."""

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


class ChunkLocation(NamedTuple):
    """The offset and size of a chunk in the file, and a bit for each filter that it skips.

    HDF5 skips gzip if it would make the chunk larger.
    """

    offset: int
    size: int
    skipped: int


@dataclasses.dataclass(frozen=True)
class Chunks:
    """A dataset in chunks.

    Args:
        file: The open file.
        shape: Shape of the dataset.
        chunk: Shape of a chunk. Chunks at the edges are stored in full.
        dtype: Dtype of the elements as stored.
        filters: Numbers of the filters in the order in which they were applied.
        locations: Where each chunk is, by the indices of its first element.
    """

    file: CheckpointFile
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: np.dtype
    filters: tuple[int, ...]
    locations: dict[tuple[int, ...], ChunkLocation]

    def check(self) -> None:
        """Raise unless each chunk is there once, and the size of all fits that of the file.

        Raises:
            CheckpointError: If not. No memory is allocated before.
        """
        elements = math.prod(self.shape) + 2 * math.prod(self.chunk)  # a chunk is in memory twice
        size = elements * self.dtype.itemsize
        if size > 2 * self.file.size + SLACK:
            raise CheckpointError(
                f"The dataset would grow to {size} bytes from a file of {self.file.size}.",
                f"The limit is twice the size of the file and {SLACK >> 20} MiB.",
                "Save the file without compression.",
            )
        if len(self.chunk) != len(self.shape) or 0 in self.chunk:
            raise _invalid_chunks("The dataset has chunks with another number of axes.")
        starts = [range(0, n, step) for n, step in zip(self.shape, self.chunk, strict=True)]
        if math.prod(map(len, starts)) > MAX_CHUNKS:
            raise _invalid_chunks(f"The dataset has more than {MAX_CHUNKS} chunks.")
        if self.locations.keys() != set(itertools.product(*starts)):
            raise _invalid_chunks("The dataset lacks chunks, or has too many.")
        unknown = [number for number in self.filters if number not in UNDO]
        if unknown or len(set(self.filters)) != len(self.filters):
            raise CheckpointError(
                f"The dataset has the HDF5 filters {list(self.filters)}.",
                f"The filters must be gzip ({DEFLATE}) and shuffle ({SHUFFLE}) at most, each once.",
                "Save the file without compression.",
            )

    def read(self) -> np.ndarray:
        """Return the whole array.

        Raises:
            CheckpointError: If a chunk cannot be decoded.
        """
        whole = np.empty(self.shape, self.dtype)
        for start, location in self.locations.items():
            region = whole[tuple(slice(i, i + n) for i, n in zip(start, self.chunk, strict=True))]
            region[...] = self._decode(location)[tuple(map(slice, region.shape))]
        return whole

    def _decode(self, location: ChunkLocation) -> np.ndarray:
        size = math.prod(self.chunk) * self.dtype.itemsize
        content = self.file.pread(location.offset, location.size)
        applied = [n for i, n in enumerate(self.filters) if not location.skipped >> i & 1]
        for number in reversed(applied):
            content = UNDO[number](content, size, self.dtype.itemsize)
        if len(content) != size:
            raise _invalid_chunks(
                f"The dataset has a chunk of {len(content)} bytes instead of {size}."
            )
        return np.frombuffer(content, self.dtype).reshape(self.chunk)


def _undo_gzip(content: bytes, size: int, itemsize: int) -> bytes:
    """Undo gzip, up to the expected size: a few bytes can be made to hold gigabytes."""
    stream = zlib.decompressobj()
    try:
        result = stream.decompress(content, size + 1)
    except zlib.error as error:
        raise _invalid_chunks("The dataset has a chunk that cannot be inflated.") from error
    if len(result) != size or not stream.eof:
        raise _invalid_chunks("The dataset has a chunk that inflates to another size.")
    return result


def _undo_shuffle(content: bytes, size: int, itemsize: int) -> bytes:
    """Undo shuffle, which puts the first bytes of all elements first, then the second ones."""
    if len(content) != size:
        raise _invalid_chunks(f"The dataset has a chunk of {len(content)} bytes instead of {size}.")
    return np.frombuffer(content, np.uint8).reshape(itemsize, -1).T.tobytes()


UNDO: dict[int, Callable[[bytes, int, int], bytes]] = {DEFLATE: _undo_gzip, SHUFFLE: _undo_shuffle}


def _invalid_chunks(received: str) -> CheckpointError:
    return CheckpointError(received, "The dataset must have each of its chunks once and complete.")
