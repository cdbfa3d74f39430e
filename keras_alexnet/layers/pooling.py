"""Pooling rules of Caffe, cuda-convnet and PyTorch that Keras lacks."""

import math

import keras
import numpy as np
from keras import ops

from keras_alexnet.operations import differentiable, is_exporting, slow_max_pool
from keras_alexnet.operations.pooling.slices import MaxPool


def max_pool(x, size: int, strides: int, data_format: str):
    """Return the maximum of each whole window, with the gradient that is fast on the device."""
    if has_slow_max_pool(x, data_format):
        axes = (1, 2) if data_format == "channels_last" else (2, 3)
        return differentiable(MaxPool(size, strides, axes))(x)
    return ops.max_pool(x, size, strides, "valid", data_format=data_format)


def has_slow_max_pool(x, data_format: str) -> bool:
    """Return whether the backend's own gradient is slow, or missing, and `MaxPool` is possible.

    Not in an export, which has no gradient: every format has a max pooling of its own.
    """
    if None in x.shape[1:]:
        return False
    values = math.prod(x.shape[1:]) if data_format == "channels_last" else math.inf
    return slow_max_pool(values) and not is_exporting()


@keras.saving.register_keras_serializable(package="keras_alexnet")
class MaxPooling2D(keras.layers.MaxPooling2D):
    """`keras.layers.MaxPooling2D` with a gradient that is fast on a CPU.

    Arguments, shapes and values are those of `keras.layers.MaxPooling2D`. TensorFlow and JAX
    compute the gradient of a pooling two to five times more slowly than what stands here. Where a
    window's maximum stands in it several times, the gradient goes to the first of them.

    Reference:
        Overlapping pooling: Krizhevsky, Sutskever, Hinton 2012, section 3.4.

    Example:

    >>> import numpy as np
    >>> x = np.arange(25, dtype="float32").reshape(1, 5, 5, 1)
    >>> y = MaxPooling2D(3, 2, data_format="channels_last")(x)
    >>> float(y[0, 1, 1, 0])
    24.0
    """

    def call(self, inputs):
        """Pool; other paddings, or windows and steps that are not square, as Keras does."""
        square = len({*self.pool_size}) == len({*self.strides}) == 1
        if self.padding != "valid" or not square:
            return super().call(inputs)
        return max_pool(inputs, self.pool_size[0], self.strides[0], self.data_format)


