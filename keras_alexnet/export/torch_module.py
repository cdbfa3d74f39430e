"""`torch_module`: a graph of operators as a `torch.nn.Module` of PyTorch's own functions.

Inside, maps have the channels first, as PyTorch's functions take them. PyTorch is imported when a
module is made: the package does without it.
"""

import functools
import math

import numpy as np

from keras_alexnet.export import operators
from keras_alexnet.export.operators import Graph, Operator, Padding
from keras_alexnet.export.torch_resize import central_square

Arrays = dict[str, np.ndarray]


def torch_module(graph: Graph, half: bool = False):
    """Return a `torch.nn.Module` that computes a graph: a batch in, a tuple of the outputs out.

    Args:
        graph: The graph.
        half: Whether the module keeps its weights in float16, and casts them when it computes.
    """
    import torch

    dtype = "float16" if half else "float32"

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.names: dict[str, dict[str, str]] = {}
            for number, node in enumerate(graph.nodes):
                for name, array in arrays_of(node.operator).items():
                    # The name of a layer may hold a point, which that of a buffer may not.
                    buffer = f"weights_{number}_{name}"
                    copy = np.array(array, dtype, order="C")  # PyTorch warns of other orders
                    self.register_buffer(buffer, torch.from_numpy(copy))
                    self.names.setdefault(node.name, {})[name] = buffer

        def forward(self, images):
            values = {graph.input.name: _inside(images, graph)}
            for node in graph.nodes:
                names = self.names.get(node.name, {})
                weights = {name: getattr(self, buffer).float() for name, buffer in names.items()}
                values[node.output.name] = computed(
                    node.operator, torch, values[node.input], weights
                )
            return tuple(_outside(values[value.name], graph) for value in graph.outputs)

    return Network().eval()


def _inside(maps, graph: Graph):
    # Maps that lay the channels last in memory would make the program one for two images or more.
    return maps.permute(0, 3, 1, 2).contiguous() if _channels_are_last(maps, graph) else maps


def _outside(maps, graph: Graph):
    return maps.permute(0, 2, 3, 1) if _channels_are_last(maps, graph) else maps


def _channels_are_last(maps, graph: Graph) -> bool:
    return graph.data_format == "channels_last" and maps.dim() == 4


@functools.singledispatch
def arrays_of(operator: Operator) -> Arrays:
    """Return the weights of an operator by name, in the layouts of PyTorch's functions."""
    return {}


@arrays_of.register
def _(operator: operators.Conv) -> Arrays:
    return {"kernel": operator.kernel.transpose(3, 2, 0, 1), "bias": operator.bias}


@arrays_of.register
def _(operator: operators.LocalConv) -> Arrays:
    rows, columns, height, width, channels, filters = operator.kernel.shape
    # `unfold` lists the places of a window for each channel.
    kernel = operator.kernel.transpose(0, 1, 4, 2, 3, 5)
    kernel = kernel.reshape(rows * columns, channels * height * width, filters)
    return {"kernel": kernel, "bias": operator.bias.transpose(2, 0, 1)}


@arrays_of.register
def _(operator: operators.Dense) -> Arrays:
    return {"kernel": operator.kernel.T, "bias": operator.bias}


@arrays_of.register
def _(operator: operators.AdaptivePool) -> Arrays:
    return {"rows": operator.rows, "columns": operator.columns}


@arrays_of.register
def _(operator: operators.Affine) -> Arrays:
    return {"scale": _channels_first(operator.scale), "shift": _channels_first(operator.shift)}


def _channels_first(array: np.ndarray) -> np.ndarray:
    """Return numbers that are broadcast over channels-last images for channels-first ones.

    A number for each channel stays as it is: it may be one for each value of rows.
    """
    if array.ndim < 2:
        return array
    return array.reshape((1,) * (3 - array.ndim) + array.shape).transpose(2, 0, 1)


@functools.singledispatch
def computed(operator: Operator, torch, x, weights):
    """Return what an operator makes of a tensor.

    Args:
        operator: The operator.
        torch: The module `torch`.
        x: Maps with the channels first, or rows.
        weights: The tensors of `arrays_of`, float32.
    """
    raise NotImplementedError(type(operator).__name__)


@computed.register
def _(operator: operators.Conv, torch, x, weights):
    x, padding = _padded(torch, x, operator.padding)
    return torch.nn.functional.conv2d(
        x,
        weights["kernel"],
        weights["bias"],
        operator.strides,
        padding,
        operator.dilation,
        operator.groups,
    )


