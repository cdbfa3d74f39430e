"""`run_graph`: a run of a functional model on PyTorch that frees each tensor after its last use.

Keras keeps every tensor until the last layer is done. On a CPU PyTorch then asks the system for new
memory for each layer, and gives all of it back after each batch: tens of thousands of page faults.
TensorFlow and JAX run compiled graphs, which free their tensors early too.

Keras has no public name for the graph of a model. This file reads private attributes of it, and
`AlexNetModel` overrides the private method that runs it. tests/cards/test_graph_run.py fails if
Keras changes one of them.
"""

import collections
import functools
from typing import Any

import keras

from keras_alexnet.layers.conv import Conv2D
from keras_alexnet.operations.exports import is_exporting

OWNERS = (Conv2D, keras.layers.Dense)  # layers that return new memory, which nothing else shares


def run_graph(model, inputs, operation_fn):
    """Return the outputs of a functional model.

    Args:
        model: The functional model.
        inputs: Its inputs, a flat list of tensors.
        operation_fn: A function that takes a layer and returns what to call in its place.
    """
    depths = sorted(model._nodes_by_depth, reverse=True)
    nodes = [node for depth in depths for node in model._nodes_by_depth[depth]]
    uses = collections.Counter(id(x) for node in nodes for x in node.input_tensors)
    uses.update(id(x) for x in model.outputs)  # one use more than the layers take: kept
    alone = {key for key, count in uses.items() if count == 1}
    readers = {id(x): node.operation for node in nodes for x in node.input_tensors}
    makers: dict[int, Any] = {}
    tensors = dict(zip(map(id, model.inputs), inputs, strict=True))
    for node in nodes:
        given = [id(x) for x in node.input_tensors]
        if node.is_input or not all(key in tensors for key in given):
            continue
        layer, made = node.operation, id(node.outputs[0])
        maker = makers.get(given[0]) if given[0] in alone else None
        reader = readers.get(made) if made in alone else None
        _compute(tensors, node, _joined(maker, layer, reader, operation_fn(layer)))
        makers[made] = layer
        for key in given:
            uses[key] -= 1
            if not uses[key]:
                del tensors[key]
    outputs = [tensors[id(x)] for x in model.outputs]
    return keras.tree.pack_sequence_as(model._outputs_struct, outputs)


def _compute(tensors: dict, node, call) -> None:
    """Call a layer on its inputs, and add its outputs to the tensors."""
    args, kwargs = node.arguments.fill_in(tensors)
    outputs = keras.tree.flatten(call(*args, **kwargs))
    tensors.update(zip(map(id, node.outputs), outputs, strict=True))


def _joined(maker, layer, reader, call):
    """Return the function that computes a layer, `call` or a cheaper one.

    A margin of zeros is left to the convolution after it, and a rectification overwrites its input.

    Args:
        maker: The layer whose output `layer` alone reads, or `None`.
        layer: The layer.
        reader: The layer that alone reads its output, or `None`.
        call: What computes the layer by itself.
    """
    if is_exporting():
        return call
    if _pads(layer, reader):
        return _unchanged
    if _pads(maker, layer):
        return functools.partial(call, margin=maker.padding)
    return _rectified if _rectifies(layer, maker) else call


def _pads(layer, reader) -> bool:
    """Return whether a layer adds a margin of zeros that the convolution after it can add."""
    return (
        type(layer) is keras.layers.ZeroPadding2D
        and type(reader) is Conv2D
        and layer.data_format == reader.data_format
        and _is_hidden(layer, reader)
    )


def _rectifies(layer, maker) -> bool:
    """Return whether a layer is a plain ReLU that may overwrite its input.

    The input is then new memory of the layer before it, and nothing else needs it.
    """
    import torch

    return (
        type(layer) is keras.layers.ReLU
        and type(maker) in OWNERS
        and not (layer.negative_slope or layer.threshold)
        and layer.max_value is None
        and maker.activation is keras.activations.linear
        and _is_hidden(maker, layer)
        and not (torch.is_grad_enabled() or torch.compiler.is_compiling())
    )


def _is_hidden(layer, reader) -> bool:
    """Return whether no cast and no hook of a user stands between two layers."""
    from torch.nn.modules import module

    of_all = (module._global_forward_hooks, module._global_forward_pre_hooks)
    of_layers = (layer._forward_hooks, reader._forward_hooks, reader._forward_pre_hooks)
    return layer.compute_dtype == reader.compute_dtype and not any((*of_all, *of_layers))


def _unchanged(x):
    """Return x."""
    return x


def _rectified(x):
    """Return x, in which zeros have overwritten the negative values."""
    return x.relu_()
