"""`operators_of`: the operators of each kind of layer at inference."""

import functools
from collections.abc import Iterator

import keras
import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.export import operators
from keras_alexnet.export.operators import Operator, Padding, Sides
from keras_alexnet.layers import (
    AdaptiveAveragePooling2D,
    CeilPooling2D,
    DownscaledDropout,
    LocallyConnected2D,
    LocalResponseNormalization,
)
from keras_alexnet.layers.sliding import SlidingDense
from keras_alexnet.operations.memory import as_array
from keras_alexnet.operations.pooling import averaging_matrix
from keras_alexnet.preprocessing import (
    CenterCrop,
    PCAColorNoise,
    PixelNormalization,
    RandomCropFlip,
    SquareResize,
)

NO_ZEROS: Padding = ((0, 0), (0, 0))
FUNCTIONS = {"relu", "sigmoid", "tanh"}  # activations of each value
UNCHANGED = (  # what does nothing at inference
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.SpatialDropout2D,
    PCAColorNoise,
)


@functools.singledispatch
def operators_of(layer, shape, data_format) -> Iterator[Operator | None]:
    """Yield the operators of a layer at inference, `None` for one that there is not.

    Args:
        layer: The layer.
        shape: Shape of its input, with the batch.
        data_format: Data format of the maps of the model.
    """
    if not isinstance(layer, UNCHANGED):
        yield None


@operators_of.register
def _(layer: keras.layers.Conv2D, shape, data_format):
    yield operators.Conv(
        _weights(layer.kernel),
        _bias(layer, layer.filters),
        _pair(layer.strides),
        _padding(layer, shape, layer.kernel_size, layer.strides, layer.dilation_rate),
        _pair(layer.dilation_rate),
        layer.groups,
    )
    yield from _function(layer.activation, _is_channel_axis(-1, shape, data_format))


@operators_of.register
def _(layer: LocallyConnected2D, shape, data_format):
    kernel = _weights(layer.kernel)
    rows, columns, *_, filters = kernel.shape
    bias = np.zeros((rows, columns, filters), "float32") if layer.bias is None else layer.bias
    padding = _padding(layer, shape, layer.kernel_size, layer.strides)
    yield operators.LocalConv(kernel, _weights(bias), _pair(layer.strides), padding)
    yield from _function(layer.activation, _is_channel_axis(-1, shape, data_format))


@operators_of.register
def _(layer: keras.layers.Dense, shape, data_format):
    if len(shape) != 2:
        yield None
        return
    yield operators.Dense(_weights(layer.kernel), _bias(layer, layer.units))
    yield from _function(layer.activation)


@operators_of.register
def _(layer: SlidingDense, shape, data_format):
    dense = layer.layer
    kernel = _weights(dense.kernel).reshape(*layer.window, -1, dense.units)
    yield operators.Conv(kernel, _bias(dense, dense.units))
    yield from _function(dense.activation)


@operators_of.register
def _(layer: LocalResponseNormalization, shape, data_format):
    if len(shape) != 4:
        yield None
        return
    shorter, longer = (layer.size - 1) // 2, layer.size // 2
    reach = (longer, shorter) if layer.even_window == "before" else (shorter, longer)
    within = layer.region == "within_channel"
    groups = 1 if within else layer.groups
    yield operators.Lrn(*reach, layer.k, layer.alpha, layer.beta, within, groups)


@operators_of.register(keras.layers.MaxPooling2D)
@operators_of.register(keras.layers.AveragePooling2D)
def _(layer, shape, data_format):
    reduction = "max" if isinstance(layer, keras.layers.MaxPooling2D) else "average"
    size, strides = _pair(layer.pool_size), _pair(layer.strides)
    yield operators.Pool(size, strides, _padding(layer, shape, size, strides), reduction)


@operators_of.register
def _(layer: CeilPooling2D, shape, data_format):
    size, strides = _pair(layer.pool_size), _pair(layer.strides)
    yield operators.Pool(size, strides, NO_ZEROS, layer.reduction, ceil=True)


@operators_of.register(keras.layers.GlobalMaxPooling2D)
@operators_of.register(keras.layers.GlobalAveragePooling2D)
def _(layer, shape, data_format):
    reduction = "max" if isinstance(layer, keras.layers.GlobalMaxPooling2D) else "average"
    yield operators.GlobalPool(reduction, layer.keepdims)


@operators_of.register
def _(layer: AdaptiveAveragePooling2D, shape, data_format):
    sizes = _sizes(layer, shape)
    if None in sizes:
        yield None
        return
    yield operators.AdaptivePool(*(averaging_matrix(size, layer.output_size) for size in sizes))


@operators_of.register
def _(layer: keras.layers.ZeroPadding2D, shape, data_format):
    (top, bottom), (left, right) = layer.padding
    yield operators.Pad(((top, bottom), (left, right)))


