"""Functional models: made from symbolic tensors, and gone through again with shared weights."""

import keras

from keras_alexnet.alexnet_model import AlexNetModel, is_mixed
from keras_alexnet.errors import UserError, explain


def functional_model(inputs, outputs, name: str):
    """Return a functional model, an `AlexNetModel` if loss scaling needs its dtype policy."""
    model = keras.Model(inputs, outputs, name=name)
    return AlexNetModel(inputs, outputs, name=name) if is_mixed(model) else model


def functional(model):
    """Return a model as a functional one; a sequential one's stacks of layers stand side by side.

    Raises:
        UserError: (a `ValueError`) for a model whose layers cannot be seen: a subclassed one, one
            that is not built, or one with several inputs.
    """
    if isinstance(model, keras.Sequential) and model.built:
        (given,) = model.inputs
        inputs = x = keras.Input(given.shape[1:], dtype=given.dtype, name="image")
        for layer in model.layers:
            x = layer(x)
        return functional_model(inputs, x, model.name)
    if isinstance(getattr(model, "input", None), keras.KerasTensor):
        return model
    raise UserError(
        explain(
            f"Received {model!r}.",
            "A functional or sequential model with one image input, built, was expected.",
            "Wrap a subclassed model: keras.Sequential([keras.Input((224, 224, 3)), model]).",
        )
    )


def retraced(model, call, inputs=None):
    """Go through a functional model's graph again.

    Args:
        model: A functional model.
        call: A function of a layer and its arguments, symbolic tensors, that gives its output:
            `layer(*args, **kwargs)` to leave it as it is. A model inside the model is one layer.
        inputs: The symbolic tensor to begin with; by default one like the model's own.

    Returns:
        A functional model with the new graph, not compiled. The layers are the same ones.

    Example:

    >>> inputs = keras.Input((3,))
    >>> model = keras.Model(inputs, keras.layers.Dense(2, name="two")(inputs))
    >>> twice = retraced(model, lambda layer, x: 2 * layer(x))
    >>> twice.get_layer("two") is model.get_layer("two")
    True
    """
    # Without this a compiled model's optimizer would be made anew, with all its slots.
    uncompiled = keras.Model(model.input, model.output, name=model.name)
    return keras.models.clone_model(
        uncompiled, inputs, clone_function=lambda layer: layer, call_function=call
    )
