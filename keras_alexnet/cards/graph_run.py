"""A run of a functional graph that keeps no tensor longer than it is needed, for PyTorch.

Keras keeps every tensor until the last layer is done. On a CPU PyTorch then asks the system for new
memory for each layer, and gives all of it back after each batch: tens of thousands of page faults.
TensorFlow and JAX run compiled graphs, which free their tensors early too.

Keras has no public name for the graph of a model: this file reads it, for the method of the same
private name in `AlexNetModel`. tests/cards/test_graph_run.py fails if Keras changes them.
"""

import collections
from typing import Any

import keras

from keras_alexnet.layers.conv import Conv2D


def run_graph(model, inputs, operation_fn):
    """Return the outputs of a functional model, the same bits as Keras's own run gives.

    Args:
        model: The functional model.
        inputs: Its inputs, a flat list of tensors.
        operation_fn: A function from a layer to what is called in its place.
    """
    depths = sorted(model._nodes_by_depth, reverse=True)
    nodes = [node for depth in depths for node in model._nodes_by_depth[depth]]
    uses = collections.Counter(id(x) for node in nodes for x in node.input_tensors)
    uses.update(id(x) for x in model.outputs)  # these are never used up
    tensors = dict(zip(map(id, model.inputs), inputs, strict=True))
    makers: dict[int, Any] = {}  # the layers whose output one other layer alone reads
    overwrites = _may_overwrite()
    for node in nodes:
        given = [id(x) for x in node.input_tensors]
        if node.is_input or not all(key in tensors for key in given):
            continue
        in_place = overwrites and _is_rectified(makers.get(given[0]), node.operation)
        _compute(tensors, node, _rectify if in_place else operation_fn(node.operation))
        makers.update((id(x), node.operation) for x in node.outputs if uses[id(x)] == 1)
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


def _may_overwrite() -> bool:
    """Return whether no gradient, compiler or hook of a user's may need a tensor later."""
    import torch
    from torch.nn.modules import module

    watched = torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.jit.is_tracing()
    return not (watched or module._global_forward_hooks or module._global_forward_pre_hooks)


def _is_rectified(maker, layer) -> bool:
    """Return whether a layer does no more than to rectify memory that only its maker knows.

    The output of a convolution or of a dense layer is such memory, unless a user's hook sees it.

    Args:
        maker: The layer whose output only `layer` reads, or `None`.
        layer: Any layer.
    """
    if type(maker) not in (Conv2D, keras.layers.Dense) or type(layer) is not keras.layers.ReLU:
        return False
    plain = not (layer.negative_slope or layer.threshold) and layer.max_value is None
    same_type = layer.compute_dtype == maker.compute_dtype
    hooks = (maker._forward_hooks, layer._forward_hooks, layer._forward_pre_hooks)
    return plain and same_type and maker.activation is keras.activations.linear and not any(hooks)


def _rectify(x):
    """Return x, whose negative values have become 0."""
    return x.relu_()
