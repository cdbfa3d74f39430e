"""`in_precision`: a network that computes in another precision, beside the one that is given."""

import dataclasses
import warnings

import keras

from keras_alexnet.arguments import choice
from keras_alexnet.checkpoints.targets import layers_of
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.networks import ReadyNetwork
from keras_alexnet.functional_graphs import made_once
from keras_alexnet.preprocessing.base import ImageLayer

__all__ = ["PRECISIONS", "in_precision"]

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16", "int8")


def check_precision(precision: str | None) -> None:
    """Raise unless a precision is one of `PRECISIONS`, or `None`."""
    choice("precision", precision, (*PRECISIONS, None), "Leave it out for the model's own.")


def in_precision(network: ReadyNetwork, precision: str | None) -> tuple[ReadyNetwork, str | None]:
    """Return a network in another precision, and a sentence on it, if there is something to say.

    The network that is given stays as it is.

    Args:
        network: The network.
        precision: One of `PRECISIONS`; `None` for the network's own. A network that is quantized
            already stays so.

    Raises:
        UserError: If the network cannot be built again, or has no layer that can be quantized.
    """
    own, model = precision_of(network.model), network.model
    quantized = any(_is_quantized(layer) for layer in layers_of(model))
    if precision not in (None, own) and not quantized:
        make = _quantized if precision == "int8" else _in_policy
        model = made_once(model, ("precision", precision), lambda: make(network.model, precision))
        own = str(precision)
    note = _note(model, own)
    if quantized and precision not in (None, own):
        note = f"{model.name!r} is quantized, and stays so: precision={precision!r} has no effect."
    return dataclasses.replace(network, model=model), note


def precision_of(model: keras.Model) -> str:
    """Return the precision that a model computes in: that of its first layer that is not float32.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> precision_of(AlexNet("cifar10_18pct", dtype="mixed_bfloat16"))
    'mixed_bfloat16'
    """
    layers = [layer for layer in layers_of(model) if layer.weights]
    modes = [layer.quantization_mode for layer in layers if _is_quantized(layer)]
    names = [layer.dtype_policy.name for layer in layers]
    return next((name for name in (*modes, *names) if name != "float32"), "float32")


def _is_quantized(layer) -> bool:
    return getattr(layer, "quantization_mode", None) is not None


def _note(model, precision: str) -> str | None:
    """Return what the reader of a result should know of its precision."""
    if precision == "float32":
        return None
    names = [layer.name for layer in layers_of(model) if _is_quantized(layer)]
    if names:
        return (
            f"In {precision}, {', '.join(names)} compute with whole numbers; the other layers do "
            "not, as Keras quantizes no convolutions."
        )
    return f"The layers computed in {precision}."


def _in_policy(model, policy: str):
    """Return a copy of a model whose layers compute in a policy of Keras."""

    def dtype(layer):
        # Layers on images keep their bytes and means, and the probabilities their digits.
        if isinstance(layer, ImageLayer):
            return layer.dtype_policy
        softmax = getattr(layer, "activation", None) is keras.activations.softmax
        softmax = softmax or isinstance(layer, keras.layers.Softmax)
        return "float32" if softmax and not layer.weights else policy

    return _copied(model, dtype)


def _quantized(model, mode: str):
    """Return a copy of a model whose dense layers are quantized.

    Raises:
        UserError: If it has none.
    """
    copy = _copied(model, lambda layer: layer.dtype_policy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Keras has one for each other layer
        copy.quantize(mode)
    if not any(_is_quantized(layer) for layer in layers_of(copy)):
        raise UserError(
            f"Received precision={mode!r} for the model {model.name!r}, which has no dense layer.",
            "The model must have a layer that Keras quantizes, such as Dense.",
            "Leave the precision out, or choose 'mixed_bfloat16'.",
        )
    return copy


def _copied(model, dtype):
    """Return a copy of a model with the same weights, whose layers have the dtypes of a function.

    Raises:
        UserError: If Keras cannot copy it.
    """

    def copied(layer):
        config = {**layer.get_config(), "dtype": dtype(layer)}
        # The values are replaced: to draw those of a large dense layer takes seconds.
        zeros = {name: "zeros" for name, value in config.items() if value and _begins(name)}
        return type(layer).from_config({**config, **zeros})

    try:
        copy = keras.models.clone_model(model, clone_function=copied, recursive=True)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise UserError(
            f"Received a precision for the model {model.name!r}, which Keras cannot copy: "
            f"{str(error).strip().splitlines()[0]}",
            "The model must be functional or sequential, and each layer must follow from its "
            "configuration.",
            "Leave the precision out, to compute as the model does.",
        ) from error
    copy.set_weights(model.get_weights())
    return copy


def _begins(name: str) -> bool:
    return name.endswith("_initializer")
