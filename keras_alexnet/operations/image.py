"""Arithmetic on batches of images, which runs inside `tf.data` too, whatever Keras's backend is."""

import functools

import keras
import numpy as np

from keras_alexnet.operations import programs
from keras_alexnet.operations.exports import is_exporting
from keras_alexnet.operations.framework_ops import framework_of, ops_for
from keras_alexnet.operations.operation import Operation, P, R


class ImageOperation(Operation[P, R]):
    """An operation whose version is the one of the framework that its first argument is of."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the version of the images' framework."""
        return self.on(framework_of(args[0]))(*args, **kwargs)


@ImageOperation
def affine(images, scale, shift, dtype: str):
    """Return `images * scale + shift` in a float type; the numbers are broadcast over images."""
    ops = ops_for(images)
    return ops.cast(images, dtype) * ops.cast(scale, dtype) + ops.cast(shift, dtype)


@affine.override("tensorflow")
def _affine_tensorflow(images, scale, shift, dtype: str):
    """Compute in one pass over memory instead of three."""
    return _in_xla(affine.plain, images, scale, shift, dtype=dtype)


@affine.override("jax")
def _affine_jax(images, scale, shift, dtype: str):
    """Compute in one pass over memory instead of three."""
    return _jitted(affine.plain, "dtype")(images, scale, shift, dtype=dtype)


@affine.override("torch")
def _affine_torch(images, scale, shift, dtype: str):
    """Multiply and add in one pass, in the copy that whole numbers need as floats anyway."""
    import torch

    kind = getattr(torch, dtype)
    y = images.to(kind)
    scale, shift = (_whole_rows(value.to(kind), images) for value in (scale, shift))
    return torch.addcmul(shift, y, scale, out=None if images.is_floating_point() else y)


def _whole_rows(value, images):
    """Repeat what there is for each channel over a row: loops over three numbers are slow."""
    if value.dim() == 0:
        return value
    return value.expand(*value.shape[:-2], *images.shape[-2:]).contiguous()


@ImageOperation
def crop(images, tops, lefts, mirrors, height: int, width: int):
    """Cut a window out of each image, at its own place, and mirror it where asked.

    One gather of whole pixels: where a window is mirrored its columns are counted backwards.

    Args:
        images: `(batch, rows, columns, channels)`, of any type, which is kept.
        tops: First row of each window, int32 of shape `(batch,)`.
        lefts: First column of each window.
        mirrors: 1 for a window to be mirrored left to right, else 0.
        height: Rows of the windows.
        width: Columns of the windows.
    """
    ops = ops_for(images)
    batch, rows, columns, channels = ops.shape(images)
    row = tops[:, None] + ops.arange(height, dtype="int32")
    column = ops.arange(width, dtype="int32")
    mirrored = mirrors[:, None]
    column = lefts[:, None] + mirrored * (width - 1) + (1 - 2 * mirrored) * column
    first = ops.arange(batch, dtype="int32")[:, None] * rows
    pixel = ((first + row) * columns)[:, :, None] + column[:, None, :]
    return ops.take(ops.reshape(images, (-1, channels)), pixel, axis=0)


@crop.override("tensorflow")
def _crop_tensorflow(images, tops, lefts, mirrors, height: int, width: int):
    """Gather with XLA, which is three times as fast on a CPU as TensorFlow's own kernel."""
    return _in_xla(crop.plain, images, tops, lefts, mirrors, height=height, width=width)


@crop.override("jax")
def _crop_jax(images, tops, lefts, mirrors, height: int, width: int):
    """Copy window by window: XLA's gather of pixels goes value by value on a CPU."""
    run = _jitted(_windows_one_by_one, "height", "width")
    return run(images, tops, lefts, mirrors, height=height, width=width)


def _windows_one_by_one(images, tops, lefts, mirrors, height: int, width: int):
    import jax

    size = (height, width, images.shape[-1])

    def one(argument):
        image, top, left, mirrored = argument
        window = jax.lax.dynamic_slice(image, (top, left, 0), size)
        return jax.lax.cond(mirrored == 1, lambda x: x[:, ::-1], lambda x: x, window)

    return jax.lax.map(one, (images, tops, lefts, mirrors))


@crop.override("torch")
def _crop_torch(images, tops, lefts, mirrors, height: int, width: int):
    """Copy window by window on a CPU, 50 times as fast there as PyTorch's gather of pixels."""
    import torch

    if images.device.type != "cpu" or torch.compiler.is_compiling():
        return crop.plain(images, tops, lefts, mirrors, height, width)
    windows = images.new_empty((len(images), height, width, images.shape[-1]))
    places = zip(tops.tolist(), lefts.tolist(), mirrors.tolist(), strict=True)
    for image, window, (top, left, mirrored) in zip(images, windows, places, strict=True):
        cut = image[top : top + height, left : left + width]
        window.copy_(cut.flip(1) if mirrored else cut)
    return windows


