"""`OnnxGraph`: collects the nodes and the constants of an ONNX graph, and gives them names."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_alexnet.export.operators import Sides, unused_name
from keras_alexnet.export.settings import Settings

if TYPE_CHECKING:
    import onnx

LARGEST_PLAIN = 1024  # values of a constant that float16 files keep in float32


class OnnxGraph:
    """The nodes and constants of a graph that is being written.

    Args:
        settings: How the file is to be written.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._shared: dict[tuple, str] = {}
        self._names: set[str] = set()

    def node(self, kind: str, inputs: Sequence[str], name: str, **values: Any) -> str:
        """Add a node and return the name of its output, which is its own too.

        Args:
            kind: The operator of ONNX.
            inputs: Names of its inputs.
            name: The start of its name, that of a layer.
            **values: Its attributes.
        """
        import onnx

        name = unused_name(f"{name}/{kind}", self._names)
        self.nodes.append(onnx.helper.make_node(kind, inputs, [name], name, **values))
        return name

    def rename(self, old: str, new: str) -> None:
        """Give the output of a node another name."""
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [new if name == old else name for name in names]

    def constant(self, values: Any, name: str, dtype: str = "float32") -> str:
        """Return the name of a constant; equal small ones are one."""
        import onnx

        array = np.ascontiguousarray(values, dtype)  # of at least one axis
        array = array.reshape(np.shape(values))
        key = (array.shape, dtype, array.tobytes()) if array.size <= LARGEST_PLAIN else None
        if key in self._shared:
            return self._shared[key]
        name = unused_name(name, self._names)
        self.constants.append(onnx.numpy_helper.from_array(array, name))
        if key is not None:
            self._shared[key] = name
        return name

    def weights(self, values: np.ndarray, name: str) -> str:
        """Return the name of weights, which a float16 file stores in float16 and computes wider."""
        import onnx

        if self.settings.precision != "float16" or values.size <= LARGEST_PLAIN:
            return self.constant(values, name)
        stored = self.constant(values, name, "float16")
        return self.node("Cast", [stored], name, to=onnx.TensorProto.FLOAT)

    def numbers(self, values: Sequence[int], name: str) -> str:
        """Return the name of a constant of whole numbers."""
        return self.constant(np.asarray(values, "int64"), f"{name}/numbers", "int64")


@dataclasses.dataclass(frozen=True)
class Maps:
    """A value that a node takes, in the layout in which ONNX computes: channels first.

    Args:
        name: Its name in the ONNX graph.
        shape: `(batch, channels, rows, columns)`, or that of rows.
    """

    name: str
    shape: tuple[int | None, ...]

    @property
    def sizes(self) -> tuple[int | None, int | None]:
        """Rows and columns of maps."""
        return self.shape[2], self.shape[3]


def spatial(padding: tuple[Sides, Sides]) -> list[int]:
    """Return the padding of maps in ONNX's order: above, left, below, right.

    Example:

    >>> spatial(((1, 2), (3, 4)))
    [1, 3, 2, 4]
    """
    (top, bottom), (left, right) = padding
    return [top, left, bottom, right]
