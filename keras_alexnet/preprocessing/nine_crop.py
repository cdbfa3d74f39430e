"""`NineCrop`: the nine windows of cuda-convnet's test."""

from collections.abc import Sequence

import keras

from keras_alexnet.preprocessing.crop_boxes import MultiCrop


@keras.saving.register_keras_serializable(package="keras_alexnet")
class NineCrop(MultiCrop):
    """Cuts nine windows out of each image, in a grid of three by three: corners, edges, centre.

    The order is by rows, from the top left. There are no mirror images. cuda-convnet measured its
    CIFAR-10 networks of 11 and 13 % test error with windows of 24 x 24 out of images of 32 x 32.

    Args:
        height: Rows of the windows.
        width: Columns of the windows.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, rows, columns, channels)` or `(batch, channels, rows, columns)`, or one image
        without the batch.

    Output shape:
        `(batch, 9, height, width, channels)` or `(batch, 9, channels, height, width)`, of the
        same dtype.

    Raises:
        UserError: (a `ValueError`) for images smaller than the windows; where TensorFlow knows
            their size at run time only, as inside `tf.data`, a `tf.errors.InvalidArgumentError`.

    Reference:
        `CroppedCIFARDataProvider` with `multiview_test` in cuda-convnet's convdata.py.

    Example:

    >>> import numpy as np
    >>> NineCrop(24, 24, data_format="channels_last")(np.zeros((2, 32, 32, 3))).shape[1]
    9
    """

    views = (9,)

    def corners(self, bottom: int, right: int) -> Sequence[tuple[int, int]]:
        """Return the top left corners, row by row."""
        return [(top, left) for top in (0, bottom // 2, bottom) for left in (0, right // 2, right)]

    def sentence(self) -> str:
        """Return a description of the layer."""
        return f"cuts nine windows of {self.height} x {self.width}, in a grid of three by three"
