"""`TenCrop`: the ten crops of the paper's test."""

from collections.abc import Sequence

import keras

from keras_alexnet.preprocessing.crop_boxes import MultiCrop


@keras.saving.register_keras_serializable(package="keras_alexnet")
class TenCrop(MultiCrop):
    """Cuts ten windows out of each image: four corners and the centre, and their mirror images.

    The order is that of the authors' program: top left, top right, centre, bottom left, bottom
    right, then the same five mirrored left to right.

    Args:
        height: Rows of the windows.
        width: Columns of the windows.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, rows, columns, channels)` or `(batch, channels, rows, columns)`, or one image
        without the batch.

    Output shape:
        `(batch, 10, height, width, channels)` or `(batch, 10, channels, height, width)`, of the
        same dtype.

    Raises:
        UserError: (a `ValueError`) for images smaller than the windows; where TensorFlow knows
            their size at run time only, as inside `tf.data`, a `tf.errors.InvalidArgumentError`.

    Reference:
        Krizhevsky, Sutskever, Hinton, NIPS 2012, section 4.1; the order from convdata_jpeg.py.

    Example:

    >>> import numpy as np
    >>> TenCrop(224, 224, data_format="channels_last")(np.zeros((2, 256, 256, 3))).shape[1]
    10
    """

    views = (10,)
    mirrors = True

    def corners(self, bottom: int, right: int) -> Sequence[tuple[int, int]]:
        """Return the top left corners of the five windows that are not mirrored."""
        return (0, 0), (0, right), (bottom // 2, right // 2), (bottom, 0), (bottom, right)

    def sentence(self) -> str:
        """Return a description of the layer."""
        return f"cuts ten windows of {self.height} x {self.width}: corners, centre, mirrored"
