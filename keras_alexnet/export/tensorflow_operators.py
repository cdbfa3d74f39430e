"""The operators of a graph in TensorFlow's operations, for maps with the channels last."""

import functools

import numpy as np
import tensorflow as tf

from keras_alexnet.export import operators
from keras_alexnet.export.operators import Operator
from keras_alexnet.export.tensorflow_maps import (
    central_square,
    divided,
    normalized,
    padding_name,
    pooled,
    products,
)

FUNCTIONS = {"relu": tf.nn.relu, "sigmoid": tf.sigmoid, "tanh": tf.tanh}


@functools.singledispatch
def weights_of(operator: Operator) -> tuple[np.ndarray, ...]:
    """Return the arrays that an operator is computed with, as `computed` takes them."""
    return ()


@weights_of.register
def _(operator: operators.Conv):
    kernels = np.split(operator.kernel, operator.groups, axis=-1)
    return (*kernels, operator.bias)


@weights_of.register
def _(operator: operators.LocalConv):
    rows, columns, *_, filters = operator.kernel.shape
    return operator.kernel.reshape(rows * columns, -1, filters), operator.bias


@weights_of.register
def _(operator: operators.Dense):
    return operator.kernel, operator.bias


@weights_of.register
def _(operator: operators.Affine):
    return operator.scale, operator.shift


@functools.singledispatch
def computed(operator: Operator, x, *weights):
    """Return what an operator makes of a tensor: maps with the channels last, or rows.

    Args:
        operator: The operator.
        x: The tensor, float32; for `Resize` and `CenterCrop` also of whole numbers.
        *weights: Its weights as float32 tensors, in the order of `weights_of`.
    """
    raise NotImplementedError(type(operator).__name__)


@computed.register
def _(operator: operators.Conv, x, *weights):
    *kernels, bias = weights
    rows, columns, *_ = operator.kernel.shape
    down, across = operator.dilation
    reach = ((rows - 1) * down + 1, (columns - 1) * across + 1)
    name = padding_name(x, reach, operator.strides, operator.padding)
    padding = name or ((0, 0), *operator.padding, (0, 0))
    blocks = [x] if operator.groups == 1 else tf.split(x, operator.groups, axis=-1)
    # A product for each group: few converters and devices have the grouped one.
    parts = [
        tf.nn.conv2d(block, kernel, operator.strides, padding, dilations=operator.dilation)
        for block, kernel in zip(blocks, kernels, strict=True)
    ]
    return (parts[0] if operator.groups == 1 else tf.concat(parts, axis=-1)) + bias


@computed.register
def _(operator: operators.LocalConv, x, kernel, bias):
    places_down, places_across, rows, columns, _, filters = operator.kernel.shape
    x = tf.pad(x, ((0, 0), *operator.padding, (0, 0)))
    down, across = operator.strides
    below, right = (places_down - 1) * down + 1, (places_across - 1) * across + 1
    # The windows of all places side by side. TensorFlow's operator for them is not in LiteRT.
    slices = [
        x[:, row : row + below : down, column : column + right : across]
        for row in range(rows)
        for column in range(columns)
    ]
    windows = tf.reshape(tf.concat(slices, axis=-1), (-1, *kernel.shape[:2]))
    maps = tf.matmul(tf.transpose(windows, (1, 0, 2)), kernel)
    shape = (-1, places_down, places_across, filters)
    return tf.reshape(tf.transpose(maps, (1, 0, 2)), shape) + bias


@computed.register
def _(operator: operators.Dense, x, kernel, bias):
    return tf.matmul(x, kernel) + bias


@computed.register
def _(operator: operators.Lrn, x):
    has_operation = not operator.within and operator.before == operator.after
    return normalized(x, operator) if has_operation else divided(x, operator)


@computed.register
def _(operator: operators.Pool, x):
    return pooled(x, operator)


@computed.register
def _(operator: operators.GlobalPool, x):
    reduce = tf.reduce_max if operator.reduction == "max" else tf.reduce_mean
    return reduce(x, axis=(1, 2), keepdims=operator.keepdims)


@computed.register
def _(operator: operators.AdaptivePool, x):
    return products(x, tf.constant(operator.rows), tf.constant(operator.columns))


@computed.register
def _(operator: operators.Pad, x):
    return tf.pad(x, ((0, 0), *operator.padding, (0, 0)))


@computed.register
def _(operator: operators.Activation, x):
    return FUNCTIONS[operator.function](x)


@computed.register
def _(operator: operators.Softmax, x):
    return tf.nn.softmax(x)


@computed.register
def _(operator: operators.Flatten, x):
    x = x if operator.channels_last else tf.transpose(x, (0, 3, 1, 2))
    return tf.reshape(x, (-1, int(np.prod(x.shape[1:]))))


@computed.register
def _(operator: operators.Affine, x, scale, shift):
    x = x * scale + shift
    return tf.reverse(x, axis=[-1]) if operator.reverse else x


@computed.register
def _(operator: operators.Resize, x):
    return central_square(x, operator.size, operator.method)


@computed.register
def _(operator: operators.CenterCrop, x):
    rows, columns = tf.shape(x)[1], tf.shape(x)[2]
    corner = ((rows - operator.rows) // 2, (columns - operator.columns) // 2)
    return tf.slice(x, (0, *corner, 0), (-1, operator.rows, operator.columns, x.shape[-1]))
