"""`write_operator`: each operator of a graph as nodes of ONNX, of opset 13."""

import functools
import math

import numpy as np

from keras_alexnet.export import operators
from keras_alexnet.export.onnx_graph import Maps, OnnxGraph, spatial
from keras_alexnet.export.onnx_resizing import resize

FUNCTIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}
TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


@functools.singledispatch
def write_operator(operator, graph: OnnxGraph, x: Maps, name: str) -> str:
    """Add the nodes of an operator, and return the name of its output.

    Args:
        operator: The operator.
        graph: The graph that is being written.
        x: Its input, maps with the channels first.
        name: Name of its node.
    """
    raise TypeError(f"There are no ONNX nodes for {type(operator).__name__}.")


@write_operator.register
def _(operator: operators.Conv, graph, x, name):
    kernel = graph.weights(operator.kernel.transpose(3, 2, 0, 1), f"{name}.kernel")
    return graph.node(
        "Conv",
        [x.name, kernel, graph.constant(operator.bias, f"{name}.bias")],
        name,
        kernel_shape=operator.kernel.shape[:2],
        strides=operator.strides,
        pads=spatial(operator.padding),
        dilations=operator.dilation,
        group=operator.groups,
    )


@write_operator.register
def _(operator: operators.LocalConv, graph, x, name):
    """Multiply the windows of each place, `(batch, window)`, by its `(window, filters)`."""
    rows, columns, *window, _, filters = operator.kernel.shape
    padded = pad(graph, x.name, operator.padding, name)
    steps = graph.numbers(operator.strides, name)
    down, across = operator.strides
    parts = []
    for top in range(window[0]):
        for left in range(window[1]):
            ends = [top + (rows - 1) * down + 1, left + (columns - 1) * across + 1]
            corners = [graph.numbers(values, name) for values in ([top, left], ends, [2, 3])]
            parts.append(graph.node("Slice", [padded, *corners, steps], name))
    windows = graph.node("Concat", parts, name, axis=1)
    places = graph.node("Transpose", [windows], name, perm=[2, 3, 0, 1])
    kernel = operator.kernel.reshape(rows, columns, -1, filters)
    product = graph.node("MatMul", [places, graph.weights(kernel, f"{name}.kernel")], name)
    bias = graph.constant(operator.bias[:, :, None], f"{name}.bias")
    total = graph.node("Add", [product, bias], name)
    return graph.node("Transpose", [total], name, perm=[2, 3, 0, 1])


@write_operator.register
def _(operator: operators.Dense, graph, x, name):
    kernel = graph.weights(operator.kernel, f"{name}.kernel")
    return graph.node("Gemm", [x.name, kernel, graph.constant(operator.bias, f"{name}.bias")], name)


@write_operator.register
def _(operator: operators.Lrn, graph, x, name):
    size = operator.before + 1 + operator.after
    symmetric = operator.before == operator.after and not operator.within
    if graph.settings.normalization == "operator" and symmetric and operator.groups == 1:
        numbers = {"alpha": operator.alpha * size, "beta": operator.beta, "bias": operator.k}
        return graph.node("LRN", [x.name], name, size=size, **numbers)
    return _normalized(operator, graph, x, name)


def _normalized(operator: operators.Lrn, graph, x, name):
    """Add the chain of plain operators: k + alpha * sum is a convolution of the squares."""
    squares = graph.node("Mul", [x.name, x.name], name)
    channels = x.shape[1]
    reach = operator.before, operator.after
    if operator.within:
        side = operator.before + 1 + operator.after
        kernel = np.full((channels, 1, side, side), operator.alpha)
        groups, pads = channels, spatial((reach, reach))
    else:
        width = channels // operator.groups
        distance = np.arange(width) - np.arange(width)[:, None]  # from the centre, along the inputs
        band = (-operator.before <= distance) & (distance <= operator.after)
        kernel = np.tile(band * operator.alpha, (operator.groups, 1))[:, :, None, None]
        groups, pads = operator.groups, [0, 0, 0, 0]
    weights = graph.constant(kernel, f"{name}.window")
    bias = graph.constant(np.full(channels, operator.k), f"{name}.k")
    scale = graph.node("Conv", [squares, weights, bias], name, group=groups, pads=pads)
    return graph.node("Div", [x.name, _power(graph, scale, operator.beta, name)], name)


def _power(graph, scale: str, beta: float, name: str) -> str:
    """Add `scale ** beta`, by roots where there are some: a general power costs far more."""
    if beta == 1:
        return scale
    if beta not in (0.5, 0.75):
        return graph.node("Pow", [scale, graph.constant(beta, f"{name}.beta")], name)
    root = graph.node("Sqrt", [scale], name)
    if beta == 0.5:
        return root
    return graph.node("Mul", [root, graph.node("Sqrt", [root], name)], name)


