"""Functions that build functional models and retrace their graphs layer by layer."""

import keras

from keras_alexnet.cards.alexnet_model import AlexNetModel, is_mixed
from keras_alexnet.errors import UserError


def functional_model(inputs, outputs, name: str, source=None):
    """Return a functional model.

    It is an `AlexNetModel`, which frees tensors early on PyTorch, if its source is one, and if loss
    scaling needs the dtype policy.

    Args:
        inputs: The symbolic tensors that it takes.
        outputs: Those that it returns.
        name: Its name.
        source: The model whose layers it runs, if there is one.
    """
    if isinstance(source, AlexNetModel):
        return AlexNetModel(inputs, outputs, name=name)
    model = keras.Model(inputs, outputs, name=name)
    return AlexNetModel(inputs, outputs, name=name) if is_mixed(model) else model


def made_once(model, key, make):
    """Return the model that `make` builds around another one; with the same key the same one again.

    Keras compiles every model by itself: a new one at each call would be compiled at each call. The
    inner model keeps it, and both are freed together. It is built again if variables of the inner
    model were replaced, as `quantize` does.
    """
    kept = vars(model).setdefault("_models_around", {})  # past Keras, which would save it as well
    variables, around = kept.get(key, ([], None))
    if around is None or [*map(id, variables)] != [*map(id, model.variables)]:
        around = make()
        kept[key] = model.variables, around
    return around


def functional(model):
    """Return a functional or sequential model as a functional one.

    Raises:
        UserError: (a `ValueError`) for a model without a graph of layers or with several inputs: a
            subclassed one, or one that is not built.
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
        "The model must be a built functional or sequential model with one image input.",
        "Wrap a subclassed model: keras.Sequential([keras.Input((224, 224, 3)), model]).",
    )


def retraced(model, call, inputs=None):
    """Return a functional model whose graph is traced again, with another call of each layer.

    Args:
        model: A functional model.
        call: A function from a layer and its arguments, symbolic tensors, to the layer's output;
            `layer(*args, **kwargs)` leaves the layer unchanged. An inner model is one layer.
        inputs: The symbolic tensor to start from; by default one like the model's own.

    Returns:
        A functional model with the new graph, not compiled. The layers are the same ones.

    Example:

    >>> inputs = keras.Input((3,))
    >>> model = keras.Model(inputs, keras.layers.Dense(2, name="two")(inputs))
    >>> twice = retraced(model, lambda layer, x: 2 * layer(x))
    >>> twice.get_layer("two") is model.get_layer("two")
    True
    """
    # Otherwise Keras would build a compiled model's optimizer again, with all its slots.
    uncompiled = keras.Model(model.input, model.output, name=model.name)
    return keras.models.clone_model(
        uncompiled, inputs, clone_function=lambda layer: layer, call_function=call
    )


def layer_calls(model, images):
    """Return all calls of layers in one call of a model.

    Of inner models, pipelines, and models in `keras.layers.TimeDistributed` the calls of their
    layers are returned.

    Args:
        model: A built model, or a `keras.layers.Pipeline`.
        images: The symbolic tensor or tensors to call it with.

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
        if _is_model(layer):
            found.extend(layer_calls(layer, given))
        elif isinstance(layer, keras.layers.TimeDistributed) and _is_model(layer.layer):
            found.extend(layer_calls(layer.layer, _merged_batch(given)))
        elif isinstance(layer, keras.layers.Layer):
            found.append((layer, output))
        return output

    tensors = keras.tree.flatten(images)
    if isinstance(model, keras.Sequential | keras.layers.Pipeline):
        x = _fresh(*tensors)
        for layer in model.layers:
            x = call(layer, x)
    else:
        graph = model if getattr(model, "inputs", None) else _functional_call(model, images)
        inputs = [_fresh(x, own.name) for x, own in zip(tensors, graph.inputs, strict=True)]
        retraced(graph, call, keras.tree.pack_sequence_as(graph.input, inputs))
    return found


def _is_model(layer) -> bool:
    return isinstance(layer, keras.Model | keras.layers.Pipeline)


def _fresh(tensor, name=None):
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)


def _merged_batch(sequence):
    """Return a batch of sequences of images as one batch of images."""
    batch, length, *sizes = sequence.shape
    known = None if None in (batch, length) else batch * length
    return keras.KerasTensor((known, *sizes), sequence.dtype)


def _functional_call(model, images):
    """Return one call of a subclassed model as a functional model."""
    images = keras.tree.map_structure(_fresh, images)
    try:
        return keras.Model(images, model.call(images))
    except Exception as error:
        raise UserError(
            f"Received the model {model.name!r}, {type(model).__name__}, whose layers are unknown: "
            f"its `call` raises {type(error).__name__} for symbolic tensors.",
            "Its `call` must take Keras tensors, which have no values.",
            "Use layers and keras.ops in `call`, or build a functional model.",
        ) from error
