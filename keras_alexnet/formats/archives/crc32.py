"""CRC-32 and greatest magnitude of bytes, computed in parts by several threads."""

import functools
import zlib
from typing import NamedTuple

import numpy as np

from keras_alexnet.formats.files import CheckpointFile

POLYNOMIAL = 0xEDB88320  # of zip archives; in it and in what follows x^0 is the highest bit
ONE, X = 1 << 31, 1 << 30


class Seen(NamedTuple):
    """CRC-32 and greatest magnitude of a run of bytes.

    Args:
        crc: Its CRC-32.
        length: Number of bytes.
        magnitude: The greatest magnitude of the numbers in it, NaN if one of them is NaN, 0 if
            they were not looked at.
    """

    crc: int = 0
    length: int = 0
    magnitude: float = 0.0

    def then(self, other: "Seen") -> "Seen":
        """Return what this run and the one that follows it are like together.

        Bytes that follow multiply the polynomial of those before by x^8 each.

        >>> import zlib
        >>> both = Seen(zlib.crc32(b"Alex"), 4).then(Seen(zlib.crc32(b"Net"), 3))
        >>> both.crc == zlib.crc32(b"AlexNet"), both.length
        (True, 7)
        """
        return Seen(
            _product(self.crc, _power_of_x(8 * other.length)) ^ other.crc,
            self.length + other.length,
            float(np.maximum(self.magnitude, other.magnitude)),  # NaN if one of them is
        )


def look(file: CheckpointFile, offset: int, length: int, dtype: np.dtype | None) -> Seen:
    """Look at bytes of a file, and at the numbers of a type that they are."""
    crc, magnitudes = 0, [0.0]
    for piece in file.chunks(offset, length):
        crc = zlib.crc32(piece, crc)
        if dtype is not None:
            values = np.frombuffer(piece, dtype)
            magnitudes += [-float(values.min()), float(values.max())]
    return Seen(crc, length, float(np.max(magnitudes)))


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
