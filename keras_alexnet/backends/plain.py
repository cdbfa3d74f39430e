"""The plain `keras.ops` version of every operation that a backend may do faster."""

from keras import ops


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


def grouped_conv(x, kernel, groups: int, **options):
    """Convolve each group of channels on its own and concatenate.

    Two half convolutions train 4 to 12 times faster on a CPU than one grouped convolution of
    TensorFlow or JAX (examples/benchmarks/layers.py), and compute the same.
    """
    axis = -1 if options["data_format"] == "channels_last" else 1
    inputs = ops.split(x, groups, axis=axis)
    kernels = ops.split(kernel, groups, axis=-1)
    parts = [ops.conv(part, half, **options) for part, half in zip(inputs, kernels, strict=True)]
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


def resize(ops, images, rows: int, columns: int):
    """Resize images, `(batch, height, width, channels)` of floats, bilinearly with antialiasing."""
    return ops.image.resize(
        images, (rows, columns), "bilinear", antialias=True, data_format="channels_last"
    )
