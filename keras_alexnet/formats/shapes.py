"""Shapes, strides and types that an array in a checkpoint may have."""

import math
from collections.abc import Sequence

import numpy as np

from keras_alexnet.formats.errors import CheckpointError, shown

MAX_RANK = 8
NUMBERS = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})
MAX_ELEMENTS = 1 << 40  # with zero sizes counted as one: beyond it NumPy's own sums may overflow


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape as a tuple, if it is one that an array may have.

    Raises:
        CheckpointError: If there are too many axes or elements, or a size is not a non-negative
            integer.
    """
    if len(shape) > MAX_RANK:
        raise CheckpointError(
            f"An array has {len(shape)} axes.", f"At most {MAX_RANK} were expected."
        )
    if not all(type(n) is int and n >= 0 for n in shape):
        raise CheckpointError(
            "An array has a size that is negative or no whole number.",
            "Every size must be a non-negative integer.",
        )
    if math.prod(max(n, 1) for n in shape) > MAX_ELEMENTS:
        raise CheckpointError(
            f"An array has the shape {tuple(shape)}.",
            f"At most {MAX_ELEMENTS} elements were expected.",
        )
    return tuple(shape)


def c_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the distances along each axis, in elements, of an array in C order.

    Example:

    >>> c_strides((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def fortran_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the distances along each axis, in elements, if the first axis varies fastest."""
    return tuple(math.prod(shape[:axis]) for axis in range(len(shape)))


def checked_dtype(descr: str) -> np.dtype:
    """Return a type by NumPy's name, such as "<f4", if it is one of numbers.

    Raises:
        CheckpointError: If it is not: text, objects, records.
    """
    if descr[descr[:1] in ("<", ">", "|", "=") :] not in NUMBERS:
        raise CheckpointError(
            f"An array has the type {shown(descr)}.",
            f"One of {', '.join(sorted(NUMBERS))} was expected.",
            "Save it as float32.",
        )
    return np.dtype(descr)


def checked_extent(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Return how many elements of a storage a view reaches over, the first one included.

    Raises:
        CheckpointError: If there is not one stride, a whole number from 0 on, for each axis, or
            elements are repeated: a few bytes could be said to be terabytes.
    """
    if len(strides) != len(shape) or not all(type(n) is int and n >= 0 for n in strides):
        raise CheckpointError(
            f"An array of shape {shape} has strides that are not {len(shape)} whole numbers "
            "from 0 on.",
            "A stride for each axis was expected.",
        )
    if 0 in shape:
        return 0
    extent = 1 + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if math.prod(shape) > extent:
        raise CheckpointError(
            f"An array of shape {shape} repeats the elements of a storage: its strides are "
            f"{strides}.",
            "Each element was expected to be stored.",
            "Save a copy of it (`.contiguous()` in PyTorch).",
        )
    return extent
