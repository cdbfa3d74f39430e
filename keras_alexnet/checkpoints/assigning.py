"""Carries out a plan: reads all numbers and checks them, then assigns them to the variables."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_alexnet.checkpoints.layouts import Piece
from keras_alexnet.checkpoints.planning import Assignment, Plan
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import THREADS
from keras_alexnet.operations.memory import assign_all, new_values

LARGEST = {"float16": 65504.0, "float64": 1.7976931348623157e308}  # others have float32's range
LARGEST_FLOAT32 = 3.4028234663852886e38


def carry_out(plan: Plan) -> None:
    """Assign what is planned: all of it, or nothing.

    The file is read once, into new memory of the model's size, before the first variable changes.
    An interrupt by Ctrl-C comes before the first assignment or after the last.

    Raises:
        CheckpointError: If a number is not finite, or too large for the variable's type, or if
            the file cannot be read to its end or has changed.
    """
    with ThreadPoolExecutor(THREADS) as threads:
        values = [_new_values(assignment, threads.map) for assignment in plan.assignments]
    assign_all(
        (assignment.variable, array)
        for assignment, array in zip(plan.assignments, values, strict=True)
    )


def _new_values(assignment: Assignment, run: Callable) -> np.ndarray:
    """Return the numbers for a variable, once they are known to be finite in its type."""
    dtype = assignment.variable.dtype
    values = new_values(assignment.variable, run)
    for piece in assignment.placement.pieces:
        if piece.array.magnitude is not None:
            _check(piece, piece.array.magnitude, dtype)
    assignment.placement.fill(values, run, lambda piece, rows: check_numbers(piece, rows, dtype))
    return values


def check_numbers(piece: Piece, rows: np.ndarray, dtype: str) -> None:
    """Raise unless rows of a tensor are finite as numbers of type `dtype`.

    Raises:
        CheckpointError: If one is not.
    """
    if piece.array.magnitude is None:  # else the reader has looked at them
        _check(piece, max(-float(rows.min()), float(rows.max())), dtype)  # NaN if one is


def _check(piece: Piece, magnitude: float, dtype: str) -> None:
    limit = LARGEST.get(dtype, LARGEST_FLOAT32)
    if not magnitude <= limit:  # NaN is not
        raise CheckpointError(
            f"The tensor {shown(piece.name)} holds NaN, infinity, or numbers beyond {limit:.4g}, "
            f"the largest of {dtype}.",
            "Finite numbers were expected.",
        )
