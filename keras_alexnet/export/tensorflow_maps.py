"""Normalization, pooling and resizing of maps with the channels last, in plain operations.

Nothing here is an operation that XLA alone compiles, or that LiteRT lacks.
"""

import numpy as np
import tensorflow as tf

from keras_alexnet.export.operators import Lrn, Padding, Pool, Sides

ANTIALIASED = {"shorter_side": True, "warp": False}  # by method, as `SquareResize`


def padding_name(x, size, strides: Sides, padding: Padding) -> str | None:
    """Return TensorFlow's word for the places around maps, `None` if it has no word for them.

    Args:
        x: The maps.
        size: Rows and columns that a window reaches over.
        strides: Its steps.
        padding: The places around the maps.
    """
    if not np.any(padding):
        return "VALID"
    axes = zip(x.shape[1:3], size, strides, padding, strict=True)
    return "SAME" if all(given == same(*rest) for *rest, given in axes) else None


def same(length: int | None, window: int, step: int) -> Sides | None:
    """Return what `"SAME"` puts before and after an axis; `None` if that is not known.

    >>> same(10, 3, 2), same(None, 3, 1)
    ((0, 1), (1, 1))
    """
    if length is None and step > 1:
        return None
    total = window - 1 if length is None else (-(-length // step) - 1) * step + window - length
    return max(0, total) // 2, max(0, total) - max(0, total) // 2


def normalized(x, operator: Lrn):
    """Return `divided` by TensorFlow's own operation, which has odd windows across the channels."""
    rows, columns = _sizes(x)
    channels, groups = x.shape[-1], operator.groups
    if groups > 1:  # each group as a place of its own
        x = tf.reshape(x, (-1, rows, columns * groups, channels // groups))
    numbers = (operator.k, operator.alpha, operator.beta)
    y = tf.nn.local_response_normalization(x, operator.before, *numbers)
    return y if groups == 1 else tf.reshape(y, (-1, rows, columns, channels))


def divided(x, operator: Lrn):
    """Return x / (k + alpha * sums of x**2) ** beta."""
    size = operator.before + 1 + operator.after
    sides = (operator.before, operator.after)
    if operator.within:
        padded = tf.pad(x * x, ((0, 0), sides, sides, (0, 0)))
        scale = operator.k + operator.alpha * size**2 * tf.nn.avg_pool2d(padded, size, 1, "VALID")
    else:
        channels = np.arange(x.shape[-1])
        groups = channels // (len(channels) // operator.groups)
        distance = channels[:, None] - channels  # of the square's channel from the result's
        inside = (-operator.before <= distance) & (distance <= operator.after)
        window = operator.alpha * (inside & (groups[:, None] == groups))
        scale = operator.k + tf.matmul(x * x, tf.constant(window, tf.float32))
    return x * _power(scale, operator.beta)


def _power(scale, beta: float):
    """Return scale**-beta, by roots where that is possible."""
    if beta == 1:
        return 1 / scale
    if beta in (0.5, 0.75):
        root = tf.math.rsqrt(scale)
        return root if beta == 0.5 else root * tf.sqrt(root)
    return tf.pow(scale, -beta)


def pooled(x, operator: Pool):
    """Return the maximum or the mean of each window, of the places that exist."""
    pool = tf.nn.max_pool2d if operator.reduction == "max" else tf.nn.avg_pool2d
    padding = _with_ceil(x, operator) if operator.ceil else operator.padding
    name = padding_name(x, operator.size, operator.strides, padding)
    if name is not None:
        return pool(x, operator.size, operator.strides, name)
    if operator.reduction == "max":
        # The border's own values, which change no maximum. Int8 has no number for -infinity.
        for axis, (before, after) in enumerate(padding, 1):
            first, last = (x[:, :1], x[:, -1:]) if axis == 1 else (x[:, :, :1], x[:, :, -1:])
            x = tf.concat([first] * before + [x] + [last] * after, axis=axis)
        return pool(x, operator.size, operator.strides, "VALID")

    def means(maps):
        padded = tf.pad(maps, ((0, 0), *padding, (0, 0)))
        return pool(padded, operator.size, operator.strides, "VALID")

    # Zeros count for the mean; dividing by the share of the places that exist undoes that.
    return means(x) / means(tf.ones((1, *_sizes(x), 1)))


def _with_ceil(x, operator: Pool) -> Padding:
    """Return the padding with the places of a last window that reaches over the border."""
    found = []
    axes = zip(x.shape[1:3], operator.size, operator.strides, operator.padding, strict=True)
    for length, window, step, (before, after) in axes:
        more = step - 1 if length is None else (window - length - before - after) % step
        found.append((before, after + more))
    rows, columns = found
    return rows, columns


def central_square(images, size: int, method: str):
    """Return the square that `SquareResize` makes of images, and their dtype."""
    if tuple(images.shape[1:3]) == (size, size):
        return images
    rows, columns = _sizes(images)
    x = tf.cast(images, tf.float32)
    if method == "warp":
        down, across = (_triangles(side, size, 0, size, False) for side in (rows, columns))
    else:
        shorter = tf.minimum(rows, columns)
        sides = [size * side // shorter for side in (rows, columns)]
        down, across = (
            _triangles(old, new, _half(new - size), size, True)
            for old, new in zip((rows, columns), sides, strict=True)
        )
    y = products(x, down, across)
    return y if images.dtype.is_floating else tf.cast(tf.round(y), images.dtype)


def products(x, rows, columns):
    """Return rows @ x @ columns.T for each map."""
    height, width = _sizes(x)
    channels, down, across = x.shape[-1], rows.shape[0], columns.shape[0]
    x = tf.matmul(rows, tf.reshape(x, (-1, height, width * channels)))
    x = tf.transpose(tf.reshape(x, (-1, down, width, channels)), (0, 2, 1, 3))
    x = tf.matmul(columns, tf.reshape(x, (-1, width, down * channels)))
    return tf.transpose(tf.reshape(x, (-1, across, down, channels)), (0, 2, 1, 3))


def _triangles(source, target, first, count: int, antialias: bool):
    """Return the weights `(count, source)` of the old pixels in the new ones from `first` on.

    A triangle around the new pixel's place, as wide as two old ones, or with antialiasing as two
    new ones where these are wider. The places are whole numbers, in halves of a pixel over
    `target`, so that photos of any size have exact ones.
    """
    new, old = 2 * (tf.range(count) + first) + 1, 2 * tf.range(source) + 1
    reach = 2 * (tf.maximum(source, target) if antialias else target)
    distance = tf.cast(new[:, None] * source - old * target, tf.float32)
    weights = tf.nn.relu(1 - tf.abs(distance) / tf.cast(reach, tf.float32))
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)


def _half(difference):
    """Return half of an integer, rounded to the even neighbour."""
    return difference // 2 + difference % 4 // 3


def _sizes(x):
    """Return the rows and the columns of maps: numbers where they are known, or else tensors."""
    shape = tf.shape(x)
    return [shape[axis] if x.shape[axis] is None else x.shape[axis] for axis in (1, 2)]
