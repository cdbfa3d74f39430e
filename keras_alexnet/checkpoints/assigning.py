"""The assignment of weights: reads all numbers and checks them, then sets the variables."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_alexnet.checkpoints.layouts import Piece
from keras_alexnet.checkpoints.planning import Assignment, Plan
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import THREADS
from keras_alexnet.operations.memory import assign_all, new_values


def carry_out(plan: Plan) -> None:
    """Assign all that is planned, or nothing.

    It reads the file once, into new memory of the model's size, before the first variable changes.
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
    """Return the numbers for a variable, after a check that they are finite in its type."""
    dtype = assignment.variable.dtype
    values = new_values(assignment.variable, run)
    for piece in assignment.placement.pieces:
        if piece.array.magnitude is not None:
            _check(piece, piece.array.magnitude, dtype)

    def check(piece: Piece, rows: np.ndarray) -> None:
        if piece.array.magnitude is None:  # else the reader knows it, and it was checked above
            _check(piece, max(-float(rows.min()), float(rows.max())), dtype)  # NaN if one is

    assignment.placement.fill(values, run, check)
    return values


def _check(piece: Piece, magnitude: float, dtype: str) -> None:
    """Raise unless numbers of this greatest magnitude are finite in a type."""
    limit = float(np.finfo("float32" if dtype == "bfloat16" else dtype).max)  # of the same range
    if not magnitude <= limit:  # NaN is not
        raise CheckpointError(
            f"The tensor {quoted(piece.name)} holds NaN, infinity, or numbers beyond {limit:.4g}, "
            f"the largest of {dtype}.",
            f"Every number must be finite in {dtype}.",
        )
