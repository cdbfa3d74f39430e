"""Pooling rules of Caffe, cuda-convnet and PyTorch that Keras lacks."""

from typing import Any

import keras

from keras_alexnet.arguments import choice, integer
from keras_alexnet.layers.data_formats import known_data_format
from keras_alexnet.operations.dense import before_dense
from keras_alexnet.operations.pooling import (
    adaptive_average_pool,
    ceil_average_pool,
    ceil_max_pool,
    max_pool,
)
from keras_alexnet.type_aliases import DataFormat, Reduction, Shape, Tensor

REDUCTIONS = {"max": ceil_max_pool, "average": ceil_average_pool}


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

    def call(self, inputs: Tensor) -> Tensor:
        """Pool; other paddings, or windows and steps that are not square, as Keras does."""
        square = len({*self.pool_size}) == len({*self.strides}) == 1
        if self.padding != "valid" or not square:
            return super().call(inputs)
        y = max_pool(inputs, self.pool_size[0], self.strides[0], self.data_format)
        return before_dense(y)  # if it is small: maps that are flattened are


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

    def __init__(
        self,
        pool_size: int = 3,
        strides: int = 2,
        reduction: Reduction = "max",
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        # Keras takes "max" and "average" in an .h5 file for the names of its operations.
        reduction = getattr(reduction, "__name__", reduction)
        choice("reduction", reduction, REDUCTIONS, "Leave it out for the largest value.")
        self.pool_size = integer("pool_size", pool_size, 1, "Three is usual.")
        self.strides = integer("strides", strides, 1, "Two is usual.")
        self.reduction = reduction
        self.data_format = known_data_format(data_format)

    def call(self, inputs: Tensor) -> Tensor:
        """Pool over the input, padded at its lower and right end by what strides may skip."""
        return REDUCTIONS[self.reduction](inputs, self.pool_size, self.strides, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return the input's shape with both sizes pooled, unknown ones left unknown."""
        shape = list(input_shape)
        for axis in (1, 2) if self.data_format == "channels_last" else (2, 3):
            size = shape[axis]
            if size is not None:
                shape[axis] = -(-(size - self.pool_size) // self.strides) + 1
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as they were given, `data_format` resolved."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "reduction": self.reduction,
            "data_format": self.data_format,
        }


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

    def __init__(self, output_size: int, data_format: DataFormat | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.output_size = integer("output_size", output_size, 1, "Six is usual.")
        self.data_format = known_data_format(data_format)

    def call(self, inputs: Tensor) -> Tensor:
        """Average the rows and columns of each output."""
        return adaptive_average_pool(inputs, self.output_size, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
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

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as they were given, `data_format` resolved."""
        return {
            **super().get_config(),
            "output_size": self.output_size,
            "data_format": self.data_format,
        }
