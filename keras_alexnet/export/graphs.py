"""`graph_of`: a Keras model as a `Graph` of operators."""

import dataclasses
from collections.abc import Sequence

import keras

from keras_alexnet.checkpoints.targets import layers_of
from keras_alexnet.errors import UserError
from keras_alexnet.export.layer_operators import operators_of
from keras_alexnet.export.operators import (
    CenterCrop,
    Conv,
    Graph,
    LocalConv,
    Node,
    Operator,
    Pad,
    Padding,
    Resize,
    Value,
    unused_name,
)
from keras_alexnet.functional_graphs import functional, retraced
from keras_alexnet.type_aliases import DataFormat


def graph_of(model) -> Graph:
    """Return what a model computes at inference, with the values of its weights.

    Models inside the model are taken apart. The names of the nodes and of their outputs are those
    of the layers. Zeros around the input of a convolution are part of the convolution.

    Raises:
        UserError: (a `ValueError`) for a model without a graph of layers, and for a layer that is
            no operator: one of another package, a `keras.ops` call, a quantized layer.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> graph = graph_of(AlexNet("cifar10_18pct"))
    >>> [node.name for node in graph.nodes][:5], graph.outputs[0].shape
    (['conv1', 'pool1', 'relu1', 'norm1', 'conv2'], (None, 10))
    """
    network = functional(model)
    data_format = _data_format(network)
    image = network.inputs[0]
    dtype = "uint8" if image.dtype == "uint8" else "float32"
    given = Value(image.name, tuple(image.shape), dtype)
    walk = _Walk(model.name, data_format, given)
    outputs = walk.follow(network, given)
    names = [output.name for output in outputs]
    if given in outputs or len({*names}) < len(names):
        raise UserError(
            f"Received the model {model.name!r}, which returns its input, or one value twice: "
            f"{', '.join(names)}.",
            "Every output must be the result of a layer that changes something, and no other's.",
            "Leave out dropout layers and copies among the outputs.",
        )
    return Graph(model.name, given, _padded(walk.nodes, names), outputs, data_format)


class _Walk:
    """Collects the operators of a model, layer by layer, in the order of computation.

    Args:
        name: Name of the model, for the messages.
        data_format: Data format of its maps.
        given: The images that it takes.
    """

    def __init__(self, name: str, data_format: str, given: Value):
        self.name = name
        self.data_format = data_format
        self.nodes: list[Node] = []
        self._values: dict[int, Value] = {}  # by the identity of the symbolic tensor
        self._tensors: list = []  # which keeps these identities
        self._names = {given.name}

    def follow(self, network, given: Value) -> tuple[Value, ...]:
        """Add the operators of a functional model that takes a value, and return its outputs."""
        image = network.inputs[0]
        inputs = keras.Input(batch_shape=image.shape, dtype=image.dtype, name=image.name)
        self._keep(inputs, given)
        return tuple(self._values[id(x)] for x in retraced(network, self._call, inputs).outputs)

    def _call(self, layer, *args, **kwargs):
        """Apply a layer to a symbolic tensor, and add its operators."""
        if isinstance(layer, keras.layers.Pipeline):
            (x,) = args
            for each in layer.layers:
                x = self._call(each, x)
            return x
        outputs = layer(*args, **kwargs)
        tensors = keras.tree.flatten((args, kwargs))
        known = [x for x in tensors if keras.utils.is_keras_tensor(x)]
        if len(known) != 1 or not keras.utils.is_keras_tensor(outputs):
            raise self._no_operator(layer)
        value = self._values[id(known[0])]
        if isinstance(layer, keras.Model):
            (value,) = self.follow(functional(layer), value)
        else:
            value = self._add(layer, value, tuple(outputs.shape))
        self._keep(outputs, value)
        return outputs

    def _add(self, layer, value: Value, shape: tuple) -> Value:
        if getattr(layer, "quantization_mode", None):
            raise self._no_operator(layer)
        operators = []
        for operator in operators_of(layer, value.shape, self.data_format):
            if operator is None:
                raise self._no_operator(layer)
            operators.append(operator)
        name = unused_name(layer.name, self._names)
        for number, operator in enumerate(operators, 1):
            last = number == len(operators)
            here = (
                name
                if last
                else unused_name(f"{name}_{type(operator).__name__.lower()}", self._names)
            )
            output = Value(here, shape, "uint8" if _keeps(operator, value) else "float32")
            self.nodes.append(Node(here, operator, value.name, output))
            value = output
        return value

    def _keep(self, tensor, value: Value) -> None:
        self._values[id(tensor)] = value
        self._tensors.append(tensor)

    def _no_operator(self, layer) -> UserError:
        return UserError(
            f"Received the model {self.name!r} with the layer {layer.name!r}, a "
            f"{type(layer).__name__}, which cannot be exported.",
            "Every layer must be one of keras_alexnet's, or a common one of Keras's with one "
            "input, such as Conv2D, Dense, BatchNormalization, or a pooling, and not quantized.",
            "Replace the layer, or export the model up to it with "
            "feature_extractor(model, 'fc7'), say.",
        )


def _keeps(operator: Operator, value: Value) -> bool:
    """Return whether an operator leaves whole numbers whole."""
    return value.dtype == "uint8" and isinstance(operator, Resize | CenterCrop)


def _data_format(network) -> DataFormat:
    """Return the data format of the maps of a model."""
    formats = {
        layer.data_format
        for layer in layers_of(network)
        # The order of the values behind maps is a matter of its own.
        if isinstance(getattr(layer, "data_format", None), str)
        and not isinstance(layer, keras.layers.Flatten)
    }
    if len(formats) > 1:
        raise UserError(
            f"Received the model {network.name!r}, whose layers have both data formats.",
            "All layers of the model must have the same data format.",
            "Build the model with one data_format.",
        )
    return formats.pop() if formats else keras.config.image_data_format()


def _padded(nodes: Sequence[Node], outputs: Sequence[str]) -> tuple[Node, ...]:
    """Return the nodes with the zeros of each `Pad` as part of the convolution behind it."""
    pads = {
        node.output.name: (node.operator.padding, node.input)
        for node in nodes
        if isinstance(node.operator, Pad) and node.output.name not in outputs
    }
    for node in nodes:
        if not isinstance(node.operator, Conv | LocalConv):
            pads.pop(node.input, None)
    merged = []
    for node in nodes:
        if node.input in pads and isinstance(node.operator, Conv | LocalConv):
            zeros, before = pads[node.input]
            padding = _sum(zeros, node.operator.padding)
            operator = dataclasses.replace(node.operator, padding=padding)
            node = dataclasses.replace(node, operator=operator, input=before)
        merged.append(node)
    return tuple(node for node in merged if node.output.name not in pads)


def _sum(first: Padding, second: Padding) -> Padding:
    (top, bottom), (left, right) = first
    (above, below), (before, after) = second
    return (top + above, bottom + below), (left + before, right + after)
