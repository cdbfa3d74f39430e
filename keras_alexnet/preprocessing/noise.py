"""`PCAColorNoise`: colour noise along the principal axes of the pixels."""

from typing import Any

import keras
import numpy as np

from keras_alexnet.arguments import choice, converted
from keras_alexnet.errors import UserError
from keras_alexnet.operations.image import affine
from keras_alexnet.preprocessing.base import (
    RandomImageLayer,
    Requirement,
    image_batches,
    no_images,
)
from keras_alexnet.type_aliases import DataFormat, NoiseDialect, Tensor

# Columns: the principal axes of the RGB pixels of ImageNet's training images, and the standard
# deviations of the pixels along them, 0 to 255 (cuda-convnet2, make-data/input_meta).
SOURCE_AXES = (
    (0.4179551317, -0.7125794529, -0.5635104535),
    (-0.8169806184, -0.0235416713, -0.5761843966),
    (0.3973111842, 0.7011963442, -0.5920029644),
)
SOURCE_DEVIATIONS = (19.7208330491, 37.093888533, 121.7800609929)

# The dialect of fb.resnet.torch, MXNet and many after them. Its eigenvalues are variances of
# pixels of 0 to 1, but are multiplied with the noise as if they were deviations.
LIGHTING_AXES = (
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)
LIGHTING_VALUES = tuple(255 * value for value in (0.2175, 0.0188, 0.0045))

DIALECTS = {
    "source2012": (SOURCE_AXES, SOURCE_DEVIATIONS, True),
    "lighting": (LIGHTING_AXES, LIGHTING_VALUES, False),
}


