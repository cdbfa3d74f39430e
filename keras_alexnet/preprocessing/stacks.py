"""The preprocessing of each network, built from the constants of its variant or checkpoint."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from keras_alexnet.arguments import optional_integer
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.errors import UserError, warn
from keras_alexnet.names import did_you_mean
from keras_alexnet.preprocessing.crop import CenterCrop, RandomCropFlip
from keras_alexnet.preprocessing.noise import PCAColorNoise
from keras_alexnet.preprocessing.pixels import PixelNormalization
from keras_alexnet.preprocessing.resize import SquareResize
from keras_alexnet.published.lookup import known_checkpoint, list_checkpoints
from keras_alexnet.published.records import Checkpoint
from keras_alexnet.type_aliases import CheckpointName, DataFormat, Tensor, VariantName
from keras_alexnet.variants import Variant, get_variant, known_variant, list_variants


@keras.saving.register_keras_serializable(package="keras_alexnet")
class Preprocessor(keras.layers.Pipeline):
    """Image layers in a row, which `print` describes in a sentence.

    As a `keras.layers.Pipeline` it works on arrays, in a model and inside `tf.data` on every
    backend. In a functional model the layers stand side by side, not inside one layer, so that
    `get_layer` finds each of them.

    Args:
        layers: The layers, each with a `sentence()`.
        name: Name of the pipeline.

    Example:

    >>> import textwrap
    >>> print(textwrap.fill(str(evaluation_preprocessor("owt")), 80))
    Takes RGB images of 0 to 255: resizes the shorter side to 256 and keeps the
    central square; cuts the central 224 x 224; multiplies by 0.00392157, subtracts
    R 0.485 G 0.456 B 0.406, divides by R 0.229 G 0.224 B 0.225.
    """

    def __call__(self, images, **kwargs):
        """Apply the layers; each one is a layer of the model where a Keras tensor comes in."""
        if not keras.utils.is_keras_tensor(images):
            return super().__call__(images, **kwargs)
        for layer in self.layers:
            images = layer(images, **kwargs)
        return images

    def sentence(self) -> str:
        """Return a description of the layers, in order."""
        return f"Takes RGB images of 0 to 255: {'; '.join(x.sentence() for x in self.layers)}."

    def __str__(self) -> str:
        """Return the sentence."""
        return self.sentence()


def training_preprocessor(
    variant: VariantName | CheckpointName | Variant | Checkpoint | ModelCard = "paper",
    *,
    image_size: int | None = None,
    mean: Tensor | None = None,
    color_noise: float | None = None,
    seed: int | None = None,
    data_format: DataFormat | None = None,
) -> Preprocessor:
    """Return the layers that turn images into a variant's training input.

    At inference they do the same as those of `evaluation_preprocessor`: they cut the centre instead
    of a random window, do not mirror and add no noise.

    Args:
        variant: Name of a variant or of a published checkpoint, or the record of one; or the
            model card of a network, as `get_model_card` returns it.
        image_size: Side of the windows; by default the variant's own input size. The images are
            resized in proportion: to 256 for windows of 224.
        mean: Instead of the published mean: three numbers in the order RGB, or a mean image
            `(height, width, 3)`, on the scale on which the variant subtracts it.
        color_noise: Strength of the colour noise; by default the variant's own, 0.1 for those of
            2012 and 0 for the others.
        seed: Fixes windows, mirroring and noise.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.

    Returns:
        A `Preprocessor`; `print` shows its description.

    Raises:
        UserError: (a `ValueError`) for an unknown variant or a wrong argument.

    Reference:
        `get_variant(variant).pixels.source`.

    Example:

    >>> import numpy as np
    >>> layers = training_preprocessor("paper", seed=1, data_format="channels_last")
    >>> layers(np.zeros((2, 300, 400, 3), "uint8"), training=True).shape == (2, 224, 224, 3)
    True
    """
    return _stack(variant, True, image_size, mean, color_noise, seed, data_format)


def evaluation_preprocessor(
    variant: VariantName | CheckpointName | Variant | Checkpoint | ModelCard = "paper",
    *,
    image_size: int | None = None,
    mean: Tensor | None = None,
    data_format: DataFormat | None = None,
) -> Preprocessor:
    """Return the layers that turn images into a network's input for evaluation: one centre crop.

    For a published checkpoint they match its authors' program, each pixel within a grey level:
    torchvision's `Resize(256)`, `CenterCrop(224)` and `Normalize` for `owt_torchvision`, Caffe's
    `convert_imageset`, crop and mean for `bvlc_caffe`.

    Args:
        variant: Name of a variant or of a published checkpoint, or the record of one; or the
            model card of a network, as `get_model_card` returns it.
        image_size: Side of the crop; by default the variant's own input size.
        mean: As `training_preprocessor` takes it.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.

    Returns:
        A `Preprocessor`; `print` shows its description.

    Raises:
        UserError: (a `ValueError`) for an unknown name or a wrong argument.

    Example:

    >>> import numpy as np
    >>> layers = evaluation_preprocessor("bvlc_caffe", data_format="channels_last")
    >>> layers(np.zeros((300, 400, 3), "uint8")).shape == (227, 227, 3)
    True
    """
    return _stack(variant, False, image_size, mean, 0.0, None, data_format)


def _stack(variant, random, image_size, mean, color_noise, seed, data_format) -> Preprocessor:
    record = _record(variant)
    pixels = record.pixels
    seed = optional_integer("seed", seed, 0, "Leave it out for a new one.")
    size = optional_integer("image_size", image_size, 1, "Leave it out for the variant's own.")
    size = size or record.input_size
    crops = pixels.base != record.input_size
    base = round(size * pixels.base / record.input_size)
    layers = [SquareResize(base, pixels.resizing, data_format)]
    if crops and random:
        layers.append(RandomCropFlip(size, size, pixels.mirrors, seed, data_format))
    elif crops:
        layers.append(CenterCrop(size, size, data_format))
    layers.append(normalization(record, mean, data_format))
    strength = pixels.color_noise if color_noise is None else color_noise
    if random and strength:
        noise = PCAColorNoise(
            strength,
            pixels.noise_dialect,
            seed=None if seed is None else seed + 1,
            data_format=data_format,
        )
        # The dialect of 2012 divides, so it comes after the mean. The other one adds to RGB of 0
        # to 255, so it comes before the scaling and the reversal of the channels.
        layers.insert(len(layers) if noise.divides else -1, noise)
    return Preprocessor(layers)


def _record(name) -> Variant:
    """Return a variant's record; a checkpoint or a card replaces its `pixels`."""
    if isinstance(name, Variant):
        return name
    if isinstance(name, ModelCard):
        return name.record()
    variant = known_variant(name)
    if variant is not None:
        return get_variant(variant)
    checkpoint = name if isinstance(name, Checkpoint) else known_checkpoint(name)
    if checkpoint is not None:
        return dataclasses.replace(get_variant(checkpoint.variant), pixels=checkpoint.pixels)
    names = [*list_variants(), *list_checkpoints()]
    raise UserError(
        f"Received variant={name!r}, which is neither a variant nor a published checkpoint.",
        f"The names are: {', '.join(names)}.",
        did_you_mean(name, names) or "Choose one of them.",
    )


