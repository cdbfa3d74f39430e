"""The base of layers that cut several windows out of each image."""

from keras_alexnet.preprocessing.base import ImageLayer
from keras_alexnet.preprocessing.crop import window_requirement, window_sides


class Windows(ImageLayer):
    """Windows of one size at fixed places of each image, and then, for some, their mirror images.

    Args:
        height: Rows of the windows.
        width: Columns of the windows.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.
    """

    mirrors = False

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.height, self.width = window_sides(height, width)

    def places(self, bottom, right):
        """Return the first row and column of each window; the last are at `bottom`, `right`."""
        raise NotImplementedError

    def transform(self, ops, images, training):
        """Cut the windows, and mirror them all where the layer does."""
        rows, columns = ops.shape(images)[1:3]
        crops = [
            images[:, top : top + self.height, left : left + self.width, :]
            for top, left in self.places(rows - self.height, columns - self.width)
        ]
        windows = ops.stack(crops, axis=1)
        if self.mirrors:
            windows = ops.concatenate([windows, ops.flip(windows, axis=3)], axis=1)
        return windows

    def transformed_sizes(self, height, width):
        """Return the sides of a window."""
        return self.height, self.width

    def requirement(self):
        """Return that images must be as large as the windows."""
        return window_requirement(self)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "height": self.height, "width": self.width}
