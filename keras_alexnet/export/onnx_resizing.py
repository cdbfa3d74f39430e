"""`resize`: images as a square by plain operators of ONNX, of any size at run time.

ONNX's own `Resize` has antialiasing from opset 18 on, and engines differ in how they round. Here
each axis is a product with a matrix of weights, a triangle around the place of each new pixel,
as Pillow makes them. Only the rows and columns of the central square are computed.
"""

import numpy as np

from keras_alexnet.export.onnx_graph import Maps, OnnxGraph
from keras_alexnet.export.operators import Resize


def resize(operator: Resize, graph: OnnxGraph, x: Maps, name: str) -> str:
    """Add the nodes of a `Resize` of float maps, and return the name of their output."""
    return _Resizer(operator, graph, name).resized(x.name)


class _Resizer:
    """Adds the nodes of one `Resize`.

    Args:
        operator: The operator.
        graph: The graph.
        name: Name of the node of the operator.
    """

    def __init__(self, operator: Resize, graph: OnnxGraph, name: str):
        self.operator = operator
        self.graph = graph
        self.name = name

    def resized(self, x: str) -> str:
        """Add the nodes, columns first, and return the name of the output."""
        shape = self._node("Shape", x)
        rows, columns = (self._node("Gather", shape, self._whole(axis)) for axis in (2, 3))
        shorter = self._node("Min", rows, columns)
        down, across = (self._matrix(side, shorter) for side in (rows, columns))
        x = self._node("MatMul", x, self.graph.node("Transpose", [across], self.name, perm=[1, 0]))
        return self._node("MatMul", down, x)

    def _matrix(self, source: str, shorter: str) -> str:
        """Return the weights `(size, source)` of the old pixels in each new one along an axis."""
        size = self.operator.size
        places = self._float(np.arange(size) + 0.5)
        if self.operator.method == "shorter_side":
            whole = self._node("Div", self._node("Mul", self._whole(size), source), shorter)
            target = self._to_float(whole)
            places = self._node("Add", places, self._half(whole))
        else:
            target = self._float(size)
        ratio = self._node("Div", self._to_float(source), target)
        centres = self._node("Mul", places, ratio)
        column = self._node("Unsqueeze", centres, self.graph.numbers([1], self.name))
        distances = self._node("Abs", self._node("Sub", self._pixels(source), column))
        if self.operator.method == "shorter_side":  # with antialiasing
            reach = self._node("Max", ratio, self._float(1))
            distances = self._node("Div", distances, reach)
        rest = self._node("Sub", self._float(1), distances)
        weights = self._node("Relu", rest)
        total = self.graph.node(
            "ReduceSum", [weights, self.graph.numbers([1], self.name)], self.name, keepdims=1
        )
        return self._node("Div", weights, total)

    def _half(self, target: str) -> str:
        """Return half of what is cut off, rounded to the even neighbour, as a float."""
        spare = self._node("Sub", target, self._whole(self.operator.size))
        quarters = self._node("Mod", spare, self._whole(4))
        odd = self._node("Div", quarters, self._whole(3))
        return self._to_float(self._node("Add", self._node("Div", spare, self._whole(2)), odd))

    def _pixels(self, source: str) -> str:
        """Return the places of the old pixels."""
        numbers = self._node("Range", self._whole(0), source, self._whole(1))
        return self._node("Add", self._to_float(numbers), self._float(0.5))

    def _node(self, kind: str, *inputs: str) -> str:
        return self.graph.node(kind, inputs, self.name)

    def _to_float(self, x: str) -> str:
        import onnx

        return self.graph.node("Cast", [x], self.name, to=onnx.TensorProto.FLOAT)

    def _whole(self, number: int) -> str:
        return self.graph.constant(np.asarray(number), f"{self.name}/number", "int64")

    def _float(self, numbers) -> str:
        return self.graph.constant(np.asarray(numbers), f"{self.name}/floats")
