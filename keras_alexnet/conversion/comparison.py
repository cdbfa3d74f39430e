"""Whether a file that was written holds the numbers of the one that was read."""

import keras
import numpy as np

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.cards.texts import to_texts
from keras_alexnet.checkpoints.layouts import row_blocks
from keras_alexnet.checkpoints.planning import Assignment
from keras_alexnet.checkpoints.preparing import Prepared, prepare
from keras_alexnet.checkpoints.sources import open_source
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.operations.memory import as_array, new_values


def check_same(source: Prepared, card: ModelCard, path: str) -> None:
    """Raise unless a file of ours has the tensors that a model got from another file, bit for bit.

    Both files are read; in memory is one tensor at a time.

    Args:
        source: The other file, still open, and the model.
        card: The card that was written.
        path: The file of ours.

    Raises:
        CheckpointError: If they differ, or a tensor is missing or there are more.
    """
    try:
        with open_source(path, identify=False) as found:
            written = prepare(found, source.model)
            pairs = zip(source.plan.assignments, written.plan.assignments, strict=True)
            others = [
                f"{other.layer}'s {other.part}"
                for wanted, other in pairs
                if not _same(wanted, other)
            ]
            if to_texts(found.card) != to_texts(card):
                others.append("the model card")
    except CheckpointError as error:
        raise _damaged(source, str(error)) from error
    if others:
        raise _damaged(source, f"it differs in {', '.join(others)}.")


def _damaged(source: Prepared, how: str) -> CheckpointError:
    return CheckpointError(
        f"What was written is not what was read from {source.source.contents.path!r}: {how}",
        "The same numbers were expected in each tensor.",
        "Nothing was kept. Convert again; if it stays so, look at the memory and the disk.",
    )


def _same(expected: Assignment, found: Assignment) -> bool:
    """Say whether a tensor has the bits that a variable was to get."""
    values = new_values(expected.variable)
    expected.placement.fill(values)
    if expected.variable.dtype == "bfloat16":
        values = as_array(keras.ops.cast(values, "bfloat16"))
    (piece,) = found.placement.pieces
    return all(
        np.array_equal(
            piece.array.read(start, stop).view(np.uint8), values[start:stop].view(np.uint8)
        )
        for start, stop in row_blocks(piece.array)
    )
