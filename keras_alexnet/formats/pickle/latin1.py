"""Bytes that Python 3 pickled for Python 2: each one as a Latin-1 character, encoded in UTF-8.

A byte below 128 stays as it is; another takes two, C2 or C3 and 80 to BF.
"""

import numpy as np

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle.values import invalid_pickle

LEADS = (0xC2, 0xC3)


def decode(file: CheckpointFile, offset: int, length: int, size: int) -> np.ndarray:
    """Return the `size` bytes that `length` bytes of the file encode.

    Raises:
        CheckpointError: If they are not encoded in this way, or their number is another.
    """
    if not size <= length <= 2 * size:  # before the memory is allocated
        raise _invalid_bytes()
    result = np.empty(size, np.uint8)
    position, after_lead, high = 0, False, 0
    for piece in file.chunks(offset, length):
        values = np.frombuffer(piece, np.uint8)
        previous_high = high
        follows, leads, after_lead = _classify(values, after_lead)
        high = int(values[-1]) << 6 & 0xC0
        shifted = np.concatenate([[previous_high], values[:-1] << 6]).astype(np.uint8)
        decoded = np.where(follows, shifted & 0xC0 | values & 0x3F, values)[~leads]
        if position + len(decoded) > size:
            raise _invalid_bytes()
        result[position : position + len(decoded)] = decoded
        position += len(decoded)
    if position != size or after_lead:
        raise _invalid_bytes()
    return result


def _classify(values: np.ndarray, after_lead: bool) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return which bytes follow a lead byte, which are one, and whether the last is one.

    Args:
        values: Some bytes.
        after_lead: Whether the byte in front of them is a lead byte.
    """
    leads = (values == LEADS[0]) | (values == LEADS[1])
    follows = (values & 0xC0) == 0x80
    expected = np.concatenate([[after_lead], leads[:-1]])
    if not np.array_equal(follows, expected) or np.any((values >= 0x80) & ~leads & ~follows):
        raise _invalid_bytes()
    return follows, leads, bool(leads[-1])


def _invalid_bytes() -> CheckpointError:
    return invalid_pickle(
        "The pickle has bytes in another encoding, or of another number, than Python 3 writes for "
        "Python 2."
    )
