"""The layers that stay as they are while a network is trained, and for how many epochs."""

import dataclasses

from keras_alexnet.errors import UserError, amount
from keras_alexnet.names import unknown_name
from keras_alexnet.variants import Variant

BODY = "body"  # all layers but the last, the head


@dataclasses.dataclass(frozen=True)
class Phase:
    """Epochs that train the same layers.

    Args:
        first: Number of epochs before it.
        last: Number of epochs at its end.
        frozen: Names of the layers that stay as they are.
    """

    first: int
    last: int
    frozen: tuple[str, ...] = ()


def phases_of(epochs: int, frozen: tuple[str, ...], unfreeze_after: int | None) -> list[Phase]:
    """Return the phases of a training: with frozen layers, and after they become trainable.

    >>> [(phase.first, phase.last) for phase in phases_of(5, ("conv1",), unfreeze_after=2)]
    [(0, 2), (2, 5)]
    """
    if unfreeze_after is None or unfreeze_after >= epochs:
        return [Phase(0, epochs, frozen)]
    return [Phase(0, unfreeze_after, frozen), Phase(unfreeze_after, epochs)]


def frozen_layers(freeze: str, variant: Variant) -> tuple[str, ...]:
    """Return the names of the layers that a text names, in the order of the network.

    Args:
        freeze: Names and ranges, such as `"conv1-conv5,fc6"`; `"body"` is all but the last layer.
        variant: The network.

    Raises:
        UserError: If the network has no such layer, or a range runs backwards.

    Example:

    >>> from keras_alexnet.variants import get_variant
    >>> frozen_layers("conv1-conv2,fc6", get_variant("owt"))
    ('conv1', 'relu1', 'pool1', 'conv2', 'fc6')
    """
    names = [name for name, _ in variant.rows()]
    if freeze == BODY:
        return tuple(names[:-1])
    chosen: set[str] = set()
    for part in freeze.split(","):
        ends = [name.strip() for name in part.split("-")]
        for name in ends:
            if name not in names:
                raise unknown_name("layer", name, names)
        first, last = names.index(ends[0]), names.index(ends[-1])
        if len(ends) > 2 or last < first:
            raise UserError(
                f"Received freeze={freeze!r} with the range {part.strip()!r}.",
                "A range must have two layers, in the order of the network.",
                f"Write it as {names[min(first, last)]}-{names[max(first, last)]}, say.",
            )
        chosen.update(names[first : last + 1])
    return tuple(name for name in names if name in chosen)


def frozen_sentence(freeze: str, unfreeze_after: int | None) -> str:
    """Return a sentence about the layers that a text names.

    >>> frozen_sentence("body", None), frozen_sentence("conv1-conv5", 1)
    ('Frozen: all layers but the last.', 'Frozen for 1 epoch: conv1-conv5.')
    """
    layers = "all layers but the last" if freeze == BODY else freeze
    during = f" for {amount(unfreeze_after, 'epoch')}" if unfreeze_after else ""
    return f"Frozen{during}: {layers}."


def freeze_layers(model, frozen: tuple[str, ...]) -> None:
    """Make all layers of a model trainable but some. Compile the model after it.

    Raises:
        UserError: If no layer with weights is left to train.
    """
    for layer in model.layers:
        layer.trainable = layer.name not in frozen
    if not model.trainable_variables:
        raise UserError(
            f"Received freeze for all layers with weights, {frozen[0]} to {frozen[-1]}.",
            "At least one layer with weights must be trained.",
            "Leave the last layer out of `freeze` (--freeze).",
        )