@operators_of.register
def _(layer: keras.layers.Flatten, shape, data_format):
    if len(shape) == 4:
        # A channels-first layer brings its maps to the order rows, columns, channels first.
        known = data_format in ("channels_first", layer.data_format)
        yield operators.Flatten(layer.data_format == data_format) if known else None
    elif len(shape) != 2:
        yield None


@operators_of.register
def _(layer: keras.layers.ReLU, shape, data_format):
    plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
    yield operators.Activation("relu") if plain else None


@operators_of.register
def _(layer: keras.layers.Activation, shape, data_format):
    yield from _function(layer.activation, _is_channel_axis(-1, shape, data_format))


@operators_of.register
def _(layer: keras.layers.Softmax, shape, data_format):
    yield operators.Softmax() if _is_channel_axis(layer.axis, shape, data_format) else None


@operators_of.register
def _(layer: DownscaledDropout, shape, data_format):
    scale = np.asarray(1 - layer.rate, "float32")
    yield operators.Affine(scale, np.zeros((), "float32"))


@operators_of.register
def _(layer: keras.layers.BatchNormalization, shape, data_format):
    if not _is_channel_axis(layer.axis, shape, data_format):
        yield None
        return
    mean, variance = _weights(layer.moving_mean), _weights(layer.moving_variance)
    gamma = _weights(layer.gamma) if layer.scale else np.ones_like(mean)
    beta = _weights(layer.beta) if layer.center else np.zeros_like(mean)
    scale = gamma / np.sqrt(variance + np.float32(layer.epsilon))
    yield operators.Affine(scale, beta - mean * scale)


@operators_of.register
def _(layer: keras.layers.Rescaling, shape, data_format):
    scale, offset = np.asarray(layer.scale, "float32"), np.asarray(layer.offset, "float32")
    # Keras broadcasts numbers for each channel over the last axis.
    known = (not scale.ndim and not offset.ndim) or _is_channel_axis(-1, shape, data_format)
    yield operators.Affine(scale, offset) if known else None


@operators_of.register
def _(layer: PixelNormalization, shape, data_format):
    scale, shift = layer.gain_and_shift(*_sizes(layer, shape))
    yield operators.Affine(scale, shift, layer.order == "bgr")


@operators_of.register
def _(layer: SquareResize, shape, data_format):
    yield operators.Resize(layer.size, layer.method)


@operators_of.register(CenterCrop)
@operators_of.register(RandomCropFlip)
def _(layer, shape, data_format):
    yield operators.CenterCrop(layer.height, layer.width)


def _function(activation, on_channels: bool = True) -> Iterator[Operator | None]:
    """Yield the operator of an activation, if it changes anything."""
    name = getattr(activation, "__name__", None)
    if name in FUNCTIONS and activation is keras.activations.get(name):
        yield operators.Activation(name)
    elif activation is keras.activations.softmax and on_channels:
        yield operators.Softmax()
    elif activation is not keras.activations.linear:
        yield None


def _is_channel_axis(axis, shape, data_format) -> bool:
    """Return whether an axis is that of the channels of maps, or of the values of rows."""
    if len(shape) not in (2, 4) or not isinstance(axis, int):
        return False
    first = len(shape) == 4 and data_format == "channels_first"
    return axis % len(shape) == (1 if first else len(shape) - 1)


def _weights(variable) -> np.ndarray:
    return np.asarray(as_array(variable), "float32")


def _bias(layer, size: int) -> np.ndarray:
    return _weights(layer.bias) if layer.use_bias else np.zeros(size, "float32")


def _pair(value) -> Sides:
    rows, columns = (value, value) if isinstance(value, int) else value
    return rows, columns


def _sizes(layer, shape) -> tuple:
    return tuple(shape[1:3] if layer.data_format == "channels_last" else shape[2:4])


def _padding(layer, shape, size, strides, dilation=(1, 1)) -> Padding:
    """Return the zeros that a layer with the padding "valid" or "same" puts around its maps."""
    if layer.padding == "valid":
        return NO_ZEROS
    found = []
    axes = zip(_sizes(layer, shape), size, strides, _pair(dilation), strict=True)
    for length, window, step, distance in axes:
        if length is None and step > 1:
            raise UserError(
                f"Received a model whose layer {layer.name!r} has padding='same' with steps of "
                f"{step} on images of unknown size.",
                "The size of the images must be known: the zeros around them depend on it.",
                "Build the model for images of one size.",
            )
        reach = (window - 1) * distance + 1
        places = 1 if length is None else -(-length // step)
        total = reach - 1 if length is None else max(0, (places - 1) * step + reach - length)
        found.append((total // 2, total - total // 2))
    rows, columns = found
    return rows, columns
