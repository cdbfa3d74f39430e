"""The bases of the layers that cut windows of one size out of images."""

from collections.abc import Sequence
from typing import Any

from keras_alexnet.arguments import integer
from keras_alexnet.preprocessing.base import ImageLayer, Requirement
from keras_alexnet.type_aliases import DataFormat, Tensor


class CropLayer(ImageLayer):
    """A layer whose output has the size of its windows.

    Args:
        height: Rows of a window.
        width: Columns of a window.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of the layer's other bases.
    """

    def __init__(
        self, height: int, width: int, data_format: DataFormat | None = None, **kwargs: Any
    ):
        super().__init__(data_format=data_format, **kwargs)
        remedy = "The 2012 network takes windows of 224 x 224."
        self.height = integer("height", height, 1, remedy)
        self.width = integer("width", width, 1, remedy)

    def windows(self, images, corners):
        """Return the windows with these top left corners, as a list."""
        return [
            images[:, top : top + self.height, left : left + self.width, :] for top, left in corners
        ]

    def central_window(self, images, ops):
        """Return the central window; an odd pixel stays below it or to its right."""
        rows, columns = ops.shape(images)[1:3]
        corner = ((rows - self.height) // 2, (columns - self.width) // 2)
        return self.windows(images, [corner])[0]

    def transformed_sizes(self, height, width):
        """Return the size of a window."""
        return self.height, self.width

    def requirement(self) -> Requirement | None:
        """Return that images must be at least as large as a window."""
        return Requirement(
            f"{type(self).__name__}(height={self.height}, width={self.width}) needs images at "
            "least as large.",
            "Enlarge the images first, such as with evaluation_preprocessor(...), or cut a smaller "
            "window.",
            self.height,
            self.width,
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "height": self.height, "width": self.width}


class MultiCrop(CropLayer):
    """A layer that cuts several windows out of each image, and may add their mirror images."""

    mirrors = False

    def corners(self, bottom: int, right: int) -> Sequence[tuple[int, int]]:
        """Return the top left corners (row, column) of the windows.

        Args:
            bottom: The corner's row for a window at the bottom of the image.
            right: The corner's column for a window at the right of the image.
        """
        raise NotImplementedError

    def transform(self, ops: Any, images: Tensor, training: bool) -> Tensor:
        """Return the windows along a new axis, followed by the mirrored ones if there are any."""
        rows, columns = ops.shape(images)[1:3]
        corners = self.corners(rows - self.height, columns - self.width)
        windows = ops.stack(self.windows(images, corners), axis=1)
        if self.mirrors:
            windows = ops.concatenate([windows, ops.flip(windows, axis=3)], axis=1)
        return windows