@computed.register
def _(operator: operators.LocalConv, torch, x, weights):
    rows, columns, height, width, *_ = operator.kernel.shape
    x, padding = _padded(torch, x, operator.padding)
    windows = torch.nn.functional.unfold(
        x, (height, width), padding=padding, stride=operator.strides
    )
    products = torch.bmm(windows.permute(2, 0, 1), weights["kernel"])
    return products.permute(1, 2, 0).unflatten(2, (rows, columns)) + weights["bias"]


@computed.register
def _(operator: operators.Dense, torch, x, weights):
    return torch.nn.functional.linear(x, weights["kernel"], weights["bias"])


@computed.register
def _(operator: operators.Lrn, torch, x, weights):
    sums = _sums_of_squares(operator, torch, x * x)
    base = operator.k + operator.alpha * sums
    if operator.beta == 0.75:  # a power takes several times as long as two roots
        return x * (base.rsqrt() * base.sqrt().rsqrt())
    return x * base.pow(-operator.beta)


def _sums_of_squares(operator: operators.Lrn, torch, squares):
    window = operator.before + 1 + operator.after
    reach = (operator.before, operator.after)
    if operator.within:
        squares = torch.nn.functional.pad(squares, reach * 2)
        return torch.nn.functional.avg_pool2d(squares, window, 1, divisor_override=1)
    blocks = squares.unflatten(1, (operator.groups, squares.shape[1] // operator.groups))
    channels = blocks.shape[2]
    blocks = torch.nn.functional.pad(blocks, (0, 0, 0, 0, *reach))
    sums = blocks[:, :, :channels]
    for first in range(1, window):
        sums = sums + blocks[:, :, first : first + channels]
    return sums.flatten(1, 2)


@computed.register
def _(operator: operators.Pool, torch, x, weights):
    functions, sides = torch.nn.functional, _sides(operator.padding)
    options = {"stride": operator.strides, "ceil_mode": operator.ceil}
    if operator.reduction == "max":
        x = functions.pad(x, sides, value=-math.inf) if any(sides) else x
        return functions.max_pool2d(x, operator.size, **options)
    means = functions.avg_pool2d(functions.pad(x, sides), operator.size, **options)
    if not any(sides):
        return means
    # The means have the zeros in them; those of ones are the shares of the others.
    shares = functions.pad(torch.ones_like(x[:1, :1]), sides)
    return means / functions.avg_pool2d(shares, operator.size, **options)


@computed.register
def _(operator: operators.GlobalPool, torch, x, weights):
    if operator.reduction == "max":
        return x.amax((2, 3), keepdim=operator.keepdims)
    return x.mean((2, 3), keepdim=operator.keepdims)


@computed.register
def _(operator: operators.AdaptivePool, torch, x, weights):
    return weights["rows"] @ x @ weights["columns"].T


@computed.register
def _(operator: operators.Pad, torch, x, weights):
    return torch.nn.functional.pad(x, _sides(operator.padding))


@computed.register
def _(operator: operators.Activation, torch, x, weights):
    return getattr(torch, operator.function)(x)


@computed.register
def _(operator: operators.Softmax, torch, x, weights):
    return x.softmax(1)


@computed.register
def _(operator: operators.Flatten, torch, x, weights):
    return (x.permute(0, 2, 3, 1) if operator.channels_last else x).flatten(1)


@computed.register
def _(operator: operators.Affine, torch, x, weights):
    scale, shift = (
        value[:, None, None] if x.dim() == 4 and value.dim() == 1 else value
        for value in (weights["scale"], weights["shift"])
    )
    y = x.float() * scale + shift
    return y.flip(1) if operator.reverse else y


@computed.register
def _(operator: operators.Resize, torch, x, weights):
    return central_square(torch, x, operator.size, operator.method)


@computed.register
def _(operator: operators.CenterCrop, torch, x, weights):
    top, left = (x.shape[2] - operator.rows) // 2, (x.shape[3] - operator.columns) // 2
    return x[:, :, top : top + operator.rows, left : left + operator.columns]


def _sides(padding: Padding) -> tuple[int, int, int, int]:
    """Return the padding as `torch.nn.functional.pad` takes it, the last axis first."""
    rows, columns = padding
    return (*columns, *rows)


def _padded(torch, x, padding: Padding):
    """Return maps and the padding that is left to the function: the same on opposite sides."""
    (top, bottom), (left, right) = padding
    if (top, left) == (bottom, right):
        return x, (top, left)
    return torch.nn.functional.pad(x, _sides(padding)), (0, 0)