@keras.saving.register_keras_serializable(package="keras_alexnet")
class PCAColorNoise(RandomImageLayer):
    """Adds noise along the principal colour axes, one draw for each image, in training only.

    With z drawn from N(0, 1) for each of the three axes of an image:

        y = (x + std * axes @ (deviations * z)) / (1 + std)    dialect "source2012"
        y =  x + std * axes @ (deviations * z)                 dialect "lighting"

    The authors' program does "source2012", to pixels of 0 to 255 with their mean subtracted. (The
    paper multiplies with the eigenvalues of the covariance, which are the squares of these
    deviations: on 0 to 255 that would be noise of 1,483 grey levels.) "lighting", known from
    fb.resnet.torch, is 2 to 17 times weaker and does not divide.

    In a worker of PyTorch's `DataLoader` the noise follows from `seed` and `torch.manual_seed`, and
    differs for each worker and epoch. In any other forked process it follows from `seed` and the
    number of the fork.

    Args:
        std: Strength of the noise, a share of the deviations; 0.1 in the paper. 0 does nothing.
        dialect: `"source2012"` or `"lighting"`, with ImageNet's constants; `adapt` computes them
            from your images.
        value_range: Distance from black to white in the images: 255, or 1.
        seed: Fixes the noise; `None` makes a seed, which the config keeps.
        axes: 3 x 3 matrix with the axes as columns, instead of the dialect's.
        deviations: The three deviations, on 0 to 255, instead of the dialect's.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.

    Input shape:
        RGB images, `(batch, height, width, 3)` or `(batch, 3, height, width)`, or one image
        without the batch; mean-subtracted for "source2012", whose division shrinks them.

    Output shape:
        The same, in the compute dtype of the layer.

    Raises:
        UserError: (a `ValueError`) for a wrong strength, dialect or matrix, and for images whose
            channels are not 3.

    Reference:
        Krizhevsky, Sutskever, Hinton, NIPS 2012, section 4.1; `color_noise` of the authors'
        convdata_jpeg.py.

    Example:

    >>> import numpy as np
    >>> x = np.zeros((2, 4, 4, 3), "float32")
    >>> layer = PCAColorNoise(seed=1, data_format="channels_last")
    >>> y = np.asarray(layer(x, training=True))
    >>> bool((y == y[:, :1, :1]).all()), bool((y[0] != y[1]).any())
    (True, True)
    """

    makes_floats = True

    def __init__(
        self,
        std: float = 0.1,
        dialect: NoiseDialect = "source2012",
        value_range: float = 255,
        seed: int | None = None,
        axes: Tensor | None = None,
        deviations: Tensor | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed, data_format, **kwargs)
        remedy = "Give 'source2012' for the 2012 program's noise, 'lighting' for the weaker one."
        choice("dialect", dialect, DIALECTS, remedy)
        self.std = _positive("std", std, zero=True)
        self.value_range = _positive("value_range", value_range)
        self.dialect = dialect
        own_axes, own_deviations, self.divides = DIALECTS[dialect]
        self.axes = _array("axes", own_axes if axes is None else axes, (3, 3))
        self.deviations = _array(
            "deviations", own_deviations if deviations is None else deviations, (3,)
        )

    def adapt(self, data: Tensor) -> None:
        """Compute axes and deviations from the pixels of your images.

        Args:
            data: Images of the layer's data format and value range: an array, or an iterable of
                batches such as a `tf.data.Dataset` (its first element, if it gives labels too).
                Some hundred images are enough.

        The covariance is that of all pixels, computed batch by batch in float64.
        """
        count, total, products = 0, np.zeros(3), np.zeros((3, 3))
        for pixels in image_batches(data):
            if self.data_format == "channels_first":
                pixels = np.moveaxis(pixels, -3, -1)
            self._check(pixels.shape)
            pixels = pixels.reshape(-1, 3) * (255 / self.value_range)
            count += len(pixels)
            total += pixels.sum(axis=0)
            products += pixels.T @ pixels
        if count < 2:
            raise no_images("`data` must hold at least one image of two pixels.")
        mean = total / count
        variances, self.axes = np.linalg.eigh(products / count - np.outer(mean, mean))
        self.deviations = np.sqrt(np.maximum(variances, 0))

    def transform(self, ops: Any, images: Tensor, training: bool) -> Tensor:
        """Return the images with noise, the same for all pixels of an image."""
        if not training or not self.std:
            return ops.cast(images, self.compute_dtype)
        z = ops.random.normal((ops.shape(images)[0], 3), dtype="float32", seed=self.stream(ops))
        scale = 1 / (1 + self.std) if self.divides else 1.0
        strength = self.std * self.value_range / 255 * scale
        mixing = ops.convert_to_tensor(
            (strength * self.deviations[:, None] * self.axes.T), "float32"
        )
        shift = ops.matmul(z, mixing)[:, None, None, :]
        scale = ops.convert_to_tensor(np.float32(scale))
        return self._fast(affine, images, scale, shift, self.compute_dtype)

    def requirement(self) -> Requirement | None:
        """Return that images must have three channels."""
        return Requirement(
            "PCAColorNoise needs images with the three channels of RGB.",
            f"Convert gray images to RGB, and check the data format {self.data_format!r}.",
            channels=3,
        )

    def sentence(self) -> str:
        """Return a description of the layer."""
        if not self.std:
            return "adds no colour noise"
        strongest = self.std * max(self.deviations) * self.value_range / 255
        divided = f" and divides by {1 + self.std:g}" if self.divides else ""
        return (
            f"while training adds colour noise of up to {strongest:.3g} standard deviation along "
            f"the principal axes, one draw for each image{divided}"
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, with the seed, axes and deviations in use."""
        return {
            **super().get_config(),
            "std": self.std,
            "dialect": self.dialect,
            "value_range": self.value_range,
            "axes": self.axes.tolist(),
            "deviations": self.deviations.tolist(),
        }


def _positive(name: str, value, zero: bool = False) -> float:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if number and np.isfinite(value) and (value > 0 or (zero and value == 0)):
        return float(value)
    raise UserError(
        f"Received {name}={value!r}.",
        f"`{name}` must be a finite number {'of at least' if zero else 'above'} 0.",
        "Give std=0.1 as the paper has it, and value_range=255 or 1.",
    )


def _array(name: str, value, shape) -> np.ndarray:
    remedy = "Leave it out for ImageNet's values, or call adapt(images)."
    array = converted(
        name, value, lambda value: np.asarray(value, "float64"), f"numbers of shape {shape}", remedy
    )
    if array.shape != shape or not np.isfinite(array).all():
        raise UserError(
            f"Received {name} of shape {array.shape}.",
            f"`{name}` must hold finite numbers and have the shape {shape}.",
            remedy,
        )
    return array