@write_operator.register
def _(operator: operators.Pool, graph, x, name):
    padding = operator.padding
    if operator.ceil:
        # As many windows as with sizes rounded up; the places added do not count.
        axes = zip(padding, x.sizes, operator.size, operator.strides, strict=True)
        rows, columns = (
            (before, after + (step - 1 if length is None else (size - length - before) % step))
            for (before, after), length, size, step in axes
        )
        padding = rows, columns
    kind = "MaxPool" if operator.reduction == "max" else "AveragePool"
    steps = {"kernel_shape": operator.size, "strides": operator.strides}
    return graph.node(kind, [x.name], name, **steps, pads=spatial(padding))


@write_operator.register
def _(operator: operators.GlobalPool, graph, x, name):
    kind = "GlobalMaxPool" if operator.reduction == "max" else "GlobalAveragePool"
    pooled = graph.node(kind, [x.name], name)
    return pooled if operator.keepdims else graph.node("Flatten", [pooled], name, axis=1)


@write_operator.register
def _(operator: operators.AdaptivePool, graph, x, name):
    columns = graph.constant(operator.columns.T, f"{name}.columns")
    across = graph.node("MatMul", [x.name, columns], name)
    return graph.node("MatMul", [graph.constant(operator.rows, f"{name}.rows"), across], name)


@write_operator.register
def _(operator: operators.Pad, graph, x, name):
    return pad(graph, x.name, operator.padding, name)


def pad(graph, x: str, padding, name: str) -> str:
    """Add zeros around maps, if there are any."""
    top, left, bottom, right = spatial(padding)
    if not any((top, left, bottom, right)):
        return x
    return graph.node("Pad", [x, graph.numbers([0, 0, top, left, 0, 0, bottom, right], name)], name)


@write_operator.register
def _(operator: operators.Activation, graph, x, name):
    return graph.node(FUNCTIONS[operator.function], [x.name], name)


@write_operator.register
def _(operator: operators.Softmax, graph, x, name):
    return graph.node("Softmax", [x.name], name, axis=1)


@write_operator.register
def _(operator: operators.Flatten, graph, x, name):
    values = x.name
    if operator.channels_last and math.prod(x.shape[2:]) != 1:
        values = graph.node("Transpose", [values], name, perm=TO_LAST)
    return graph.node("Flatten", [values], name, axis=1)


@write_operator.register
def _(operator: operators.Affine, graph, x, name):
    y = x.name
    for kind, values, neutral in (("Mul", operator.scale, 1), ("Add", operator.shift, 0)):
        if (values != neutral).any():
            number = graph.constant(channels_first(values, len(x.shape)), f"{name}.{kind}")
            y = graph.node(kind, [y, number], name)
    if operator.reverse:
        order = graph.numbers(range(x.shape[1])[::-1], name)
        y = graph.node("Gather", [y, order], name, axis=1)
    return y


def channels_first(values: np.ndarray, axes: int) -> np.ndarray:
    """Return numbers for channels, or for pixels, as they are broadcast over the values.

    Example:

    >>> channels_first(np.arange(3), 4).shape, channels_first(np.zeros((5, 6, 3)), 4).shape
    ((3, 1, 1), (3, 5, 6))
    """
    if axes == 2 or values.ndim == 0:
        return values
    return np.moveaxis(np.atleast_3d(values) if values.ndim == 3 else values[None, None], -1, 0)


@write_operator.register
def _(operator: operators.Resize, graph, x, name):
    return resize(operator, graph, x, name)


@write_operator.register
def _(operator: operators.CenterCrop, graph, x, name):
    sides = [operator.rows, operator.columns]
    if None in x.sizes:
        sizes = graph.node(
            "Slice", [graph.node("Shape", [x.name], name), *_from_2_to_4(graph, name)], name
        )
        spare = graph.node("Sub", [sizes, graph.numbers(sides, name)], name)
        corner = graph.node("Div", [spare, graph.numbers([2], name)], name)
        end = graph.node("Add", [corner, graph.numbers(sides, name)], name)
    else:
        corners = [(size - side) // 2 for size, side in zip(x.sizes, sides, strict=True)]
        corner = graph.numbers(corners, name)
        end = graph.numbers([a + b for a, b in zip(corners, sides, strict=True)], name)
    return graph.node("Slice", [x.name, corner, end, graph.numbers([2, 3], name)], name)


def _from_2_to_4(graph, name: str) -> list[str]:
    return [graph.numbers([2], name), graph.numbers([4], name)]