@ImageOperation
def resize(images, rows: int, columns: int, antialias: bool):
    """Resize images, `(batch, height, width, channels)` of floats, bilinearly."""
    return keras.ops.image.resize(
        images, (rows, columns), "bilinear", antialias=antialias, data_format="channels_last"
    )


@resize.override("tensorflow")
def _resize_tensorflow(images, rows: int, columns: int, antialias: bool):
    """Resize with XLA, which has no kernel for TensorFlow's own way, and is three times as fast.

    Not eagerly, where each photo may have a size of its own to be compiled for.
    """
    import tensorflow as tf

    if tf.executing_eagerly():
        return tf.image.resize(images, (rows, columns), antialias=antialias)
    return _in_xla(_weighted_sums, images, rows=rows, columns=columns, antialias=antialias)


def _weighted_sums(images, rows: int, columns: int, antialias: bool):
    ops = ops_for(images)
    for axis, size in ((1, rows), (2, columns)):
        taps, weights = _triangles(images.shape[axis], size, antialias)
        weights = weights.reshape(*weights.shape, *[1] * (3 - axis))
        images = ops.sum(ops.take(images, taps, axis=axis) * weights, axis=axis + 1)
    return images


def _triangles(source: int, target: int, antialias: bool):
    """Return the old pixels that each new one along an axis is made of, and their weights.

    With antialiasing as Pillow makes them: a triangle around the new pixel's place, as wide as two
    old or two new pixels, whichever is more. Without it is as wide as two old ones. Both arrays
    have the shape `(target, taps)`.
    """
    reach = max(source / target, 1) if antialias else 1
    centre = (np.arange(target) + 0.5)[:, None] * source / target
    first = np.maximum(np.floor(centre - reach + 0.5), 0)
    last = np.minimum(np.floor(centre + reach + 0.5), source)
    taps = first + np.arange((last - first).max())
    weights = np.maximum(0, 1 - np.abs(taps + 0.5 - centre) / reach) * (taps < last)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.minimum(taps, source - 1).astype("int32"), weights.astype("float32")


@ImageOperation
def checked(images, rows: int, columns: int, channels: int | None, sentences):
    """Return images; where their sizes are known at run time only, they are checked then.

    Args:
        images: `(batch, rows, columns, channels)`.
        rows: The least number of rows.
        columns: The least number of columns.
        channels: The number of channels, `None` for any.
        sentences: What to say of other images, after their sizes.
    """
    return images


@checked.override("tensorflow")
def _checked_tensorflow(images, rows: int, columns: int, channels: int | None, sentences):
    """Raise an `InvalidArgumentError` with the sentences for images of other sizes.

    XLA leaves assertions out. As it compiles, it refuses the shape of a corner of the first image.
    """
    import tensorflow as tf

    sizes = tf.shape(images)[1:]
    fits = tf.reduce_all(sizes[:2] >= (rows, columns))
    if channels is not None:
        fits &= sizes[2] == channels
    said = ["Received images of rows, columns and channels", sizes, *sentences]
    with tf.control_dependencies([tf.debugging.Assert(fits, said)]):
        corner = tf.ensure_shape(images[:1, :rows, :columns], (None, rows, columns, channels))
    with tf.control_dependencies([corner]):
        return tf.identity(images)


@ImageOperation
def declared(images, shape):
    """Return images; where their static shape is not fully known, it is at least this one."""
    return images


@declared.override("tensorflow")
def _declared_tensorflow(images, shape):
    """Give images the static shape that they have, where TensorFlow did not infer it."""
    import tensorflow as tf

    return tf.ensure_shape(images, shape)


def _in_xla(function, images, *tensors, **static):
    """Call a function of images, compiled in a graph that knows the images' size.

    Eagerly each batch may have a size of its own; of exports `differentiable` says more.
    """
    import tensorflow as tf

    if tf.executing_eagerly() or None in images.shape[1:] or is_exporting.on("tensorflow")():
        return function(images, *tensors, **static)
    return programs.run(_with, (function, tuple(static.items())), images, *tensors)


def _with(function, static, *tensors):
    return function(*tensors, **dict(static))


@functools.cache
def _jitted(function, *static: str):
    """Return a function that JAX compiles once for each size."""
    import jax

    return jax.jit(function, static_argnames=static)
