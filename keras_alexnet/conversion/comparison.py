"""The comparison of a written file with the one that was read."""

import keras
import numpy as np

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.cards.texts import to_texts
from keras_alexnet.checkpoints.layouts import row_blocks
from keras_alexnet.checkpoints.planning import Assignment
from keras_alexnet.checkpoints.prepared import Prepared, prepare
from keras_alexnet.checkpoints.sources import open_source
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.operations.memory import as_array, new_values


def compare_written(source: Prepared, card: ModelCard, path: str) -> None:
    """Raise unless a written file has the tensors that a model got from another one, bit for bit.

    It reads both files, and holds one tensor at a time in memory.

    Args:
        source: The other file, still open, and the model.
        card: The card that was written.
        path: The written file.

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
        raise _wrongly_written(source, error.received) from error
    if others:
        raise _wrongly_written(source, f"It differs in {', '.join(others)}.")


def _wrongly_written(source: Prepared, reason: str) -> CheckpointError:
    return CheckpointError(
        f"The written file does not equal {source.source.contents.path!r}. {reason}",
        "Every tensor of the written file must equal the source's, bit for bit.",
        "No file was kept. Convert again; if the error comes back, check memory and disk.",
    )


def _same(expected: Assignment, found: Assignment) -> bool:
    """Return whether a tensor has the bits that a variable was to get."""
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
