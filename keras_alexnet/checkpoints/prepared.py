"""`Prepared`: an open file matched to a model, before the first number is assigned."""

import dataclasses
from typing import Any

from keras_alexnet.checkpoints.dialects import Dialect
from keras_alexnet.checkpoints.naming import find_dialect
from keras_alexnet.checkpoints.planning import ColorChanges, Plan, make_plan
from keras_alexnet.checkpoints.sources import WeightSource
from keras_alexnet.checkpoints.targets import Target, aliases_of, targets_of
from keras_alexnet.formats.errors import CheckpointError, errors_about
from keras_alexnet.type_aliases import ChannelOrder


@dataclasses.dataclass(frozen=True)
class Prepared:
    """An open file of weights, a model, and the plan that brings the one into the other.

    Args:
        source: The open weights.
        model: The model.
        targets: Its layers with weights.
        dialect: How the file's tensors are named and laid out.
        order: The order of colours that the file's weights take, if it is known.
        wanted_order: The order that the model is to take; `None` for the file's.
        plan: Which tensor will go into which variable.
    """

    source: WeightSource
    model: Any
    targets: list[Target]
    dialect: Dialect
    order: ChannelOrder | None
    wanted_order: ChannelOrder | None
    plan: Plan


def prepare(
    source: WeightSource,
    model,
    channel_order: ChannelOrder | None = None,
    sum_colors: bool = False,
) -> Prepared:
    """Return the plan for each tensor of a file and each variable of a model, which stays as it is.

    `channel_order` and `sum_colors` are those of `load_checkpoint`.

    Raises:
        CheckpointError: If anything does not fit; the message names all of it.
    """
    targets = targets_of(model)
    aliases = aliases_of(targets)
    contents = source.contents
    with errors_about(f"{contents.path!r} was not loaded."):
        dialect = find_dialect(contents.arrays, aliases)
        order = source.card.channel_order or dialect.order
        colors = ColorChanges(sum_colors, _must_reverse(order, channel_order))
        plan = make_plan(contents.arrays, dialect, targets, aliases, colors)
    return Prepared(source, model, targets, dialect, order, channel_order, plan)


def _must_reverse(order: str | None, wanted: str | None) -> bool:
    if wanted is not None and order is None:
        raise CheckpointError(
            f"Received channel_order={wanted!r} for a file that does not say what order of "
            "colours its weights take.",
            "The order of colours must be known, from the file or its tensors' names.",
            "Leave `channel_order` out, and give the model images in the order of its training.",
        )
    return wanted not in (None, order)
