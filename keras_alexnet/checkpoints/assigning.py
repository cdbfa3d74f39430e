"""Carries out a plan: looks at all numbers, then assigns variable by variable."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from keras_alexnet.backends import chosen
from keras_alexnet.checkpoints.errors import refused, shown
from keras_alexnet.checkpoints.layouts import Piece, row_blocks
from keras_alexnet.checkpoints.planning import Plan
from keras_alexnet.checkpoints.reading.files import THREADS

LARGEST = {"float16": 65504.0, "float64": 1.7976931348623157e308}  # others have float32's range
LARGEST_FLOAT32 = 3.4028234663852886e38


def carry_out(plan: Plan) -> None:
    """Assign what is planned, one variable at a time.

    In memory is at most one variable more than the model has, and a few rows of the file.

    Raises:
        CheckpointError: If a number is not finite, or too large for the variable's type. All are
            looked at before the first is assigned.
    """
    assign = chosen("assign")
    with ThreadPoolExecutor(THREADS) as threads:
        for assignment in plan.assignments:
            for piece in assignment.placement.pieces:
                check_numbers(piece, assignment.variable.dtype, threads.map)
        for assignment in plan.assignments:
            assign(assignment.variable, assignment.placement.fill, threads.map)


def check_numbers(piece: Piece, dtype: str, run: Callable = map) -> None:
    """Raise unless all numbers of a tensor are finite as numbers of type `dtype`.

    Raises:
        CheckpointError: If one is not.
    """
    limit = LARGEST.get(dtype, LARGEST_FLOAT32)
    array = piece.array

    def magnitude(rows: tuple[int, int]) -> float:
        values = array.read(*rows)
        return max(-float(values.min()), float(values.max()))  # both are NaN if there is one

    blocks = run(magnitude, row_blocks(array)) if array.magnitude is None else [array.magnitude]
    if not all(greatest <= limit for greatest in blocks):  # NaN is not
        raise refused(
            f"The tensor {shown(piece.name)} holds NaN, infinity, or numbers beyond {limit:.4g}, "
            f"the largest of {dtype}.",
            "Finite numbers were expected.",
        )
