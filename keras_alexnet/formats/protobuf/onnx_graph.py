"""The graph of an ONNX model, which tells the layer and the role of each tensor.

Each exporter names tensors in its own way. The nodes give the order of convolutions and dense
layers, and the weights of each. The field numbers are those of onnx/onnx.proto.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from keras_alexnet.formats.arrays import Use
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.protobuf.messages import Message

NODE = 1  # GraphProto
INPUT, OUTPUT, OPERATOR, ATTRIBUTE = 1, 2, 4, 5  # NodeProto
NAME, FLOAT, INTEGER, TENSOR, INTEGERS = 1, 2, 3, 5, 8  # AttributeProto
WEIGHTED = {"Conv": "conv", "Gemm": "dense", "MatMul": "dense"}
# Operators between layers that use no tensors of the file except sizes.
BETWEEN = frozenset(
    {
        *("Relu", "MaxPool", "AveragePool", "GlobalAveragePool", "LRN", "Dropout", "Softmax"),
        *("LogSoftmax", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Cast", "Pad"),
    }
)
WITH_ATTRIBUTES = frozenset({*WEIGHTED, "Transpose", "Constant"})  # attributes are read
SAME, TO_LAST = (0, 1, 2, 3), (0, 2, 3, 1)  # orders of axes
MAX_DISTANCE = 8  # nodes between a tensor and the layer whose kernel it is


class Node(NamedTuple):
    """A node of a graph.

    Args:
        operator: Name of its operator.
        inputs: Names of its input tensors; "" for an input that is left out.
        output: Name of its first output tensor.
        attributes: Its attributes by name, if the reader uses those of its operator.
    """

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Message]

    def number(self, name: str, default: float) -> float:
        """Return an attribute with one number."""
        attribute = self.attributes.get(name)
        if attribute is None:
            return default
        if FLOAT in attribute:
            return float(attribute.array(FLOAT, (1,), "<f4").read()[0])
        return attribute.integer(INTEGER) or 0

    def integers(self, name: str) -> tuple[int, ...]:
        """Return an attribute with several integers."""
        return tuple(self.attributes[name].integers(INTEGERS)) if name in self.attributes else ()


@dataclasses.dataclass
class Layer:
    """A layer with weights.

    Attributes:
        node: The node that computes it.
        kernel: Name of its kernel.
        turned: Whether the kernel is stored as (inputs, outputs).
        bias: Name of its bias.
        order: Order of the axes of its input, as axis numbers of the layer's output below it.
    """

    node: Node
    kernel: str
    turned: bool
    bias: str
    order: tuple[int, ...]


class Graph:
    """The nodes of a graph.

    Args:
        graph: The message.
        tensors: Names of the initializers.

    Attributes:
        constants: The tensors of `Constant` nodes, by name.
    """

    def __init__(self, graph: Message, tensors: Iterable[str]):
        self._tensors = set(tensors)
        self._nodes = {node.output: node for node in map(_read_node, graph.messages(NODE)) if node}
        values = {name: node.attributes.get("value") for name, node in self._nodes.items()}
        self.constants = {
            name: tensor
            for name, value in values.items()
            if self._nodes[name].operator == "Constant" and value
            if (tensor := value.message(TENSOR))
        }

    def uses(self) -> dict[str, Use]:
        """Return the role of each tensor by name; empty unless the layers are a plain chain.

        Raises:
            CheckpointError: If a layer multiplies its weights by a number.
        """
        found, numbers = [], dict.fromkeys(WEIGHTED.values(), 0)
        for layer in self._layers():
            kind = WEIGHTED[layer.node.operator]
            first = kind == "dense" and not numbers[kind]
            if layer.order != SAME and not (first and layer.order == TO_LAST):
                return {}
            last = layer.order == TO_LAST
            found.append((layer.kernel, Use(kind, numbers[kind], "kernel", layer.turned, last)))
            if layer.bias:
                found.append((layer.bias, Use(kind, numbers[kind], "bias")))
            numbers[kind] += 1
        uses = dict(found)
        return uses if len(uses) == len(found) else {}

    def _layers(self) -> list[Layer]:
        """Return the layers with weights, in order; none if an unknown node is between them."""
        layers: list[Layer] = []
        order: tuple[int, ...] = SAME
        previous, unknown = "", False
        for node in self._chain():
            kernel = self._kernel(node)
            bias = self._added(node)
            if kernel:
                if unknown:
                    return []
                layers.append(self._layer(node, *kernel, order))
                order, previous = SAME, node.output
            elif bias and layers and previous in node.inputs and not layers[-1].bias:
                layers[-1].bias = bias
            elif layers and node.operator == "Transpose":
                axes = node.integers("perm")
                unknown = unknown or len(axes) != len(order)
                order = tuple(order[axis] for axis in axes if 0 <= axis < len(order))
            else:  # nodes in front of the first layer preprocess the images
                unknown = unknown or bool(layers and node.operator not in BETWEEN)
            if previous in node.inputs and node.operator in ("Transpose", "Cast", "Identity"):
                previous = node.output  # a bias may still follow
        return layers

    def _chain(self) -> list[Node]:
        """Return the nodes from the input to the last layer; each takes the output of the last."""
        ends = [node for node in self._nodes.values() if self._kernel(node) or self._added(node)]
        node = ends[-1] if ends else None
        chain: dict[str, Node] = {}
        while node is not None and node.output not in chain:
            chain[node.output] = node
            data = [name for name in node.inputs if self._tensor(name) is None]
            node = self._nodes.get(data[0]) if data else None
        return list(reversed(chain.values()))

    def _layer(self, node: Node, kernel: str, turned: bool, order: tuple[int, ...]) -> Layer:
        if node.operator == "Gemm":
            factors = node.number("alpha", 1.0), node.number("beta", 1.0), node.number("transA", 0)
            if factors != (1.0, 1.0, 0):
                raise CheckpointError(
                    f"The Gemm node with the kernel {quoted(kernel)} has (alpha, beta, transA) = "
                    f"{factors}.",
                    "The attributes (alpha, beta, transA) must be (1.0, 1.0, 0).",
                    "Export the model again without graph optimizations.",
                )
        by_inputs = node.operator == "MatMul" or not node.number("transB", 0)
        turned = node.operator != "Conv" and turned != by_inputs
        bias = self._tensor(node.inputs[2]) if len(node.inputs) > 2 else None
        return Layer(node, kernel, turned, bias[0] if bias else "", order)

    def _kernel(self, node: Node) -> tuple[str, bool] | None:
        """Return the kernel of a layer and whether it is transposed; `None` for other nodes."""
        weighted = node.operator in WEIGHTED and len(node.inputs) > 1
        return self._tensor(node.inputs[1]) if weighted else None

    def _added(self, node: Node) -> str:
        """Return the name of the tensor that an `Add` node adds to its other input; else ""."""
        if node.operator != "Add":
            return ""
        added = [tensor[0] for tensor in map(self._tensor, node.inputs) if tensor]
        return added[0] if len(added) == 1 and len(node.inputs) == 2 else ""

    def _tensor(self, name: str) -> tuple[str, bool] | None:
        """Return the tensor of the file behind a name, and whether it is transposed; or `None`."""
        turned = False
        for _ in range(MAX_DISTANCE):
            if name in self._tensors or name in self.constants:
                return name, turned
            node = self._nodes.get(name)
            if node is None or not node.inputs:
                return None
            if node.operator == "Transpose" and node.integers("perm") == (1, 0):
                turned = not turned
            elif node.operator not in ("Identity", "Cast"):
                return None
            name = node.inputs[0]
        return None


def _read_node(message: Message) -> Node | None:
    """Return a node; `None` for one without an operator or an output."""
    operator, outputs = message.text(OPERATOR), message.texts(OUTPUT) if OPERATOR in message else ()
    if not operator or not outputs:
        return None
    attributes = message.messages(ATTRIBUTE) if operator in WITH_ATTRIBUTES else ()
    by_name = {attribute.text(NAME): attribute for attribute in attributes}
    return Node(operator, tuple(message.texts(INPUT)), outputs[0], by_name)
