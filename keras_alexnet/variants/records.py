"""The columns of the table of variants, as frozen records without any framework."""

import dataclasses
from collections.abc import Iterator, Mapping

from keras_alexnet.short_repr import short_repr
from keras_alexnet.type_aliases import ChannelOrder, NoiseDialect, Reduction, Region, Resizing

INITIALIZATIONS = ("published", "robust")  # each variant's own values, or those for small data


@dataclasses.dataclass(frozen=True)
class Initial:
    """The initial values of weights or biases.

    Args:
        kind: `"constant"`, `"normal"`, `"truncated_normal"` (cut at two standard deviations, not
            rescaled), `"fan_in_uniform"` (within 1 / sqrt(fan_in), PyTorch's default),
            `"glorot_uniform"`, `"he_uniform"` or `"he_normal"`.
        scale: The constant, or the standard deviation of the normal kinds.
    """

    kind: str
    scale: float = 0.0


@dataclasses.dataclass(frozen=True)
class Conv:
    """A convolution.

    `padding` is the number of zeros (before, after) the image on both axes; `"same"` is
    TensorFlow's rule, which depends on the size of the image.
    """

    filters: int
    kernel: int
    strides: int = 1
    padding: tuple[int, int] | str = (0, 0)
    groups: int = 1


@dataclasses.dataclass(frozen=True)
class Local(Conv):
    """A convolution with unshared weights: each position has its own kernels and biases."""


@dataclasses.dataclass(frozen=True)
class Pool:
    """A pooling; `ceil` rounds the output's size up instead of down."""

    reduction: Reduction = "max"
    size: int = 3
    strides: int = 2
    ceil: bool = False


@dataclasses.dataclass(frozen=True)
class Norm:
    """A local response normalization as in the paper: alpha multiplies the plain sum."""

    size: int
    k: float
    alpha: float
    beta: float = 0.75
    region: Region = "across_channels"
    groups: int = 1


@dataclasses.dataclass(frozen=True)
class Dropout:
    """A dropout; `downscale` multiplies by 1 - rate at test time, not in training."""

    rate: float = 0.5
    downscale: bool = False


@dataclasses.dataclass(frozen=True)
class Dense:
    """A fully connected layer; `units=None` is the classifier, as wide as there are classes."""

    units: int | None


@dataclasses.dataclass(frozen=True)
class Relu:
    """Rectification, max(x, 0)."""


@dataclasses.dataclass(frozen=True)
class AdaptivePool:
    """Average pooling to size x size; the model leaves it out if it would change nothing."""

    size: int


Row = Conv | Pool | Norm | Dropout | Dense | Relu | AdaptivePool


@dataclasses.dataclass(frozen=True)
class Pixels:
    """The constants that turn RGB values of 0 to 255 into a network's input.

    Args:
        resizing: `"shorter_side"` (with antialiasing, then the central square) or `"warp"` (ratio
            ignored, without antialiasing).
        base: Side of the square that comes of it; the windows are cut out of it.
        mean: Subtracted from each channel, in the order RGB, after `scale`.
        std: Divisor of each channel, in the order RGB.
        scale: Factor on the values before the mean is subtracted.
        order: `"rgb"`, or `"bgr"` for networks that want blue first.
        spread: Standard deviation of the network's input, over ImageNet's or CIFAR-10's pixels.
        mirrors: Whether training images are mirrored half the time.
        color_noise: Strength of the colour noise in training; 0 for none.
        noise_dialect: As `PCAColorNoise` takes it; `"source2012"` comes after the mean.
        source: Where the figures stand.
    """

    resizing: Resizing
    base: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    scale: float = 1.0
    order: ChannelOrder = "rgb"
    spread: float = 1.0
    mirrors: bool = True
    color_noise: float = 0.0
    noise_dialect: NoiseDialect = "lighting"
    source: str = ""


@dataclasses.dataclass(frozen=True)
class Variant:
    """One published network: its structure, initial values and published figures.

    Args:
        name: The name that `AlexNet` takes.
        title: What it is, in a few words.
        differs: How it differs from its neighbours in the table, in a sentence.
        source: Where its figures stand.
        features: (layer name, row) pairs up to the last pooling, for images of any size.
        classifier: (layer name, row) pairs after it, without the softmax; their weights are for
            one size of images.
        initial: Layer name to the initial values (weights, biases) of that layer.
        parameters: Number of trainable parameters, biases included.
        multiply_adds: Multiply-adds of one forward pass of one image at `input_size`; biases are
            not counted, products with padding zeros are.
        neurons: Outputs of convolutions, shared or not, and of fully connected layers, as the
            paper counts them.
        pixels: How images become its input.
        input_size: Height and width of the images.
        classes: Number of classes.
    """

    name: str
    title: str
    differs: str
    source: str
    features: tuple[tuple[str, Row], ...]
    classifier: tuple[tuple[str, Row], ...]
    initial: Mapping[str, tuple[Initial, Initial]]
    parameters: int
    multiply_adds: int
    neurons: int
    pixels: Pixels
    input_size: int = 224
    classes: int = 1000

    __repr__ = short_repr("name", "parameters")

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield all (layer name, row) pairs in the order of computation."""
        yield from self.features
        yield from self.classifier

    def find(self, kind: type) -> dict[str, Row]:
        """Return the rows of one kind by layer name.

        >>> from keras_alexnet import get_variant
        >>> from keras_alexnet.variants.records import Norm
        >>> list(get_variant("bvlc").find(Norm))
        ['norm1', 'norm2']
        """
        return {name: row for name, row in self.rows() if isinstance(row, kind)}
