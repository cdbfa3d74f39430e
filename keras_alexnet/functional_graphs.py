"""Models made from symbolic tensors, and gone through again layer by layer."""

import keras

from keras_alexnet.cards.alexnet_model import AlexNetModel, is_mixed
from keras_alexnet.errors import UserError


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
        f"Received {model!r}.",
        "A functional or sequential model with one image input, built, was expected.",
        "Wrap a subclassed model: keras.Sequential([keras.Input((224, 224, 3)), model]).",
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


def layer_calls(model, images):
    """Return every call of a layer that a call of a model makes.

    Models inside the model, pipelines, and models in `keras.layers.TimeDistributed` are opened up:
    their layers' calls are returned in place of theirs.

    Args:
        model: A model with weights, or a `keras.layers.Pipeline`.
        images: The symbolic tensor to call it with, or its several ones.

    Returns:
        Pairs of a layer and its output, in the order of the calls.

    Raises:
        UserError: (a `ValueError`) for a subclassed model whose `call` takes no symbolic tensors.

    Example:

    >>> layer = keras.layers.Dense(3)
    >>> model = keras.Sequential([keras.Input((3,)), layer, layer])
    >>> [output.shape for _, output in layer_calls(model, keras.Input((3,), batch_size=2))]
    [(2, 3), (2, 3)]
    """
    found = []

    def call(layer, *args, **kwargs):
        output = layer(*args, **kwargs)
        given, *_ = (*args, *kwargs.values())
        if _opens(layer):
            found.extend(layer_calls(layer, given))
        elif isinstance(layer, keras.layers.TimeDistributed) and _opens(layer.layer):
            found.extend(layer_calls(layer.layer, _steps(given)))
        elif isinstance(layer, keras.layers.Layer):
            found.append((layer, output))
        return output

    tensors = keras.tree.flatten(images)
    if isinstance(model, keras.Sequential | keras.layers.Pipeline):
        x = _fresh(*tensors)
        for layer in model.layers:
            x = call(layer, x)
    else:
        graph = model if getattr(model, "inputs", None) else _seen(model, images)
        inputs = [_fresh(x, own.name) for x, own in zip(tensors, graph.inputs, strict=True)]
        retraced(graph, call, keras.tree.pack_sequence_as(graph.input, inputs))
    return found


def _opens(layer) -> bool:
    return isinstance(layer, keras.Model | keras.layers.Pipeline)


def _fresh(tensor, name=None):
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)


def _steps(sequence):
    """Return all steps of a batch of sequences as one batch."""
    batch, steps, *sizes = sequence.shape
    known = None if None in (batch, steps) else batch * steps
    return keras.KerasTensor((known, *sizes), sequence.dtype)


def _seen(model, images):
    """Return a subclassed model as a functional one, for images of the shape of these."""
    images = keras.tree.map_structure(_fresh, images)
    try:
        return keras.Model(images, model.call(images))
    except Exception as error:
        raise UserError(
            f"Received the model {model.name!r}, {type(model).__name__}, whose layers cannot "
            f"be seen: {type(error).__name__}.",
            "Its `call` must take Keras tensors alone, without values.",
            "Let it compute with layers and keras.ops, or build a functional model.",
        ) from error
