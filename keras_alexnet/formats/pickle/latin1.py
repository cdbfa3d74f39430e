"""Bytes that Python 3 pickled for Python 2: each as a character of Latin-1, written in UTF-8.

A byte below 128 stays as it is; another takes two, C2 or C3 and 80 to BF.
"""

import numpy as np

from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle.values import bad_pickle

LEADS = (0xC2, 0xC3)


def count(file: CheckpointFile, offset: int, length: int) -> int:
    """Return how many bytes are meant, after a look at all of them.

    Raises:
        CheckpointError: If they are not written in this way.
    """
    total, before = 0, False
    for piece in file.chunks(offset, length):
        follows, _, before = _kinds(np.frombuffer(piece, np.uint8), before)
        total += len(piece) - int(np.count_nonzero(follows))
    if before:
        raise _strange()
    return total


def decoded(file: CheckpointFile, offset: int, length: int, size: int) -> np.ndarray:
    """Return the `size` bytes that are meant.

    Raises:
        CheckpointError: If they are not written in this way, or not as many.
    """
    result = np.empty(size, np.uint8)
    position, before, high = 0, False, 0
    for piece in file.chunks(offset, length):
        values = np.frombuffer(piece, np.uint8)
        carried = high
        follows, leads, before = _kinds(values, before)
        high = int(values[-1]) << 6 & 0xC0
        shifted = np.concatenate([[carried], values[:-1] << 6]).astype(np.uint8)
        bytes_meant = np.where(follows, shifted & 0xC0 | values & 0x3F, values)[~leads]
        if position + len(bytes_meant) > size:
            raise _strange()
        result[position : position + len(bytes_meant)] = bytes_meant
        position += len(bytes_meant)
    if position != size or before:
        raise _strange()
    return result


def _kinds(values: np.ndarray, before: bool) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return which bytes follow a lead and which are one, and whether the last is one.

    Args:
        values: Some bytes.
        before: Whether the byte in front of them is a lead.
    """
    leads = (values == LEADS[0]) | (values == LEADS[1])
    follows = (values & 0xC0) == 0x80
    due = np.concatenate([[before], leads[:-1]])
    if not np.array_equal(follows, due) or np.any((values >= 0x80) & ~leads & ~follows):
        raise _strange()
    return follows, leads, bool(leads[-1])


def _strange():
    return bad_pickle("has bytes that are not written as Python 3 writes them for Python 2")
