"""A fully connected layer at every place of larger maps."""

import keras
from keras import ops

from keras_alexnet.errors import UserError
from keras_alexnet.layers.data_formats import known_data_format


@keras.saving.register_keras_serializable(package="keras_alexnet")
class SlidingDense(keras.layers.Wrapper):
    """A `keras.layers.Dense` on every window of its input: a convolution with its weights.

    The window is what the dense layer saw of flattened maps, in the order height, width, channels;
    it moves by one. The weights are the dense layer's own, not a copy: what trains or loads the
    one changes the other.

    Args:
        layer: The `keras.layers.Dense`.
        window: Rows and columns that it sees.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`; `dtype` is the dense layer's by default.

    Input shape:
        `(batch, height, width, channels)` or `(batch, channels, height, width)`, sizes known or
        not.

    Output shape:
        The same with the dense layer's units for the channels, and a window less one for height
        and width.

    Reference:
        Sermanet et al., OverFeat, arXiv:1312.6229, 2013, section 3.5.

    Example:

    >>> import keras, numpy as np
    >>> dense = keras.layers.Dense(4)
    >>> layer = SlidingDense(dense, (6, 6), data_format="channels_last")
    >>> y = layer(np.zeros((1, 8, 10, 256), "float32"))
    >>> tuple(y.shape[1:]), tuple(dense.kernel.shape)
    ((3, 5, 4), (9216, 4))
    """

    def __init__(self, layer, window=(1, 1), data_format=None, **kwargs):
        super().__init__(layer, **{"dtype": getattr(layer, "dtype_policy", None), **kwargs})
        if not isinstance(layer, keras.layers.Dense) or layer.quantization_mode:
            quantized = " with quantized weights" * isinstance(layer, keras.layers.Dense)
            raise UserError(
                f"Received the layer {layer.name!r}, a {type(layer).__name__}{quantized}.",
                "The layer must be a keras.layers.Dense with weights of a float type.",
                "Make the sliding form first, and quantize a dense layer after it.",
            )
        self.window = tuple(window)
        self.data_format = known_data_format(data_format)

    def build(self, input_shape):
        """Build the dense layer, if it is not."""
        rows, columns = self.window
        if not self.layer.built:
            self.layer.build((None, rows * columns * input_shape[self._channel_axis()]))

    def call(self, inputs):
        """Convolve, and apply the dense layer's bias and activation to the channels."""
        self.compute_output_shape(inputs.shape)  # raises for maps that are too small
        kernel = ops.reshape(self.layer.kernel, (*self.window, -1, self.layer.units))
        outputs = ops.conv(inputs, kernel, padding="valid", data_format=self.data_format)
        outputs = ops.moveaxis(outputs, self._channel_axis(), -1)
        if self.layer.use_bias:
            outputs = outputs + self.layer.bias
        return ops.moveaxis(self.layer.activation(outputs), -1, self._channel_axis())

    def compute_output_shape(self, input_shape):
        """Return the shape with a window less one and the units, unknown sizes left unknown."""
        first = self.data_format == "channels_first"
        sizes = input_shape[2:] if first else input_shape[1:3]
        pairs = zip(sizes, self.window, strict=True)
        places = [None if size is None else size - side + 1 for size, side in pairs]
        if any(place is not None and place < 1 for place in places):
            raise UserError(
                f"Received maps of shape {tuple(input_shape[1:])} for a window of "
                f"{self.window[0]} x {self.window[1]}.",
                "They must be as large as the window of the classifier at least.",
                "Give images of the size that the network was built for, or larger ones.",
            )
        units = self.layer.units
        return (input_shape[0], units, *places) if first else (input_shape[0], *places, units)

    def get_config(self):
        """Return the arguments of the constructor, `data_format` resolved."""
        return {**super().get_config(), "window": self.window, "data_format": self.data_format}

    def _channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1
