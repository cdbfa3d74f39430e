"""A file opened for a model: whose it is, and what becomes of each of its tensors."""

import dataclasses
from typing import Any

from keras_alexnet.checkpoints.dialects import Dialect
from keras_alexnet.checkpoints.naming import recognise
from keras_alexnet.checkpoints.planning import Plan, Wishes, make_plan
from keras_alexnet.checkpoints.sources import WeightSource
from keras_alexnet.checkpoints.targets import Target, aliases_of, targets_of
from keras_alexnet.formats.errors import CheckpointError, errors_about


@dataclasses.dataclass(frozen=True)
class Prepared:
    """All that is known before the first number is assigned.

    Args:
        source: The open weights.
        model: The model.
        targets: Its layers with weights.
        dialect: How the file's tensors are named and laid out.
        order: The order of colours that the file's weights take, if it is known.
        wanted_order: The order that the model is to take; `None` for the file's.
        plan: What becomes of each tensor.
    """

    source: WeightSource
    model: Any
    targets: list[Target]
    dialect: Dialect
    order: str | None
    wanted_order: str | None
    plan: Plan


def prepare(
    source: WeightSource,
    model,
    channel_order: str | None = None,
    sum_colors: bool = False,
) -> Prepared:
    """Plan what becomes of each tensor of a file and each variable of a model.

    Args:
        source: The open weights.
        model: The model, of which nothing is changed.
        channel_order: As `load_checkpoint` takes it.
        sum_colors: As `load_checkpoint` takes it.

    Raises:
        CheckpointError: If anything does not fit; all of it is said together.
    """
    targets = targets_of(model)
    aliases = aliases_of(targets)
    contents = source.contents
    with errors_about(f"{contents.path!r} was not loaded."):
        dialect = recognise(contents.arrays, aliases)
        order = source.card.channel_order or dialect.order
        wishes = Wishes(sum_colors, _must_reverse(order, channel_order))
        plan = make_plan(contents.arrays, dialect, targets, aliases, wishes)
    return Prepared(source, model, targets, dialect, order, channel_order, plan)


def _must_reverse(order: str | None, wanted: str | None) -> bool:
    if wanted is not None and order is None:
        raise CheckpointError(
            f"Received channel_order={wanted!r} for a file that does not say what order of "
            "colours its weights take.",
            "A file that says it, or whose names do, was expected.",
            "Load it as it is, and give the model images in the order it was trained with.",
        )
    return wanted not in (None, order)
