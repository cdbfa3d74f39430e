"""CRC-32 and greatest magnitude of bytes, computed in parts by several threads."""

import functools
import zlib
from typing import NamedTuple

import numpy as np

from keras_alexnet.formats.files import CheckpointFile

POLYNOMIAL = 0xEDB88320  # of zip archives; the highest bit of a number stands for x^0
ONE, X = 1 << 31, 1 << 30


class Summary(NamedTuple):
    """CRC-32 and greatest magnitude of a run of bytes.

    Args:
        crc: Its CRC-32.
        length: Number of bytes.
        magnitude: The greatest magnitude of the numbers in it; NaN if one of them is NaN; 0 if
            the bytes were not read as numbers.
    """

    crc: int = 0
    length: int = 0
    magnitude: float = 0.0

    def followed_by(self, other: "Summary") -> "Summary":
        """Return the summary of this run and the next one together.

        Each byte of the next run multiplies the polynomial of this one by x^8.

        >>> import zlib
        >>> both = Summary(zlib.crc32(b"Alex"), 4).followed_by(Summary(zlib.crc32(b"Net"), 3))
        >>> both.crc == zlib.crc32(b"AlexNet"), both.length
        (True, 7)
        """
        return Summary(
            _product(self.crc, _power_of_x(8 * other.length)) ^ other.crc,
            self.length + other.length,
            float(np.maximum(self.magnitude, other.magnitude)),  # NaN if one of them is
        )


def summarize(file: CheckpointFile, offset: int, length: int, dtype: np.dtype | None) -> Summary:
    """Return the summary of bytes of a file. They are numbers if a `dtype` is given."""
    crc, magnitudes = 0, [0.0]
    for piece in file.chunks(offset, length):
        crc = zlib.crc32(piece, crc)
        if dtype is not None:
            values = np.frombuffer(piece, dtype)
            magnitudes += [-float(values.min()), float(values.max())]
    return Summary(crc, length, float(np.max(magnitudes)))


@functools.lru_cache(maxsize=64)
def _power_of_x(exponent: int) -> int:
    """Return x^exponent modulo the polynomial, by repeated squaring."""
    result, square = ONE, X
    while exponent:
        if exponent & 1:
            result = _product(result, square)
        square = _product(square, square)
        exponent >>= 1
    return result


def _product(a: int, b: int) -> int:
    """Return the product of two polynomials over bits, modulo the polynomial."""
    product = 0
    while a:
        if a & ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ (POLYNOMIAL if b & 1 else 0)
    return product
