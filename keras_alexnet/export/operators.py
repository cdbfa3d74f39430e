"""The operators of an exported network: what each format must be able to write.

Maps are four-dimensional, in the data format of their `Graph`; all kernels have Keras's layouts.
Each operator has one output of the dtype float32, unless it says otherwise.
"""

import dataclasses

import numpy as np

from keras_alexnet.type_aliases import DataFormat

Sides = tuple[int, int]  # rows and columns
Padding = tuple[Sides, Sides]  # above and below, left and right


@dataclasses.dataclass(frozen=True, eq=False)
class Conv:
    """Convolution of maps, `y = conv(x, kernel) + bias`.

    Args:
        kernel: `(rows, columns, channels / groups, filters)`, float32.
        bias: `(filters,)`.
        strides: Steps down and across.
        padding: Zeros around the maps.
        dilation: Distances of the places of a window.
        groups: Blocks of channels that see one block of channels each.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strides: Sides = (1, 1)
    padding: Padding = ((0, 0), (0, 0))
    dilation: Sides = (1, 1)
    groups: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class LocalConv:
    """Convolution with a kernel and a bias of its own at every place of its output.

    Args:
        kernel: `(output rows, output columns, rows, columns, channels, filters)`, float32.
        bias: `(output rows, output columns, filters)`.
        strides: Steps down and across.
        padding: Zeros around the maps.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strides: Sides = (1, 1)
    padding: Padding = ((0, 0), (0, 0))


@dataclasses.dataclass(frozen=True, eq=False)
class Dense:
    """Product with a matrix, `y = x @ kernel + bias`, of rows `(batch, inputs)`.

    Args:
        kernel: `(inputs, outputs)`, float32.
        bias: `(outputs,)`.
    """

    kernel: np.ndarray
    bias: np.ndarray


@dataclasses.dataclass(frozen=True)
class Lrn:
    """Local response normalization, `y = x / (k + alpha * sum(x^2)) ^ beta`.

    Args:
        before: Elements of the window before its centre.
        after: Elements after it.
        k: As in the paper.
        alpha: Factor of the plain sum, as in the paper.
        beta: As in the paper.
        within: Whether the window lies within a map, `before + 1 + after` rows and columns, and not
            across the channels.
        groups: Blocks of channels that the windows across channels stay in.
    """

    before: int
    after: int
    k: float
    alpha: float
    beta: float
    within: bool = False
    groups: int = 1


@dataclasses.dataclass(frozen=True)
class Pool:
    """The maximum or the mean of each window of the maps.

    Args:
        size: Rows and columns of the window.
        strides: Steps down and across.
        padding: Places around the maps, which count neither for the maximum nor for the mean.
        reduction: `"max"` or `"average"`.
        ceil: Whether the last window may reach over the lower and the right border, so that the
            number of windows is rounded up.
    """

    size: Sides
    strides: Sides
    padding: Padding = ((0, 0), (0, 0))
    reduction: str = "max"
    ceil: bool = False


@dataclasses.dataclass(frozen=True)
class GlobalPool:
    """The maximum or the mean of each map, `(batch, channels)`.

    Args:
        reduction: `"max"` or `"average"`.
        keepdims: Whether the result stays maps, of one place.
    """

    reduction: str
    keepdims: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class AdaptivePool:
    """Means of rows and columns, `y = rows @ x @ columns.T` for each map.

    Args:
        rows: Weights `(output rows, input rows)`, float32.
        columns: Weights `(output columns, input columns)`.
    """

    rows: np.ndarray
    columns: np.ndarray


@dataclasses.dataclass(frozen=True)
class Pad:
    """Zeros around the maps."""

    padding: Padding


@dataclasses.dataclass(frozen=True)
class Activation:
    """A function of each value: `"relu"`, `"sigmoid"` or `"tanh"`."""

    function: str


@dataclasses.dataclass(frozen=True)
class Softmax:
    """`exp(x) / sum(exp(x))` over the channels of maps, or over the last axis of rows."""


@dataclasses.dataclass(frozen=True)
class Flatten:
    """Maps as rows.

    Args:
        channels_last: Whether the values of a row are in the order rows, columns, channels;
            otherwise channels, rows, columns.
    """

    channels_last: bool = True


@dataclasses.dataclass(frozen=True, eq=False)
class Affine:
    """`y = x * scale + shift`, of images of any dtype as well.

    Args:
        scale: Broadcast over `(rows, columns, channels)`, or over the values of rows; float32.
        shift: The same.
        reverse: Whether the order of the channels is reversed afterwards.
    """

    scale: np.ndarray
    shift: np.ndarray
    reverse: bool = False


@dataclasses.dataclass(frozen=True)
class Resize:
    """Images as a square of `size` rows and columns, bilinearly; whole numbers are rounded.

    Args:
        size: The side of the square.
        method: `"shorter_side"`: the shorter side becomes `size`, the longer one
            `size * longer // shorter`, with antialiasing, and of that the central square; half a
            pixel is rounded to the even offset. `"warp"`: both sides become `size`, without
            antialiasing.
    """

    size: int
    method: str


@dataclasses.dataclass(frozen=True)
class CenterCrop:
    """The central window of images; an odd pixel stays below it or to its right."""

    rows: int
    columns: int


Operator = (
    Conv
    | LocalConv
    | Dense
    | Lrn
    | Pool
    | GlobalPool
    | AdaptivePool
    | Pad
    | Activation
    | Softmax
    | Flatten
    | Affine
    | Resize
    | CenterCrop
)


@dataclasses.dataclass(frozen=True)
class Value:
    """A tensor of a graph.

    Args:
        name: Its name, unique in the graph.
        shape: Its shape with the batch first; `None` for a size that is not known.
        dtype: `"float32"`, or `"uint8"` for images as they are decoded.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"


@dataclasses.dataclass(frozen=True)
class Node:
    """One operator with its place in a graph.

    Args:
        name: Name of the layer that it is from, unique in the graph.
        operator: The operator.
        input: Name of the value that it takes.
        output: The value that it makes.
    """

    name: str
    operator: Operator
    input: str
    output: Value


@dataclasses.dataclass(frozen=True)
class Graph:
    """A network at inference, in the order of computation.

    Args:
        name: Name of the network.
        input: The images that it takes.
        nodes: Its operators, each after those whose values it takes.
        outputs: The values that it returns.
        data_format: `"channels_last"` or `"channels_first"`, of all maps and images.
    """

    name: str
    input: Value
    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]
    data_format: DataFormat


def unused_name(name: str, taken: set[str]) -> str:
    """Return a name, with a number behind it if it is taken, and add it to the taken ones.

    Example:

    >>> taken = set()
    >>> unused_name("relu", taken), unused_name("relu", taken)
    ('relu', 'relu_2')
    """
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found
