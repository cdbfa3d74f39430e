"""Convolution whose weights are not shared between places, which Keras 3 has not."""

from typing import Any

import keras
from keras import ops

from keras_alexnet.arguments import boolean, choice, converted, integer, pair
from keras_alexnet.errors import UserError
from keras_alexnet.layers.data_formats import known_data_format
from keras_alexnet.type_aliases import DataFormat, Identifier, Padding, Shape, Sides, Tensor

PADDINGS = ("valid", "same")


@keras.saving.register_keras_serializable(package="keras_alexnet")
class LocallyConnected2D(keras.layers.Layer):
    """A convolution with a kernel and a bias of its own at every place of its output.

    `y[p, q, f] = bias[p, q, f] + sum over i, j, c of x[s p + i, s q + j, c] kernel[p, q, i, j, c,
    f]` with steps s, which for `padding="same"` start before the image as those of
    `keras.layers.Conv2D` do. Places outside the image are zeros, and have weights all the same,
    as in cuda-convnet. The number of weights grows with the image, whose size must be known.

    The windows of all places are one product of matrices for each place, computed at once. An
    initializer is asked for the kernel of one place at a time, `(rows, columns, channels,
    filters)`, so that Glorot's and He's values are those of a convolution with such a kernel.

    Args:
        filters: Number of maps of the output.
        kernel_size: Height and width of the windows, one number or two.
        strides: Their steps, one number or two.
        padding: `"valid"` for windows within the image, `"same"` for ceil(size / stride) of them.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        activation: Name or function, applied last.
        use_bias: Whether there are biases, one for each place and filter.
        kernel_initializer: Name, config or object.
        bias_initializer: Name, config or object.
        kernel_regularizer: Name, config or object, of the loss on the kernels.
        bias_regularizer: Name, config or object, of the loss on the biases.
        **kwargs: The arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, channels, height, width)`.

    Output shape:
        `(batch, rows, columns, filters)` or `(batch, filters, rows, columns)`. In both formats the
        kernel is `(rows, columns, kernel rows, kernel columns, channels, filters)` and the bias
        `(rows, columns, filters)`.

    Raises:
        UserError: (a `ValueError`) for arguments and images that leave no place for a window, and
            for images of unknown size or of another size than the weights are for.

    Reference:
        `LocalUnsharedLayer` of cuda-convnet, layers-conv-local-11pct.cfg; LeCun, Generalization
        and network design strategies, 1989.

    Example:

    >>> import numpy as np
    >>> layer = LocallyConnected2D(64, 3, padding="same", data_format="channels_last")
    >>> tuple(layer(np.zeros((1, 6, 6, 64), "float32")).shape), layer.count_params()
    ((1, 6, 6, 64), 1329408)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sides,
        strides: Sides = 1,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        activation: Identifier | None = None,
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = integer("filters", filters, 1, "Give the number of maps of the output.")
        remedy = "Give 3 for a square, say, or (3, 5) for height and width."
        self.kernel_size = pair("kernel_size", kernel_size, remedy)
        self.strides = pair("strides", strides, remedy)
        choice("padding", padding, PADDINGS, "Leave it out for 'valid'.")
        self.padding = padding
        self.data_format = known_data_format(data_format)
        self.use_bias = boolean("use_bias", use_bias)
        self.activation = _found("activation", activation, "activations")
        self.kernel_initializer = _found("kernel_initializer", kernel_initializer, "initializers")
        self.bias_initializer = _found("bias_initializer", bias_initializer, "initializers")
        self.kernel_regularizer = _found("kernel_regularizer", kernel_regularizer, "regularizers")
        self.bias_regularizer = _found("bias_regularizer", bias_regularizer, "regularizers")

    def build(self, input_shape: Shape) -> None:
        """Make the weights for images of this size."""
        *sizes, channels = self._sizes(input_shape)
        if None in (*sizes, channels):
            raise UserError(
                f"Received images of shape {tuple(input_shape[1:])} for the layer {self.name!r}.",
                "Height, width and channels must be known: every place has its own weights.",
                "Give the whole shape to keras.Input, or to AlexNet as input_shape.",
            )
        self.image = (*sizes, channels)
        places = self._places(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*places, *self.kernel_size, channels, self.filters),
            initializer=self._place_by_place,
            regularizer=self.kernel_regularizer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(*places, self.filters),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
            )

    def call(self, inputs: Tensor) -> Tensor:
        """Multiply the windows of each place, `(batch, window)`, by its `(window, filters)`."""
        self._check_size(inputs.shape)
        rows, columns = self.kernel.shape[:2]
        windows = self._windows(inputs, rows, columns)
        kernel = ops.reshape(self.kernel, (rows * columns, -1, self.filters))
        outputs = ops.reshape(ops.matmul(windows, kernel), (rows, columns, -1, self.filters))
        if self.bias is not None:
            outputs = outputs + self.bias[:, :, None]
        last = self.data_format == "channels_last"
        return self.activation(ops.transpose(outputs, (2, 0, 1, 3) if last else (2, 3, 0, 1)))

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return the shape with a row and a column for each window; unknown sizes stay unknown."""
        rows, columns = self._places(input_shape)
        if self.data_format == "channels_first":
            return (input_shape[0], self.filters, rows, columns)
        return (input_shape[0], rows, columns, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, `data_format` resolved."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
        }

    def _windows(self, x, rows: int, columns: int):
        """Return the windows of all places, `(places, batch, window)`, zeros around the image.

        The place goes first before anything is copied more than once, so the product that follows
        finds each place's windows as one matrix.
        """
        last = self.data_format == "channels_last"
        x = ops.transpose(x, (1, 2, 0, 3) if last else (2, 3, 0, 1))
        axes = zip((rows, columns), self.kernel_size, self.strides, self.image, strict=False)
        reach = [(count - 1) * step + size for count, size, step, _ in axes]
        if self.padding == "same":
            spare = [max(0, end - size) for end, size in zip(reach, self.image, strict=False)]
            x = ops.pad(x, [*((total // 2, total - total // 2) for total in spare), (0, 0), (0, 0)])
        down, across = self.strides
        height, width = (rows - 1) * down + 1, (columns - 1) * across + 1
        parts = [
            x[top : top + height : down, left : left + width : across]
            for top in range(self.kernel_size[0])
            for left in range(self.kernel_size[1])
        ]
        windows = ops.concatenate(parts, axis=-1)
        return ops.reshape(windows, (rows * columns, -1, windows.shape[-1]))

    def _place_by_place(self, shape, dtype=None):
        """Return initial kernels, each place's drawn on its own."""
        rows, columns, *kernel = shape
        seed = getattr(self.kernel_initializer, "seed", None)
        draws = []
        for place in range(rows * columns):
            initializer = self.kernel_initializer
            if isinstance(seed, int):  # which would give the same values every time
                config = {**initializer.get_config(), "seed": seed + place}
                initializer = type(initializer).from_config(config)
            draws.append(initializer(tuple(kernel), dtype=dtype))
        return ops.reshape(ops.stack(draws), shape)

    def _sizes(self, shape):
        """Return height, width and channels."""
        _, *rest = shape
        return tuple(rest) if self.data_format == "channels_last" else (*rest[1:], rest[0])

    def _places(self, input_shape):
        """Return how many windows there are down and across, `None` where the size is."""
        sizes = self._sizes(input_shape)[:2]
        counts: list[int | None] = []
        for size, kernel, step in zip(sizes, self.kernel_size, self.strides, strict=True):
            if size is None:
                counts.append(None)
            else:
                spare = size - 1 if self.padding == "same" else size - kernel
                counts.append(spare // step + 1)
        if any(count is not None and count < 1 for count in counts):
            raise UserError(
                f"Received images of shape {tuple(input_shape[1:])} for windows of "
                f"{self.kernel_size[0]} x {self.kernel_size[1]}.",
                "A window must fit into the image.",
                "Give larger images, or padding='same'.",
            )
        return tuple(counts)

    def _check_size(self, shape):
        """Raise if images are not of the size and channels that the weights are for."""
        sizes = self._sizes(shape)
        pairs = zip(sizes, self.image, strict=True)
        if any(size not in (None, known) for size, known in pairs):
            raise UserError(
                f"Received images with (height, width, channels) {sizes} for the layer "
                f"{self.name!r}.",
                f"Its weights, one set for each place, are for {self.image}.",
                "Resize or crop the images, or build the network for theirs.",
            )


def _found(name: str, value, kind: str):
    """Return what an argument stands for in one of Keras's modules."""
    expected = f"a name, a config or an object of `keras.{kind}`"
    return converted(name, value, getattr(keras, kind).get, expected, "Leave it out.")
