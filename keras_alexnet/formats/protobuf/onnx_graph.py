"""The graph of an ONNX model: which tensor is the kernel or bias of which layer.

Exporters name tensors as they like. The nodes give the order of convolutions and fully connected
layers, and the weights of each. The numbers of fields are those of onnx/onnx.proto.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from keras_alexnet.formats.arrays import Use
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.protobuf.messages import Message

NODE = 1  # GraphProto
INPUT, OUTPUT, OPERATOR, ATTRIBUTE = 1, 2, 4, 5  # NodeProto
NAME, FLOAT, INTEGER, TENSOR, INTEGERS = 1, 2, 3, 5, 8  # AttributeProto
WEIGHTED = {"Conv": "conv", "Gemm": "dense", "MatMul": "dense"}
# Operators between layers that compute nothing with tensors of the file, but for sizes.
BETWEEN = frozenset(
    {
        *("Relu", "MaxPool", "AveragePool", "GlobalAveragePool", "LRN", "Dropout", "Softmax"),
        *("LogSoftmax", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Cast", "Pad"),
    }
)
WITH_ATTRIBUTES = frozenset({*WEIGHTED, "Transpose", "Constant"})  # attributes are read
SAME, TO_LAST = (0, 1, 2, 3), (0, 2, 3, 1)  # orders of axes
FARTHEST = 8  # nodes between a tensor and the layer that it is the kernel of


class Node(NamedTuple):
    """A node of a graph.

    Args:
        operator: Name of its operator.
        inputs: Names of the tensors that it takes; empty where one is left out.
        output: Name of the first tensor that it gives.
        attributes: Its attributes by name, if its operator has any that matter.
    """

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Message]

    def number(self, name: str, default: float) -> float:
        """Return an attribute that is one number."""
        attribute = self.attributes.get(name)
        if attribute is None:
            return default
        if FLOAT in attribute:
            return float(attribute.array(FLOAT, (1,), "<f4").read()[0])
        return attribute.integer(INTEGER) or 0

    def integers(self, name: str) -> tuple[int, ...]:
        """Return an attribute that is several whole numbers."""
        return tuple(self.attributes[name].integers(INTEGERS)) if name in self.attributes else ()


@dataclasses.dataclass
class Layer:
    """A layer with weights.

    Attributes:
        node: The node that computes it.
        kernel: Name of its kernel.
        turned: Whether the kernel is stored by inputs first.
        bias: Name of its bias.
        order: Order of the axes in its input, as the numbers of the axes of the maps below it.
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
        tensors: Names of the initialisers.

    Attributes:
        constants: The tensors that nodes give, by name.
    """

    def __init__(self, graph: Message, tensors: Iterable[str]):
        self._tensors = set(tensors)
        self._nodes = {node.output: node for node in map(_node, graph.messages(NODE)) if node}
        values = {name: node.attributes.get("value") for name, node in self._nodes.items()}
        self.constants = {
            name: tensor
            for name, value in values.items()
            if self._nodes[name].operator == "Constant" and value
            if (tensor := value.message(TENSOR))
        }

    def uses(self) -> dict[str, Use]:
        """Return the use of each tensor by name; empty if the layers are not a plain chain.

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
        """Return the layers with weights, in order; none if something else lies between them."""
        layers: list[Layer] = []
        order: tuple[int, ...] = SAME
        before, strange = "", False
        for node in self._chain():
            kernel = self._kernel(node)
            bias = self._added(node)
            if kernel:
                if strange:
                    return []
                layers.append(self._layer(node, *kernel, order))
                order, before = SAME, node.output
            elif bias and layers and before in node.inputs and not layers[-1].bias:
                layers[-1].bias = bias
            elif layers and node.operator == "Transpose":
                axes = node.integers("perm")
                strange = strange or len(axes) != len(order)
                order = tuple(order[axis] for axis in axes if 0 <= axis < len(order))
            else:  # what stands in front of the first layer prepares the images
                strange = strange or bool(layers and node.operator not in BETWEEN)
            if before in node.inputs and node.operator in ("Transpose", "Cast", "Identity"):
                before = node.output  # a bias may still follow
        return layers

    def _chain(self) -> list[Node]:
        """Return the nodes from the input to the last layer, each fed by the one before it."""
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
                    f"The layer with the kernel {shown(kernel)} computes with alpha, beta, transA "
                    f"= {factors}.",
                    "alpha, beta, transA must be (1.0, 1.0, 0).",
                    "Export the model again, without an optimizer of graphs.",
                )
        by_inputs = node.operator == "MatMul" or not node.number("transB", 0)
        turned = node.operator != "Conv" and turned != by_inputs
        bias = self._tensor(node.inputs[2]) if len(node.inputs) > 2 else None
        return Layer(node, kernel, turned, bias[0] if bias else "", order)

    def _kernel(self, node: Node) -> tuple[str, bool] | None:
        """Return the kernel of a layer, and whether it is transposed; `None` for other nodes."""
        weighted = node.operator in WEIGHTED and len(node.inputs) > 1
        return self._tensor(node.inputs[1]) if weighted else None

    def _added(self, node: Node) -> str:
        """Return the tensor that a node adds to what it is fed."""
        if node.operator != "Add":
            return ""
        added = [tensor[0] for tensor in map(self._tensor, node.inputs) if tensor]
        return added[0] if len(added) == 1 and len(node.inputs) == 2 else ""

    def _tensor(self, name: str) -> tuple[str, bool] | None:
        """Return the tensor of the file that a name stands for, and whether it is transposed."""
        turned = False
        for _ in range(FARTHEST):
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


def _node(message: Message) -> Node | None:
    """Return a node; `None` for one without an operator or an output."""
    operator, outputs = message.text(OPERATOR), message.texts(OUTPUT) if OPERATOR in message else ()
    if not operator or not outputs:
        return None
    parts = message.messages(ATTRIBUTE) if operator in WITH_ATTRIBUTES else ()
    attributes = {part.text(NAME): part for part in parts}
    return Node(operator, tuple(message.texts(INPUT)), outputs[0], attributes)
