"""Local response normalization, which Keras does not have."""

from typing import Any, Self

import keras

from keras_alexnet.arguments import choice, integer, number
from keras_alexnet.errors import UserError
from keras_alexnet.layers.data_formats import known_data_format
from keras_alexnet.operations.normalization import Response, local_response_normalization
from keras_alexnet.type_aliases import CaffeRegion, DataFormat, EvenWindow, Region, Shape, Tensor

EVEN_WINDOWS = ("before", "after")
REGIONS: tuple[Region, ...] = ("across_channels", "within_channel")


@keras.saving.register_keras_serializable(package="keras_alexnet")
class LocalResponseNormalization(keras.layers.Layer):
    """Divide every activation by the strength of its neighbourhood.

    `y = x / (k + alpha * sum(x**2)) ** beta`

    where the sum runs over `size` adjacent channels at the same place
    (`region="across_channels"`) or over the `size` x `size` places around it in the same channel
    (`region="within_channel"`), cut at the borders. `alpha` multiplies the plain sum, as the
    paper prints it. Other frameworks divide alpha by the size of the window first, take a radius
    for the width or have another `k`: the `from_*` constructors take their numbers as they are.

    Sums and powers are computed in float32 (in float64 for float64 input) and cast back. The
    gradient is the layer's own: it keeps nothing but the input and recomputes the rest. The
    output is finite for every finite input; where the square of an activation overflows
    (above 1.8e19 in float32) it is 0.

    Args:
        size: Width of the window, at least 1.
        k: Positive constant under the sum.
        alpha: Factor of the sum of squares, not negative.
        beta: Positive exponent. 0.75, 0.5 and 1 are computed by roots, anything else by a power.
        region: `"across_channels"` or `"within_channel"`.
        groups: Number of groups of channels; a window stays inside one. The 2012 network
            normalized each of its two towers on its own: `groups=2`.
        data_format: `"channels_last"` or `"channels_first"`; `None` takes Keras's setting.
        even_window: On which side an even window has its additional element: `"before"` (the
            2012 source, PyTorch) or `"after"` (ONNX). Odd windows are symmetric.
        **kwargs: `name`, `dtype` and the other arguments of `keras.layers.Layer`.

    Input shape:
        Across channels: rank 2 to 5, `(batch, ..., channels)`, or `(batch, channels, ...)` with
        `data_format="channels_first"`. Within a channel: rank 4. Any range of values; the
        constants of the published networks suit the one that they were trained on.

    Output shape:
        The same as the input's.

    Raises:
        UserError: (a `ValueError`) for an argument out of range, for an input of another rank,
            and for channels that are unknown or do not fall into `groups`.

    Reference:
        Krizhevsky, Sutskever, Hinton 2012, section 3.3; for the region within a channel the
        response normalization layers of cuda-convnet and Caffe's `WITHIN_CHANNEL`.

    Example:

    >>> import numpy as np
    >>> layer = LocalResponseNormalization(size=3, k=1.0, alpha=1.0, beta=0.5)
    >>> y = layer(np.array([[1.0, 2.0, 2.0]], "float32"))  # sums of squares: 5, 9, 8
    >>> [round(float(value), 4) for value in y[0]]  # 1/sqrt(6), 2/sqrt(10), 2/sqrt(9)
    [0.4082, 0.6325, 0.6667]
    """

    def __init__(
        self,
        size: int = 5,
        k: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        region: Region = "across_channels",
        groups: int = 1,
        data_format: DataFormat | None = None,
        *,
        even_window: EvenWindow = "before",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        _check_arguments(k, alpha, beta, region, even_window)
        self.size = _size(size)
        self.k = k
        self.alpha = alpha
        self.beta = beta
        self.region = region
        self.groups = integer("groups", groups, 1, "One is usual.")
        self.data_format = known_data_format(data_format)
        self.even_window = even_window
        self.supports_masking = True

    @classmethod
    def from_tensorflow(
        cls,
        depth_radius: int = 5,
        bias: float = 1.0,
        alpha: float = 1.0,
        beta: float = 0.5,
        **kwargs: Any,
    ) -> Self:
        """Make the layer that computes `tf.nn.local_response_normalization`.

        TensorFlow takes a radius: the window is `2 * depth_radius + 1` wide. Its alpha is the
        paper's. The defaults are TensorFlow's.

        >>> LocalResponseNormalization.from_tensorflow(2, 1.0, 2e-5, 0.75).size
        5
        """
        radius = integer("depth_radius", depth_radius, 0, "Half the window, rounded down: 2 for 5.")
        return cls(size=2 * radius + 1, k=bias, alpha=alpha, beta=beta, **kwargs)

    @classmethod
    def from_torch(
        cls, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, **kwargs: Any
    ) -> Self:
        """Make the layer that computes `torch.nn.LocalResponseNorm`.

        PyTorch divides alpha by the size, and puts the additional element of an even window
        before the centre. PyTorch's data is channels-first: pass `data_format` if yours is not.

        >>> LocalResponseNormalization.from_torch(5, alpha=1e-4).alpha
        2e-05
        """
        size = _size(size)
        return cls(size=size, k=k, alpha=_alpha(alpha) / size, beta=beta, **kwargs)

    @classmethod
    def from_caffe(
        cls,
        local_size: int = 5,
        alpha: float = 1.0,
        beta: float = 0.75,
        k: float = 1.0,
        norm_region: CaffeRegion = "ACROSS_CHANNELS",
        **kwargs: Any,
    ) -> Self:
        """Make the layer that computes Caffe's `LRN`, with the names of `LRNParameter`.

        Caffe divides alpha by the number of elements in the window: `local_size`, or its square
        for `WITHIN_CHANNEL`, for which it also ignores `k` and takes 1. It refuses even sizes.

        >>> LocalResponseNormalization.from_caffe(5, 1e-4, norm_region="WITHIN_CHANNEL").k
        1.0
        """
        regions = {name.upper(): name for name in REGIONS}
        region = regions.get(str(norm_region).upper())
        if region is None:
            raise UserError(
                f"Received norm_region={norm_region!r}.",
                "Caffe has 'ACROSS_CHANNELS' and 'WITHIN_CHANNEL'.",
                "Copy the word from the prototxt; where none stands, leave the argument out.",
            )
        local_size = _size(local_size, "local_size")
        if local_size % 2 == 0:
            raise UserError(
                f"Received local_size={local_size}.",
                "Caffe takes odd windows only.",
                "Use LocalResponseNormalization itself for an even one.",
            )
        within = region == "within_channel"
        return cls(
            size=local_size,
            k=1.0 if within else k,
            alpha=_alpha(alpha) / (local_size**2 if within else local_size),
            beta=beta,
            region=region,
            **kwargs,
        )

    @classmethod
    def from_onnx(
        cls, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0, **kwargs: Any
    ) -> Self:
        """Make the layer that computes ONNX's `LRN` operator.

        ONNX divides alpha by the size, and puts the additional element of an even window after
        the centre: floor((size - 1) / 2) before, ceil((size - 1) / 2) after.

        >>> LocalResponseNormalization.from_onnx(4).even_window
        'after'
        """
        size = _size(size)
        return cls(size, bias, _alpha(alpha) / size, beta, even_window="after", **kwargs)

    def build(self, input_shape: Shape) -> None:
        """Check the input's rank and channels; the layer has no weights."""
        rank, axis = len(input_shape), self._channel_axis(len(input_shape))
        within = self.region == "within_channel"
        if (within and rank != 4) or not 2 <= rank <= 5:
            raise UserError(
                f"Received input of shape {tuple(input_shape)}, rank {rank}.",
                "Within a channel the input must have rank 4."
                if within
                else "Across channels the input must have rank 2 to 5.",
                "Reshape it before this layer.",
            )
        channels = input_shape[axis]
        if channels is None or channels % self.groups:
            raise UserError(
                f"Received input of shape {tuple(input_shape)}: {channels} channels "
                f"for groups={self.groups} and data_format={self.data_format!r}.",
                "The number of channels must be known and a multiple of `groups`.",
                "Check `data_format`, or give the model's input its channels.",
            )
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """Return the normalized inputs."""
        inputs = keras.ops.convert_to_tensor(inputs, dtype=self.compute_dtype)
        response = self._response(len(inputs.shape))
        return local_response_normalization(inputs, response)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as they were given, `data_format` resolved."""
        return {
            **super().get_config(),
            "size": self.size,
            "k": self.k,
            "alpha": self.alpha,
            "beta": self.beta,
            "region": self.region,
            "groups": self.groups,
            "data_format": self.data_format,
            "even_window": self.even_window,
        }

    def _channel_axis(self, rank: int) -> int:
        return rank - 1 if self.data_format == "channels_last" else 1

    def _response(self, rank: int) -> Response:
        shorter, longer = (self.size - 1) // 2, self.size // 2
        reach = (longer, shorter) if self.even_window == "before" else (shorter, longer)
        channel_axis = self._channel_axis(rank)
        axes = [channel_axis]
        if self.region == "within_channel":
            axes = [axis for axis in (1, 2, 3) if axis != channel_axis]
        return Response(
            k=float(self.k),
            alpha=float(self.alpha),
            beta=float(self.beta),
            windows=tuple((axis, *reach) for axis in axes) if self.alpha else (),
            groups=1 if self.region == "within_channel" else self.groups,
            channel_axis=channel_axis,
        )


def _size(value, argument: str = "size") -> int:
    """Return the width of a window."""
    return integer(argument, value, 1, "The paper has 5.")


def _alpha(value):
    """Return a right alpha as it is; the frameworks' forms divide it before the layer checks it."""
    expected = "a number, and must not be negative"
    number("alpha", value, lambda alpha: alpha >= 0, expected, "The paper has 1e-4.")
    return value


def _check_arguments(k, alpha, beta, region, even_window):
    """Raise for the first argument that is out of range."""
    expected = "positive, or zeros would be divided by zero"
    number("k", k, lambda k: k > 0, expected, "The paper has 2.")
    _alpha(alpha)
    number("beta", beta, lambda beta: beta > 0, "positive", "The paper has 0.75.")
    choice("region", region, REGIONS, "Choose 'across_channels', which is the paper's.")
    choice("even_window", even_window, EVEN_WINDOWS, "PyTorch has 'before', ONNX 'after'.")