def shape_made(stack: Preprocessor, data_format: DataFormat) -> tuple[int | None, ...]:
    """Return the shape of what the layers make of RGB images of any size, without the batch.

    Example:

    >>> stack = evaluation_preprocessor("owt", data_format="channels_last")
    >>> shape_made(stack, "channels_last")
    (224, 224, 3)
    """
    first = data_format == "channels_first"
    shape = (None, 3, None, None) if first else (None, None, None, 3)
    for layer in stack.layers:
        shape = layer.compute_output_shape(shape)
    return tuple(shape[1:])


def normalization(record: Variant, mean=None, data_format=None) -> PixelNormalization:
    """Return the layer that turns pixels of 0 to 255 into the values that a variant takes."""
    pixels = record.pixels
    mean = pixels.mean if mean is None else mean
    return PixelNormalization(mean, pixels.std, pixels.scale, pixels.order, data_format)


def preprocess_input(
    x: Tensor,
    variant: VariantName | CheckpointName | Variant | Checkpoint | ModelCard = "paper",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Give RGB pixels of 0 to 255 the range, mean and channel order that a variant takes.

    As in `keras.applications`, images keep their size; `evaluation_preprocessor` resizes them too.

    Args:
        x: Images `(..., height, width, 3)` or `(..., 3, height, width)`, 0 to 255, integers or
            floats: an array, or a tensor of the backend. It is not changed.
        variant: Name of a variant or of a published checkpoint.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.

    Returns:
        The images as floats, an array for an array and a tensor for a tensor.

    Warns:
        UserWarning: If an array of floats lies within 0 and 1 or has negative values, as images
            that are already scaled do.

    Example:

    >>> import numpy as np
    >>> gray = np.full((1, 1, 3), 128, "uint8")
    >>> preprocess_input(gray, "bvlc").round().tolist()  # blue first
    [[[24.0, 11.0, 5.0]]]
    """
    layer = normalization(_record(variant), data_format=data_format)
    if not hasattr(x, "shape"):
        raise UserError(
            f"Received x={x!r}.",
            "`x` must be images: an array or a tensor of shape (..., height, width, 3).",
            "Decode the file first: keras.utils.img_to_array(keras.utils.load_img(path)).",
        )
    if not isinstance(x, np.ndarray):
        return layer(x)
    if np.issubdtype(x.dtype, np.floating) and x.size:
        low, high = float(x.min()), float(x.max())
        if low < 0 or 0 < high <= 1:
            warn(
                f"Received pixels from {low:.3g} to {high:.3g}, which look scaled already. "
                "`preprocess_input` takes RGB pixels of 0 to 255. Pass the images as decoded."
            )
    return keras.ops.convert_to_numpy(layer(x))
