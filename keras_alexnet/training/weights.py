"""The weights that a run begins with: their model card, and the way into its network."""

import dataclasses
from collections.abc import Sequence

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.networks import arguments_for, network_of
from keras_alexnet.checkpoints.sources import open_source
from keras_alexnet.data.classes import match_folders
from keras_alexnet.errors import UserError
from keras_alexnet.model import pretrained
from keras_alexnet.variants import get_variant


def initial_card(weights: str, variant: str | None = None) -> ModelCard:
    """Return the model card of weights that a run begins with; it names the variant.

    Args:
        weights: A name or a path, as `AlexNet` takes it.
        variant: The network; needed only if the file does not say it.

    Raises:
        UserError: If there are no such weights, they cannot be read, belong to another variant, or
            are for images of one channel.
    """
    with open_source(weights, variant) as source:
        name = network_of(source, variant)
        card = dataclasses.replace(source.card, variant=name)
        channels = arguments_for(source, get_variant(name))["input_shape"][2]
    if channels != 3:
        raise UserError(
            f"Received weights={weights!r}, whose first layer takes {channels} channel.",
            "The weights must be for colour images.",
            "Choose other weights, or leave them out to train from initial values.",
        )
    return card


def load_initial(model, weights: str, variant: str, class_names: Sequence[str]) -> tuple[str, ...]:
    """Load weights into a run's network, and return sentences on what was loaded and assumed.

    The last layer, the head, is loaded only if the weights are for the same classes, in whatever
    order. Otherwise it keeps its initial values.

    Args:
        model: The network, built.
        weights: A name or a path, as `AlexNet` takes it.
        variant: The network.
        class_names: The classes, in the order of the outputs.

    Raises:
        UserError: If the weights cannot be read, or are for images of another size.
    """
    with open_source(weights, variant) as source:
        made = pretrained(source, variant, {"data_format": "channels_last"})
    *body, head = [layer for layer in made.model.layers if layer.weights]
    for layer in body:
        _set(model.get_layer(layer.name), layer.get_weights(), weights)
    order = class_order(class_names, made.loaded.card.class_names)
    if order is None:
        last = f"The head {head.name!r} is new, for {len(class_names)} classes."
    else:
        values = [value[..., order] for value in head.get_weights()]
        _set(model.get_layer(head.name), values, weights)
        last = f"The head {head.name!r} is kept, because the classes are those of the weights."
    return (*made.loaded.assumptions, f"The weights are those of {weights!r}. {last}")


def class_order(names: Sequence[str], known: Sequence[str] | None) -> list[int] | None:
    """Return the number of each class among those of weights; `None` unless all are the same.

    Example:

    >>> class_order(["cat", "dog"], ["dog", "cat"]), class_order(["cat"], ["dog", "cat"])
    ([1, 0], None)
    """
    if known is None or len(known) != len(names):
        return None
    try:
        return [match_folders(names, known)[name] for name in names]
    except UserError:
        return None


def _set(layer, values, weights: str) -> None:
    """Set the weights of a layer, or raise unless their shapes are those of the layer."""
    for variable, value in zip(layer.weights, values, strict=True):
        if tuple(variable.shape) != value.shape:
            raise UserError(
                f"Received weights={weights!r}, whose layer {layer.name!r} has the shape "
                f"{value.shape}, for a network where it has {tuple(variable.shape)}.",
                "The weights must be for images of the size that the network sees.",
                "Leave `image_size` (--image-size) out, to train at the size of the weights.",
            )
    layer.set_weights(values)
