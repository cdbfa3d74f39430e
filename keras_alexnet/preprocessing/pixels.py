"""`PixelNormalization`: from pixels of 0 to 255 to the values that a network takes."""

from typing import Any

import keras
import numpy as np

from keras_alexnet.arguments import choice, converted
from keras_alexnet.cards.texts import ORDERS
from keras_alexnet.errors import UserError
from keras_alexnet.operations.image import affine
from keras_alexnet.preprocessing.base import (
    ImageLayer,
    Requirement,
    image_batches,
    known_shape,
    no_images,
)
from keras_alexnet.type_aliases import ChannelOrder, DataFormat, Tensor


@keras.saving.register_keras_serializable(package="keras_alexnet")
class PixelNormalization(ImageLayer):
    """Scales RGB images, subtracts a mean, divides by a deviation and orders the channels.

    y = (x * scale - mean) / std, channel by channel or pixel by pixel, then in the given order.

    Args:
        mean: The subtrahend: a number for each channel, in the order RGB, or a mean image
            `(height, width, channels)`, RGB. Of a mean image larger than the images the layer takes
            the centre, as the 2012 program does.
        std: The divisor: one number, or one for each channel, in the order RGB.
        scale: Factor on the pixels, such as 1 / 255.
        order: `"rgb"`, or `"bgr"` to reverse the channels at the end, as Caffe's networks want.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.

    Input shape:
        RGB images of 0 to 255, `(batch, height, width, channels)` or
        `(batch, channels, height, width)`, or one image without the batch.

    Output shape:
        The same, in the compute dtype of the layer.

    Raises:
        UserError: (a `ValueError`) if the mean does not fit the images.

    Example:

    >>> import numpy as np
    >>> layer = PixelNormalization((1.0, 2.0, 3.0), order="bgr", data_format="channels_last")
    >>> np.asarray(layer(np.full((1, 1, 3), 10, "uint8"))).tolist()
    [[[7.0, 8.0, 9.0]]]
    """

    makes_floats = True

    def __init__(
        self,
        mean: Tensor = 0.0,
        std: Tensor = 1.0,
        scale: float = 1.0,
        order: ChannelOrder = "rgb",
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format, **kwargs)
        choice("order", order, ORDERS, "Give 'bgr' for Caffe's networks, else 'rgb'.")
        self.mean, self.std = _floats("mean", mean), _floats("std", std)
        self.scale = float(scale)
        self.order = order
        wrong = self.mean.ndim not in (0, 1, 3) or self.std.ndim > 1 or not (self.std > 0).all()
        if wrong or len(self._channels()) > 1:
            raise UserError(
                f"Received a mean of shape {self.mean.shape} and std={std!r}.",
                "`mean` must be a number, one for each channel, or an image "
                "(height, width, channels); `std` must be a positive number, or one for each "
                "channel.",
                "Leave them out to keep the values as they are.",
            )

    def adapt(self, data: Tensor) -> None:
        """Compute the mean image of your images, pixel by pixel, and subtract it from now on.

        Args:
            data: Images of equal size, 0 to 255, in the layer's data format: an array, or an
                iterable of batches such as a `tf.data.Dataset` (its first element, if it gives
                labels too).
        """
        count, total = 0, 0.0
        for pixels in image_batches(data):
            count += len(pixels)
            total = total + pixels.sum(axis=0)
        if not count:
            raise no_images("`data` must hold at least one image.")
        mean = np.asarray(total / count * self.scale, "float32")
        self.mean = np.moveaxis(mean, 0, -1) if self.data_format == "channels_first" else mean

    def transform(self, ops: Any, images: Tensor, training: bool) -> Tensor:
        """Return the normalized images, their channels in order."""
        gain, shift = map(ops.convert_to_tensor, self.gain_and_shift(*known_shape(images)[1:3]))
        images = self._fast(affine, images, gain, shift, self.compute_dtype)
        return ops.flip(images, axis=-1) if self.order == "bgr" else images

    def gain_and_shift(self, height, width) -> tuple[np.ndarray, np.ndarray]:
        """Return a and b of the layer's `y = a * x + b` for images of a size, channels last."""
        mean = self.mean
        if mean.ndim == 3:
            top, left = (mean.shape[0] - height) // 2, (mean.shape[1] - width) // 2
            mean = mean[top : top + height, left : left + width]
        gain, shift = self.scale / self.std, -mean / self.std
        return np.asarray(gain, "float32"), np.asarray(shift, "float32")

    def requirement(self) -> Requirement:
        """Return that images must have as many channels as mean and deviation."""
        return Requirement(
            f"The images must fit a mean of shape {self.mean.shape} and a `std` of shape "
            f"{self.std.shape}: as many channels, and no more rows and columns than a mean image.",
            f"Resize the images, or change the mean or the data format {self.data_format!r}.",
            channels=max(self._channels(), default=None),
        )

    def _channels(self) -> set[int]:
        """Return the numbers of channels that `mean` and `std` fix, none if they fit any number."""
        return {array.shape[-1] for array in (self.mean, self.std) if array.ndim} - {1}

    def _check(self, shape):
        need = self.requirement()
        fits = need.channels is None or shape[-1] in (None, need.channels)
        if self.mean.ndim == 3:
            sizes = zip(shape[1:3], self.mean.shape[:2], strict=True)
            fits = fits and all(size is not None and size <= most for size, most in sizes)
        if not fits:
            shape = tuple(shape[1:])
            raise UserError(f"Received images of shape {shape}.", need.expected, need.remedy)

    def sentence(self) -> str:
        """Return a description of the layer."""
        parts = [] if self.scale == 1 else [f"multiplies by {self.scale:.6g}"]
        if self.mean.ndim == 3:
            height, width = self.mean.shape[:2]
            parts.append(f"subtracts a mean image of {height} x {width}")
        elif self.mean.any():
            parts.append(f"subtracts {_listed(self.mean)}")
        if (self.std != 1).any():
            parts.append(f"divides by {_listed(self.std)}")
        if self.order == "bgr":
            parts.append("reverses the channels to BGR")
        return ", ".join(parts) or "leaves the values as they are"

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, the mean as nested lists."""
        return {
            **super().get_config(),
            "mean": self.mean.tolist(),
            "std": self.std.tolist(),
            "scale": self.scale,
            "order": self.order,
        }


def _floats(name: str, value) -> np.ndarray:
    remedy = "Give one number, or one for each channel."
    return converted(name, value, lambda x: np.asarray(x, "float32"), "made of numbers", remedy)


def _listed(values) -> str:
    if values.ndim == 0:
        return f"{values:.6g}"
    numbers = [f"{value:.6g}" for value in values]
    names = ("R", "G", "B") if len(numbers) == 3 else [""] * len(numbers)
    return " ".join(f"{name} {number}".strip() for name, number in zip(names, numbers, strict=True))
