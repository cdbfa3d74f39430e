"""`CenterCrop` and `RandomCropFlip`: one window of each image."""

from typing import Any

import keras

from keras_alexnet.arguments import boolean
from keras_alexnet.operations.image import crop
from keras_alexnet.preprocessing.base import RandomImageLayer
from keras_alexnet.preprocessing.crop_boxes import CropLayer
from keras_alexnet.type_aliases import DataFormat, Tensor


@keras.saving.register_keras_serializable(package="keras_alexnet")
class CenterCrop(CropLayer):
    """Cuts out the central window of each image.

    Its top left corner is `((rows - height) // 2, (columns - width) // 2)`. Unlike
    `keras.layers.CenterCrop` the layer keeps the dtype of the images and never resizes them.

    Args:
        height: Rows of the window.
        width: Columns of the window.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.

    Raises:
        UserError: (a `ValueError`) for images smaller than the window; where TensorFlow knows
            their size at run time only, as inside `tf.data`, a `tf.errors.InvalidArgumentError`.

    Example:

    >>> import numpy as np
    >>> x = np.arange(25, dtype="uint8").reshape(1, 5, 5, 1)
    >>> y = CenterCrop(3, 3, data_format="channels_last")(x)
    >>> np.asarray(y)[0, :, :, 0].tolist()
    [[6, 7, 8], [11, 12, 13], [16, 17, 18]]
    """

    def transform(self, ops: Any, images: Tensor, training: bool) -> Tensor:
        """Return the central windows."""
        return self.central_window(images, ops)

    def sentence(self) -> str:
        """Return a description of the layer."""
        return f"cuts the central {self.height} x {self.width}"


@keras.saving.register_keras_serializable(package="keras_alexnet")
class RandomCropFlip(CropLayer, RandomImageLayer):
    """Cuts a random window out of each image and mirrors it half the time.

    In training the layer draws one of the `(rows - height + 1) * (columns - width + 1)` windows of
    each image, all with the same probability, and mirrors it left to right with probability 1/2,
    independently of the window. At inference (`predict`, `evaluate`, `training=False`) it cuts the
    central window and does not mirror. The output always has the declared size and the dtype of
    the images: uint8 in, uint8 out.

    In a worker of PyTorch's `DataLoader` the windows follow from `seed` and `torch.manual_seed`,
    and differ for each worker and epoch. In any other forked process they follow from `seed` and
    the number of the fork.

    (`keras.layers.RandomCrop` draws one window for a whole batch and does not cut at inference.)

    Args:
        height: Rows of the window.
        width: Columns of the window.
        flip: Whether to mirror.
        seed: Fixes the windows and mirrorings; `None` makes a seed, which the config keeps.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, rows, columns, channels)` or `(batch, channels, rows, columns)`, or one image
        without the batch.

    Output shape:
        The same with `height` and `width` for rows and columns.

    Raises:
        UserError: (a `ValueError`) for images smaller than the window; where TensorFlow knows
            their size at run time only, as inside `tf.data`, a `tf.errors.InvalidArgumentError`.

    Reference:
        Krizhevsky, Sutskever, Hinton, NIPS 2012, section 4.1. The authors' program
        (convdata_jpeg.py) drew one window for 32 images; the paper implies one for each.

    Example:

    >>> import numpy as np
    >>> photos = np.zeros((8, 256, 256, 3), "uint8")
    >>> layer = RandomCropFlip(224, 224, seed=1, data_format="channels_last")
    >>> layer(photos).shape == (8, 224, 224, 3)
    True
    """

    def __init__(
        self,
        height: int,
        width: int,
        flip: bool = True,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(height, width, data_format, seed=seed, **kwargs)
        self.flip = boolean("flip", flip)

    def transform(self, ops: Any, images: Tensor, training: bool) -> Tensor:
        """Return a window of each image: a random one in training, else the central one."""
        if not training:
            return self.central_window(images, ops)
        batch, rows, columns, _ = ops.shape(images)

        def draw(below):
            return ops.random.randint((batch,), 0, below, dtype="int32", seed=self.stream(ops))

        tops, lefts = draw(rows - self.height + 1), draw(columns - self.width + 1)
        mirrors = draw(2) if self.flip else ops.zeros_like(tops)
        return self._fast(crop, images, tops, lefts, mirrors, self.height, self.width)

    def sentence(self) -> str:
        """Return a description of the layer."""
        mirrored = ", mirrored half the time" if self.flip else ""
        return (
            f"cuts {self.height} x {self.width} out of each image, while training at random"
            f"{mirrored}, otherwise the centre"
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, with the seed in use."""
        return {**super().get_config(), "flip": self.flip}
