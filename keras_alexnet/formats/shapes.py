"""Shapes, strides and element types that an array in a checkpoint may have."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_alexnet.formats.errors import CheckpointError, quoted

MAX_RANK = 8
NUMBERS = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})
MAX_ELEMENTS = 1 << 40  # with zero sizes counted as one: beyond it NumPy's own sums may overflow


class ElementType(NamedTuple):
    """The type of an array's elements as the file stores them.

    Args:
        dtype: NumPy's type; its byte order, where it matters, is part of it.
        bfloat16: Whether the elements, unsigned 16-bit integers to NumPy, are the upper halves of
            float32 numbers.
    """

    dtype: str
    bfloat16: bool = False

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return np.dtype(self.dtype).itemsize


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape as a tuple if an array may have it.

    Raises:
        CheckpointError: If there are too many axes or elements, or a size is not a non-negative
            integer.
    """
    if len(shape) > MAX_RANK:
        raise CheckpointError(
            f"An array has {len(shape)} axes.", f"An array must have at most {MAX_RANK} axes."
        )
    if not all(type(n) is int and n >= 0 for n in shape):
        raise CheckpointError(
            "An array has a size that is negative or not an integer.",
            "Every size must be a non-negative integer.",
        )
    if math.prod(max(n, 1) for n in shape) > MAX_ELEMENTS:
        raise CheckpointError(
            f"An array has the shape {tuple(shape)}.",
            f"An array must have at most {MAX_ELEMENTS} elements.",
        )
    return tuple(shape)


def c_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, in elements, of an array in C order.

    Example:

    >>> c_strides((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def fortran_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, in elements, of an array whose first axis varies fastest."""
    return tuple(math.prod(shape[:axis]) for axis in range(len(shape)))


def checked_dtype(descr: str) -> np.dtype:
    """Return the dtype of a name in NumPy's form, such as "<f4", if it is numeric.

    Raises:
        CheckpointError: If it is not numeric: text, objects, records.
    """
    if descr[descr[:1] in ("<", ">", "|", "=") :] not in NUMBERS:
        raise CheckpointError(
            f"An array has the dtype {quoted(descr)}.",
            f"The dtype must be one of {', '.join(sorted(NUMBERS))}.",
            "Save the array as float32.",
        )
    return np.dtype(descr)


def checked_extent(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Return the number of elements of a storage from a view's first to its last, both included.

    Raises:
        CheckpointError: If there is not one stride, a non-negative integer, for each axis, or the
            view repeats elements: a few bytes could pretend to be terabytes.
    """
    if len(strides) != len(shape) or not all(type(n) is int and n >= 0 for n in strides):
        raise CheckpointError(
            f"An array of shape {shape} has strides that are negative, missing or not integers.",
            "An array must have one non-negative integer stride for each axis.",
        )
    if 0 in shape:
        return 0
    extent = 1 + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if math.prod(shape) > extent:
        raise CheckpointError(
            f"An array of shape {shape} and strides {strides} repeats elements of its storage.",
            "Every element must have its own place in the storage.",
            "Save a contiguous copy of the array (`.contiguous()` in PyTorch).",
        )
    return extent
