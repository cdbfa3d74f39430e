"""`SquareResize`: images resized to a square, as each family of networks does it."""

from typing import Any

import keras

from keras_alexnet.arguments import choice, integer
from keras_alexnet.operations.image import resize
from keras_alexnet.preprocessing.base import ImageLayer, known_shape
from keras_alexnet.type_aliases import DataFormat, Resizing, Tensor

ANTIALIASED = {"shorter_side": True, "warp": False}  # by method


@keras.saving.register_keras_serializable(package="keras_alexnet")
class SquareResize(ImageLayer):
    """Resizes images to a square, bilinearly.

    `"shorter_side"` brings the shorter side to `size`, the longer one to
    `size * longer // shorter`, and cuts the central square, as the 2012 program and torchvision
    do; it rounds half a pixel to the even offset, as torchvision does. It has antialiasing, as
    Pillow has. `"warp"` brings both sides to `size` and ignores the ratio, without antialiasing, as
    OpenCV does for Caffe: it computes each new pixel of a large photo from four pixels and skips
    the others. Images of the right size stay as they are.

    Args:
        size: Height and width of the result.
        method: `"shorter_side"` or `"warp"`.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, channels, height, width)`, or one image
        without the batch. Inside `tf.data` height and width may be unknown.

    Output shape:
        The same with `size` for height and width, and the dtype of the images: uint8 values are
        rounded.

    Example:

    >>> import numpy as np
    >>> photo = np.zeros((1, 375, 500, 3), "uint8")
    >>> SquareResize(256, data_format="channels_last")(photo).shape == (1, 256, 256, 3)
    True
    """

    def __init__(
        self,
        size: int,
        method: Resizing = "shorter_side",
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format, **kwargs)
        remedy = "Give 'shorter_side' to keep the ratio of the sides, 'warp' for Caffe's networks."
        choice("method", method, ANTIALIASED, remedy)
        self.size = integer("size", size, 1, "The 2012 network cuts its windows out of 256 x 256.")
        self.method = method

    def transform(self, ops: Any, images: Tensor, training: bool) -> Tensor:
        """Return the central square of the resized images, integers rounded."""
        rows, columns = known_shape(images)[1:3]
        if rows is None or columns is None:
            rows, columns = ops.shape(images)[1:3]
        size = self._sides(rows, columns)
        if not isinstance(rows + columns, int) or size != (rows, columns):
            dtype = images.dtype
            whole = "int" in keras.backend.standardize_dtype(dtype)
            images = ops.cast(images, "float32") if whole else images
            images = _resized(images, size, ANTIALIASED[self.method])
            images = ops.cast(ops.round(images) if whole else images, dtype)
        if self.method == "warp":
            return images
        top, left = (_half(side - self.size) for side in size)
        return images[:, top : top + self.size, left : left + self.size, :]

    def _sides(self, rows, columns):
        if self.method == "warp":
            return self.size, self.size
        if isinstance(rows + columns, int):
            shorter = min(rows, columns)
        else:
            import tensorflow as tf  # sizes are unknown inside tf.data only

            shorter = tf.minimum(rows, columns)
        return self.size * rows // shorter, self.size * columns // shorter

    def transformed_sizes(self, height, width):
        """Return the size of the square."""
        return self.size, self.size

    def sentence(self) -> str:
        """Return a description of the layer."""
        if self.method == "warp":
            square = f"{self.size} x {self.size}"
            return f"resizes images to {square} whatever their ratio, without antialiasing"
        return f"resizes the shorter side to {self.size} and keeps the central square"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "size": self.size, "method": self.method}


def _resized(images, size, antialias):
    """Resize bilinearly, as Pillow and OpenCV do within the rounding of their integers."""
    if None not in images.shape[1:3]:
        rows, columns = size
        return resize(images, rows, columns, antialias)
    import tensorflow as tf

    return tf.image.resize(images, size, antialias=antialias)


def _half(difference):
    """Return half of an integer, rounded to the even neighbour."""
    return difference // 2 + difference % 4 // 3
