"""`GraphModule`: a graph as a module of TensorFlow."""

import math
import re

import tensorflow as tf

from keras_alexnet.export.operators import (
    Affine,
    CenterCrop,
    Graph,
    Lrn,
    Node,
    Operator,
    Resize,
    Value,
)
from keras_alexnet.export.tensorflow_maps import divided
from keras_alexnet.export.tensorflow_operators import computed, weights_of

FLOAT = "float32_only"  # in the names of operations that int8 has too few numbers for
EXACT = (Affine, CenterCrop, Lrn, Resize)  # the operators that consist of these


class GraphModule(tf.Module):
    """Computes a graph with TensorFlow's plain operations, on any device.

    The maps inside have the channels last, which CPUs need; the images and the outputs have the
    data format of the graph.

    Args:
        graph: The graph.
        half: Whether the weights of products are kept as float16. They are computed with as
            float32.
        chain: Whether every normalization is written in plain operations, and none as the one of
            TensorFlow's for it.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> from keras_alexnet.export.graphs import graph_of
    >>> module = GraphModule(graph_of(AlexNet("cifar10_18pct")))
    >>> module(tf.zeros((2, 32, 32, 3)))["prob"].shape
    TensorShape([2, 10])
    """

    def __init__(self, graph: Graph, half: bool = False, chain: bool = False):
        super().__init__()
        self._graph, self._chain = graph, chain
        self._kept = {node.name: _variables(node.operator, half) for node in graph.nodes}

    def __call__(self, images):
        """Return the outputs of images, by name."""
        graph = self._graph
        first = graph.data_format == "channels_first"
        values = {graph.input.name: tf.transpose(images, (0, 2, 3, 1)) if first else images}
        for node in graph.nodes:
            x = values[node.input]
            if not isinstance(node.operator, Resize | CenterCrop):
                x = tf.cast(x, tf.float32)
            weights = [tf.cast(variable, tf.float32) for variable in self._kept[node.name]]
            with tf.name_scope(_scope(node)):
                if self._chain and isinstance(node.operator, Lrn):
                    y = divided(x, node.operator)
                else:
                    y = computed(node.operator, x, *weights)
            values[node.output.name] = y
        return {value.name: _returned(values[value.name], value, first) for value in graph.outputs}

    @property
    def nbytes(self) -> int:
        """The size of all weights."""
        return sum(math.prod(kept.shape) * kept.dtype.size for kept in self.variables)

    def concrete(self):
        """Return the function of a batch of any size, with named input and outputs."""
        given = self._graph.input
        spec = tf.TensorSpec((None, *given.shape[1:]), given.dtype, _plain(given.name))
        return tf.function(self.__call__, autograph=False).get_concrete_function(spec)


def _variables(operator: Operator, half: bool) -> list[tf.Variable]:
    """Return the weights of an operator as variables, so that a file has each of them once."""
    found = []
    for array in weights_of(operator):
        kept = "float16" if half and array.ndim > 1 and not isinstance(operator, Affine) else None
        found.append(tf.Variable(array, trainable=False, dtype=kept))
    return found


def _scope(node: Node) -> str:
    """Return the beginning of the names of a node's operations."""
    name = _plain(node.name)
    return f"{FLOAT}/{name}" if isinstance(node.operator, EXACT) else name


def _plain(name: str) -> str:
    """Return a name in the letters that TensorFlow takes for operations and inputs.

    >>> _plain("2 images"), _plain("image")
    ('x2_images', 'image')
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return name if name[:1].isalpha() else f"x{name}"


def _returned(tensor, value: Value, first: bool):
    """Return an output, with its name, as the graph gives it."""
    if first and len(value.shape) == 4:
        tensor = tf.transpose(tensor, (0, 3, 1, 2))
    return tf.cast(tensor, value.dtype)
