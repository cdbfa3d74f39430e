"""Pooling: maxima with a fast gradient, sizes rounded up, and averages to a fixed size."""

import math

import numpy as np
from keras import ops

from keras_alexnet.operations.derivatives import differentiable
from keras_alexnet.operations.exports import is_exporting
from keras_alexnet.operations.max_pool import MaxPool
from keras_alexnet.operations.operation import Operation

SMALL_MAPS = 40_000  # between pool1 of the networks for CIFAR-10 and pool5 of those for ImageNet


def max_pool(x, size: int, strides: int, data_format: str):
    """Return the maximum of each whole window, with the gradient that is fast on the device."""
    if _uses_slices(x, data_format):
        return differentiable(MaxPool(size, strides, _axes(data_format)))(x)
    return own_max_pool(x, size, strides, "valid", data_format)


@Operation
def own_max_pool(x, size: int, strides: int, padding: str, data_format: str):
    """Return the maxima by the backend's own pooling."""
    return ops.max_pool(x, size, strides, padding, data_format=data_format)


@own_max_pool.override("torch")
def _own_max_pool_torch(x, size: int, strides: int, padding: str, data_format: str):
    """Return the maxima of whole windows from the memory as it lies."""
    if padding != "valid":
        return own_max_pool.plain(x, size, strides, padding, data_format)
    from torch.nn import functional

    return _on_images(functional.max_pool2d, x, data_format, size, strides)


@Operation
def ceil_max_pool(x, size: int, strides: int, data_format: str):
    """Return the maximum of each window, where the last one may reach over the lower right border.

    Keras's own `"same"` pooling, where that is it, need not copy x.
    """
    same = all(
        x.shape[axis] is not None
        and _same_padding(x.shape[axis], size, strides) == (0, (size - x.shape[axis]) % strides)
        for axis in _axes(data_format)
    )
    if same and not _uses_slices(x, data_format):
        return own_max_pool(x, size, strides, "same", data_format)
    padded = _ceil_pad(x, size, strides, data_format, -float("inf"))
    return max_pool(padded, size, strides, data_format)


@ceil_max_pool.override("torch")
def _ceil_max_pool_torch(x, size: int, strides: int, data_format: str):
    """Return the maxima as PyTorch's ceil mode has them, without a padded copy."""
    if is_exporting():
        return ceil_max_pool.plain(x, size, strides, data_format)
    from torch.nn import functional

    return _on_images(functional.max_pool2d, x, data_format, size, strides, ceil_mode=True)


@Operation
def ceil_average_pool(x, size: int, strides: int, data_format: str):
    """Return the mean of each window, of the places that exist."""

    def averages(x):
        padded = _ceil_pad(x, size, strides, data_format, 0.0)
        return ops.average_pool(padded, size, strides, "valid", data_format=data_format)

    # The windows' mean counts padding; dividing by the share that is real undoes that.
    return averages(x) / averages(ops.ones_like(x[:1]))


@ceil_average_pool.override("torch")
def _ceil_average_pool_torch(x, size: int, strides: int, data_format: str):
    """Return the means as PyTorch's ceil mode has them, without a padded copy."""
    if is_exporting():
        return ceil_average_pool.plain(x, size, strides, data_format)
    from torch.nn import functional

    return _on_images(functional.avg_pool2d, x, data_format, size, strides, ceil_mode=True)


def _on_images(pool, x, data_format: str, size: int, strides: int, **options):
    """Call a pooling of PyTorch on a view whose axes are in PyTorch's order.

    `keras.ops` copies channels-last maps to channels-first memory, where pooling takes ten times
    as long on a CPU, and the next convolution has them copied back.
    """
    x = ops.convert_to_tensor(x)
    if data_format == "channels_first":
        return pool(x, size, strides, **options)
    return pool(x.permute(0, 3, 1, 2), size, strides, **options).permute(0, 2, 3, 1)


def adaptive_average_pool(x, output_size: int, data_format: str):
    """Average rows, then columns, each as a product with a small matrix of weights."""
    height, width = (x.shape[axis] for axis in _axes(data_format))
    rows = ops.convert_to_tensor(averaging_matrix(height, output_size), x.dtype)
    columns = ops.convert_to_tensor(averaging_matrix(width, output_size), x.dtype)
    # Two products, since PyTorch exports one of all three for a single size of the batch.
    last = data_format == "channels_last"
    first = "ih,nhwc->niwc" if last else "ih,nchw->nciw"
    second = "jw,niwc->nijc" if last else "jw,nciw->ncij"
    return ops.einsum(second, columns, ops.einsum(first, rows, x))


@Operation
def slow_max_pool(values: float) -> bool:
    """Return whether the backend's own gradient of max pooling is slow on this device.

    Args:
        values: Number of values in one image's maps.
    """
    return False


@slow_max_pool.override("tensorflow")
def _slow_max_pool_tensorflow(values: float) -> bool:
    """Return whether only CPUs are visible, and the maps are large enough to compile a program.

    TensorFlow's own kernel takes two thirds to three quarters of the time of slices. XLA cannot use
    it, and its own takes six times as long as slices (examples/benchmarks/layers.py): in graphs
    slices remain for large maps, since it is not known here whether XLA will compile the graph.
    """
    import tensorflow as tf

    if tf.executing_eagerly():
        return False
    return values > SMALL_MAPS and not tf.config.list_physical_devices("GPU")


@slow_max_pool.override("jax")
def _slow_max_pool_jax(values: float) -> bool:
    """Return whether JAX computes on a CPU, where XLA's gradient of a pooling is slow."""
    import jax

    return jax.default_backend() == "cpu"


def _uses_slices(x, data_format: str) -> bool:
    """Return whether the backend's own gradient is slow, or missing, and `MaxPool` is possible.

    Not in an export, which has no gradient: every format has a max pooling of its own.
    """
    if None in x.shape[1:]:
        return False
    values = math.prod(x.shape[1:]) if data_format == "channels_last" else math.inf
    return slow_max_pool(values) and not is_exporting()


def _axes(data_format: str) -> tuple[int, int]:
    return (1, 2) if data_format == "channels_last" else (2, 3)


def _ceil_pad(x, size: int, strides: int, data_format: str, value: float):
    """Pad so that the window count rounded down comes out as the one rounded up."""
    padding = [(0, 0)] * 4
    for axis in _axes(data_format):
        length = x.shape[axis]
        padding[axis] = (0, strides - 1 if length is None else (size - length) % strides)
    if not any(after for _, after in padding):
        return x
    return ops.pad(x, padding, constant_values=value)


def _same_padding(size: int, window: int, strides: int) -> tuple[int, int]:
    """Return what `"same"` puts before and after an image of this size."""
    total = max(0, (-(-size // strides) - 1) * strides + window - size)
    return total // 2, total - total // 2


def averaging_matrix(size: int, output_size: int) -> np.ndarray:
    """Return the (output_size, size) weights that average each output's inputs."""
    matrix = np.zeros((output_size, size), "float32")
    for index in range(output_size):
        start = index * size // output_size
        stop = -(-(index + 1) * size // output_size)
        matrix[index, start:stop] = 1 / (stop - start)
    return matrix
