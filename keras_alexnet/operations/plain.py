"""The plain `keras.ops` version of every operation that a backend may do faster."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops, random

from keras_alexnet.operations.exports import is_exporting as is_exporting

PAGE_BYTES = 4096  # the least that a system gives
PART_BYTES = 8 << 20  # what a thread asks for at once


def window_sum(x, axis: int, before: int, after: int):
    """Sum the neighbours `i - before .. i + after` along one axis, cut at its ends.

    Slices of the zero-padded input are added: a compiler fuses them into one pass over memory,
    which is faster on a CPU than a pooling operation or a product with a banded matrix.
    """
    padding = [(0, 0)] * len(x.shape)
    padding[axis] = (before, after)
    padded = ops.pad(x, padding)
    reach = before + after
    total = None
    for offset in range(reach + 1):
        index = [slice(None)] * len(x.shape)
        index[axis] = slice(offset, (offset - reach) or None)
        part = padded[tuple(index)]
        total = part if total is None else total + part
    return total


def differentiable(operation):
    """Return `operation.forward`, differentiated by the backend itself."""
    return operation.forward


def slow_max_pool(values: int) -> bool:
    """Return whether the backend's own gradient of max pooling is slow on this device.

    Args:
        values: How many there are in one image's maps.
    """
    return False


def dropout(x, rate: float, seed_generator):
    """Set values to 0 at the given rate and divide the others by what is kept."""
    return random.dropout(x, rate, seed=seed_generator)


def conv(x, kernel, **options):
    """Convolve, without groups."""
    return ops.conv(x, kernel, **options)


def grouped_conv(x, kernel, groups: int, conv=conv, **options):
    """Convolve each group of channels on its own, with `conv`, and concatenate.

    Two half convolutions train 4 to 12 times faster on a CPU than one grouped convolution of
    TensorFlow or JAX (examples/benchmarks/layers.py), and compute the same.
    """
    if groups == 1:
        return conv(x, kernel, **options)
    axis = -1 if options["data_format"] == "channels_last" else 1
    inputs = ops.split(x, groups, axis=axis)
    kernels = ops.split(kernel, groups, axis=-1)
    parts = [conv(part, half, **options) for part, half in zip(inputs, kernels, strict=True)]
    return ops.concatenate(parts, axis=axis)


def affine(ops, x, scale, shift, dtype: str):
    """Return `x * scale + shift` in a float type; `scale` and `shift` are broadcast over x."""
    return ops.cast(x, dtype) * ops.cast(scale, dtype) + ops.cast(shift, dtype)


def crop(ops, images, tops, lefts, mirrors, height: int, width: int):
    """Cut a window out of each image, at its own place, and mirror it where asked.

    One gather of whole pixels: where a window is mirrored its columns are counted backwards.

    Args:
        ops: The operations to compute with.
        images: `(batch, rows, columns, channels)`, of any type, which is kept.
        tops: First row of each window, int32 of shape `(batch,)`.
        lefts: First column of each window.
        mirrors: 1 for a window to be mirrored left to right, else 0.
        height: Rows of the windows.
        width: Columns of the windows.
    """
    batch, rows, columns, channels = ops.shape(images)
    row = tops[:, None] + ops.arange(height, dtype="int32")
    column = ops.arange(width, dtype="int32")
    mirrored = mirrors[:, None]
    column = lefts[:, None] + mirrored * (width - 1) + (1 - 2 * mirrored) * column
    first = ops.arange(batch, dtype="int32")[:, None] * rows
    pixel = ((first + row) * columns)[:, :, None] + column[:, None, :]
    return ops.take(ops.reshape(images, (-1, channels)), pixel, axis=0)


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


def declared(images, shape):
    """Return images; where their static shape is not fully known, it is at least this one."""
    return images


def resize(ops, images, rows: int, columns: int, antialias: bool):
    """Resize images, `(batch, height, width, channels)` of floats, bilinearly."""
    return ops.image.resize(
        images, (rows, columns), "bilinear", antialias=antialias, data_format="channels_last"
    )


def descend(optimizer, variable, velocity, gradient, rate, momentum, decay, rate_in_velocity):
    """Take one step of gradient descent with momentum: `CoupledSGD` has the formula.

    Args:
        optimizer: Whose `assign` is to be used.
        variable: What is trained; it is changed.
        velocity: The variable of the same shape and type that remembers; it is changed.
        gradient: A tensor of the same shape and type.
        rate: A number, or a tensor of one; so are the next two.
        momentum: Share of the velocity that is kept.
        decay: Share of the variable that is added to the gradient.
        rate_in_velocity: Whether the velocity remembers the rate of each step.
    """
    gradient = decayed(gradient, variable, decay)
    if rate_in_velocity:
        new = momentum * velocity - rate * gradient
        optimizer.assign_add(variable, new)
    else:
        new = momentum * velocity + gradient
        optimizer.assign_sub(variable, rate * new)
    optimizer.assign(velocity, new)


def decayed(gradient, variable, decay):
    """Return a gradient with the share of the variable, unless that share is always 0."""
    return gradient + decay * variable if ops.is_tensor(decay) or decay else gradient


def new_tensor(variable, values: np.ndarray):
    """Return an array as a tensor that a variable can be assigned: of its type, on its device.

    Args:
        variable: The Keras variable.
        values: An array of its shape, which nothing else changes. The tensor may share its memory.
    """
    return ops.convert_to_tensor(values, dtype=variable.dtype)


def assign(variable, tensor) -> None:
    """Assign a tensor that `new_tensor` made."""
    variable.assign(tensor)


def new_values(variable, run: Callable = map) -> np.ndarray:
    """Return an array for new values of a variable, which begins at a multiple of 64 bytes.

    JAX and TensorFlow align their arrays so, and take one of NumPy's over as it is if it is too;
    any other they copy. All of its memory has been written to: a system gives a page with the first
    write, and where threads write columns side by side all would wait for the same pages.

    Args:
        variable: The variable.
        run: What calls a function for each of several arguments, such as a thread pool's `map`.
    """
    shape = tuple(variable.shape)
    dtype = variable.dtype if variable.dtype in ("float16", "float64") else "float32"
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(size + 64, "uint8")
    parts = range(0, room.size, PART_BYTES)
    list(run(lambda first: room[first : first + PART_BYTES : PAGE_BYTES].fill(0), parts))
    start = -room.ctypes.data % 64
    return room[start : start + size].view(dtype).reshape(shape)


def as_array(variable) -> np.ndarray:
    """Return the values of a Keras variable, or of a tensor; of bfloat16 as float32.

    NumPy has no bfloat16; float32 holds its values exactly.
    """
    dtype = keras.backend.standardize_dtype(variable.dtype)
    value = ops.cast(variable, "float32" if dtype == "bfloat16" else dtype)  # a tensor
    return np.asarray(ops.convert_to_numpy(value))