@keras.saving.register_keras_serializable(package="keras_alexnet")
class CeilPooling2D(keras.layers.Layer):
    """Pooling whose output size is rounded up, as in Caffe, cuda-convnet and PyTorch's ceil mode.

    Output size: ceil((size - pool_size) / strides) + 1 on each axis. Where the last window
    reaches over the lower or right border, the maximum or the average is taken over the places
    that exist.

    Args:
        pool_size: Side of the window.
        strides: Step of the window, at most `pool_size`.
        reduction: `"max"` or `"average"`.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, channels, height, width)`.

    Output shape:
        The same with the two sizes above.

    Reference:
        `MaxPooler` and `AvgPooler` of cuda-convnet, which all the CIFAR-10 networks use.

    Example:

    >>> import numpy as np
    >>> x = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    >>> y = CeilPooling2D(3, 2, "average", data_format="channels_last")(x)
    >>> round(float(y[0, 1, 1, 0]), 4)  # the mean of 10, 11, 14 and 15
    12.5
    """

    def __init__(self, pool_size=3, strides=2, reduction="max", data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = pool_size
        self.strides = strides
        self.reduction = reduction
        self.data_format = keras.config.image_data_format() if data_format is None else data_format

    def call(self, inputs):
        """Pool over the input, padded at its lower and right end by what strides may skip."""
        if self.reduction == "max":
            return self._maxima(inputs)
        padded = self._pad(inputs, 0.0)
        # The windows' mean counts padding; dividing by the share that is real undoes that.
        real = self._pad(ops.ones_like(inputs[:1]), 0.0)
        return self._averages(padded) / self._averages(real)

    def compute_output_shape(self, input_shape):
        """Return the input's shape with both sizes pooled, unknown ones left unknown."""
        shape = list(input_shape)
        for axis in self._axes():
            if shape[axis] is not None:
                shape[axis] = -(-(shape[axis] - self.pool_size) // self.strides) + 1
        return tuple(shape)

    def get_config(self):
        """Return the arguments as they were given, `data_format` resolved."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "reduction": self.reduction,
            "data_format": self.data_format,
        }

    def _axes(self):
        return (1, 2) if self.data_format == "channels_last" else (2, 3)

    def _pad(self, x, value):
        """Pad so that the window count rounded down comes out as the one rounded up."""
        padding = [(0, 0)] * 4
        for axis in self._axes():
            size = x.shape[axis]
            spare = self.strides - 1
            padding[axis] = (0, spare if size is None else (self.pool_size - size) % self.strides)
        if not any(after for _, after in padding):
            return x
        return ops.pad(x, padding, constant_values=value)

    def _maxima(self, x):
        """Return the windows' maxima; Keras's own `"same"`, where that is it, need not copy x."""
        is_same = all(
            x.shape[axis] is not None
            and _same_padding(x.shape[axis], self.pool_size, self.strides)
            == (0, (self.pool_size - x.shape[axis]) % self.strides)
            for axis in self._axes()
        )
        if is_same and not has_slow_max_pool(x, self.data_format):
            options = {"data_format": self.data_format}
            return ops.max_pool(x, self.pool_size, self.strides, "same", **options)
        padded = self._pad(x, -float("inf"))
        return max_pool(padded, self.pool_size, self.strides, self.data_format)

    def _averages(self, x):
        size = self.pool_size
        return ops.average_pool(x, size, self.strides, "valid", data_format=self.data_format)


@keras.saving.register_keras_serializable(package="keras_alexnet")
class AdaptiveAveragePooling2D(keras.layers.Layer):
    """Average pooling to a fixed output size, whatever the input's: PyTorch's adaptive pooling.

    Output row i is the mean of the input rows floor(i * height / rows) to
    ceil((i + 1) * height / rows) - 1, and columns likewise.

    Args:
        output_size: Rows and columns of the output, one number for both.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, channels, height, width)`, sizes known.

    Output shape:
        The same with both sizes `output_size`.

    Reference:
        `AdaptiveAvgPool2d((6, 6))` in torchvision's alexnet.py.

    Example:

    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0, 3.0]] * 3, "float32").reshape(1, 3, 3, 1)
    >>> y = AdaptiveAveragePooling2D(2, data_format="channels_last")(x)
    >>> round(float(y[0, 0, 1, 0]), 4)  # the mean of 2 and 3
    2.5
    """

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.output_size = output_size
        self.data_format = keras.config.image_data_format() if data_format is None else data_format

    def call(self, inputs):
        """Average rows, then columns, each as a product with a small matrix of weights."""
        last = self.data_format == "channels_last"
        height, width = inputs.shape[1:3] if last else inputs.shape[2:4]
        rows = ops.convert_to_tensor(_averaging_matrix(height, self.output_size), inputs.dtype)
        columns = ops.convert_to_tensor(_averaging_matrix(width, self.output_size), inputs.dtype)
        # Two products, since PyTorch exports one of all three for a single size of the batch.
        first = "ih,nhwc->niwc" if last else "ih,nchw->nciw"
        second = "jw,niwc->nijc" if last else "jw,nciw->ncij"
        return ops.einsum(second, columns, ops.einsum(first, rows, inputs))

    def compute_output_shape(self, input_shape):
        """Return the input's shape with both sizes replaced."""
        batch, *rest = input_shape
        size = (self.output_size, self.output_size)
        return (
            (batch, *size, rest[2])
            if self.data_format == "channels_last"
            else (
                batch,
                rest[0],
                *size,
            )
        )

    def get_config(self):
        """Return the arguments as they were given, `data_format` resolved."""
        return {
            **super().get_config(),
            "output_size": self.output_size,
            "data_format": self.data_format,
        }


def _same_padding(size: int, window: int, strides: int) -> tuple[int, int]:
    """Return what `"same"` puts before and after an image of this size."""
    total = max(0, (-(-size // strides) - 1) * strides + window - size)
    return total // 2, total - total // 2


def _averaging_matrix(size: int, output_size: int) -> np.ndarray:
    """Return the (output_size, size) weights that average each output's inputs."""
    matrix = np.zeros((output_size, size), "float32")
    for index in range(output_size):
        start = index * size // output_size
        stop = -(-(index + 1) * size // output_size)
        matrix[index, start:stop] = 1 / (stop - start)
    return matrix
