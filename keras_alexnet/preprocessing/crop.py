"""Windows cut out of images: the centre, or a place drawn for each image."""

import keras

from keras_alexnet.arguments import integer
from keras_alexnet.preprocessing.base import ImageLayer, RandomImageLayer, Requirement


def window_sides(height, width) -> tuple[int, int]:
    """Return the sides of a window, which must be at least 1."""
    remedy = "The 2012 network takes windows of 224 x 224."
    return integer("height", height, 1, remedy), integer("width", width, 1, remedy)


def window_requirement(layer) -> Requirement:
    """Return the requirement that images are as large as a layer's window."""
    return Requirement(
        f"{type(layer).__name__}(height={layer.height}, width={layer.width}) needs images at least "
        "as large.",
        "Enlarge them first, such as with evaluation_preprocessor(...), or cut less.",
        layer.height,
        layer.width,
    )


def centre_window(images, height: int, width: int, ops):
    """Return the central windows; the odd pixel that is left over stays below and to the right."""
    rows, columns = ops.shape(images)[1:3]
    top, left = (rows - height) // 2, (columns - width) // 2
    return images[:, top : top + height, left : left + width, :]


@keras.saving.register_keras_serializable(package="keras_alexnet")
class CenterCrop(ImageLayer):
    """The central window of each image, `((rows - height) // 2, (columns - width) // 2)` on.

    Unlike `keras.layers.CenterCrop` it keeps the type of the images and never resizes.

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

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.height, self.width = window_sides(height, width)

    def transform(self, ops, images, training):
        """Cut the central windows."""
        return centre_window(images, self.height, self.width, ops)

    def transformed_sizes(self, height, width):
        """Return the sides of the window."""
        return self.height, self.width

    def requirement(self):
        """Return that images must be as large as the window."""
        return window_requirement(self)

    def sentence(self) -> str:
        """Say what the layer does."""
        return f"cuts the central {self.height} x {self.width}"

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable(package="keras_alexnet")
class RandomCropFlip(RandomImageLayer):
    """A random window of each image, mirrored half the time; the centre at inference.

    While training every image has its own window, each of its
    `(rows - height + 1) * (columns - width + 1)` places as likely as any other, and is mirrored
    left to right with probability 1/2, independently of the place. At inference (`predict`,
    `evaluate`, `training=False`) it is the central window, unmirrored. The output always has the
    declared size and the type of the images: uint8 in, uint8 out.

    In a worker of PyTorch's `DataLoader` the windows follow from `seed` and `torch.manual_seed`,
    and differ for each worker and epoch. In any other forked process they follow from `seed` and
    the number of the fork.

    (`keras.layers.RandomCrop` has one place for a whole batch and leaves images uncut at
    inference.)

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
        (convdata_jpeg.py) drew a place for 32 images at a time; the paper implies one for each.

    Example:

    >>> import numpy as np
    >>> photos = np.zeros((8, 256, 256, 3), "uint8")
    >>> layer = RandomCropFlip(224, 224, seed=1, data_format="channels_last")
    >>> layer(photos).shape == (8, 224, 224, 3)
    True
    """

    def __init__(self, height, width, flip=True, seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.height, self.width = window_sides(height, width)
        self.flip = flip

    def transform(self, ops, images, training):
        """Cut a window of each image, at random while training."""
        if not training:
            return centre_window(images, self.height, self.width, ops)
        batch, rows, columns, _ = ops.shape(images)

        def draw(below):
            return ops.random.randint((batch,), 0, below, dtype="int32", seed=self.stream(ops))

        tops, lefts = draw(rows - self.height + 1), draw(columns - self.width + 1)
        mirrors = draw(2) if self.flip else ops.zeros_like(tops)
        return self._fast(ops, "crop", images, tops, lefts, mirrors, self.height, self.width)

    def transformed_sizes(self, height, width):
        """Return the sides of the window."""
        return self.height, self.width

    def requirement(self):
        """Return that images must be as large as the window."""
        return window_requirement(self)

    def sentence(self) -> str:
        """Say what the layer does."""
        mirrored = ", mirrored half the time" if self.flip else ""
        return (
            f"cuts {self.height} x {self.width} out of each image, while training at random"
            f"{mirrored}, otherwise the centre"
        )

    def get_config(self):
        """Return the arguments of the constructor, with the seed in use."""
        own = {"height": self.height, "width": self.width, "flip": self.flip}
        return {**super().get_config(), **own}
