"""`LayerMaker`: makes a Keras layer from a row of a variant."""

import functools
import math
from typing import Any

import keras

from keras_alexnet import layers
from keras_alexnet.arguments import choice, converted
from keras_alexnet.layers import (
    AdaptiveAveragePooling2D,
    CeilPooling2D,
    Conv2D,
    DownscaledDropout,
    LocallyConnected2D,
    LocalResponseNormalization,
    MaxPooling2D,
)
from keras_alexnet.model.initializers import TruncatedNormal
from keras_alexnet.variants.records import (
    INITIALIZATIONS,
    AdaptivePool,
    Conv,
    Dense,
    Dropout,
    Initial,
    Local,
    Norm,
    Pool,
    Relu,
    Row,
    Variant,
)

_INITIALIZERS = {
    "constant": lambda scale, fan_in: keras.initializers.Constant(scale),
    "normal": lambda scale, fan_in: keras.initializers.RandomNormal(stddev=scale),
    "truncated_normal": lambda scale, fan_in: TruncatedNormal(stddev=scale),
    "fan_in_uniform": lambda scale, fan_in: keras.initializers.RandomUniform(
        -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in)
    ),
    "glorot_uniform": lambda scale, fan_in: keras.initializers.GlorotUniform(),
    "he_uniform": lambda scale, fan_in: keras.initializers.HeUniform(),
    "he_normal": lambda scale, fan_in: keras.initializers.HeNormal(),
}

# Weights and biases when "robust": He et al., Delving deep into rectifiers, 2015. The classifier
# starts small, so that the first loss is about ln(classes) however large the features are.
_ROBUST = (Initial("he_normal"), Initial("constant", 0.0))
_ROBUST_CLASSIFIER = (Initial("normal", 0.01), Initial("constant", 0.0))


class LayerMaker:
    """Makes the layers of one model, and applies them.

    Args:
        variant: The network.
        classes: Units of the classifier.
        initialization: `"published"` or `"robust"`.
        data_format: `"channels_last"` or `"channels_first"`.
        dtype: Data type or policy of all layers.
        loaded: Whether a file replaces all values afterwards, but perhaps those of the classifier,
            which the file may have for another number of classes.
    """

    def __init__(
        self, variant: Variant, classes, initialization, data_format, dtype, loaded: bool = False
    ):
        remedy = "Choose 'published' for the variant's own values, 'robust' for small data."
        choice("initialization", initialization, INITIALIZATIONS, remedy)
        expected = "the name of a dtype or of a policy, a `keras.DTypePolicy`, or None"
        converted("dtype", dtype, keras.dtype_policies.get, expected, "Leave it out.")
        self.variant = variant
        self.classes = classes
        self.robust = initialization == "robust"
        self.data_format = data_format
        self.dtype = dtype
        self.loaded = loaded

    def apply_top(self, x, activation):
        """Apply the fully connected layers and the final activation.

        The maps are flattened as height, width, channels in both data formats, so weights fit
        both.
        """
        expected = "the name of an activation of Keras, a function, or None for logits"
        get = keras.activations.get
        converted("classifier_activation", activation, get, expected, "Leave it out for softmax.")
        for name, row in self.variant.classifier:
            if isinstance(row, Dense) and len(x.shape) == 4:
                x = keras.layers.Flatten(**self._options("flatten"))(x)
            x = self.apply(row, name, x)
        if activation is None:
            return x
        return keras.layers.Activation(activation, dtype=self._wide_dtype(), name="prob")(x)

    @functools.singledispatchmethod
    def apply(self, row: Row, name: str, x):
        """Apply the layer of a row to a Keras tensor."""
        raise TypeError(f"There is no layer for a row of type {type(row).__name__}.")

    @apply.register
    def _(self, row: Conv, name, x):
        return self._convolution(Conv2D, row, name, x, groups=row.groups)

    @apply.register
    def _(self, row: Local, name, x):
        return self._convolution(LocallyConnected2D, row, name, x)

    def _convolution(self, kind: type, row: Conv, name, x, **arguments):
        padding = "same"
        if isinstance(row.padding, tuple):
            before, after = row.padding
            keeps_size = row.strides == 1 and before == after == (row.kernel - 1) / 2
            padding = "same" if keeps_size else "valid"
            if not keeps_size and (before or after):
                pad = self._options(name.replace("conv", "pad"))
                x = keras.layers.ZeroPadding2D(((before, after), (before, after)), **pad)(x)
        _, channels = image_axes(x.shape, self.data_format)
        arguments |= self._initializers(name, row.kernel**2 * channels // row.groups)
        arguments |= {"strides": row.strides, "padding": padding, **self._options(name)}
        return self._with_values(kind(row.filters, row.kernel, **arguments), x)

    @apply.register
    def _(self, row: Dense, name, x):
        units = self.classes if row.units is None else row.units
        classifier = row.units is None
        initializers = self._initializers(name, x.shape[-1], classifier)
        layer = keras.layers.Dense(units, dtype=self.dtype, name=name, **initializers)
        return layer(x) if classifier else self._with_values(layer, x)

    def _with_values(self, layer, x):
        """Apply a layer. To draw values that a file replaces would take up to several seconds."""
        if not self.loaded:
            return layer(x)
        own = layer.kernel_initializer, layer.bias_initializer
        layer.kernel_initializer = layer.bias_initializer = keras.initializers.Zeros()
        x = layer(x)
        layer.kernel_initializer, layer.bias_initializer = own
        return x

    @apply.register
    def _(self, row: Relu, name, x):
        return keras.layers.ReLU(dtype=self.dtype, name=name)(x)

    @apply.register
    def _(self, row: Norm, name, x):
        constants = (row.size, row.k, row.alpha, row.beta, row.region, row.groups)
        return LocalResponseNormalization(*constants, **self._options(name))(x)

    @apply.register
    def _(self, row: Pool, name, x):
        if row.ceil or row.reduction != "max":
            window = (row.size, row.strides, row.reduction)
            return CeilPooling2D(*window, **self._options(name))(x)
        return MaxPooling2D(row.size, row.strides, **self._options(name))(x)

    @apply.register
    def _(self, row: Dropout, name, x):
        kind = DownscaledDropout if row.downscale else layers.Dropout
        return kind(row.rate, dtype=self.dtype, name=name)(x)

    @apply.register
    def _(self, row: AdaptivePool, name, x):
        sizes, _ = image_axes(x.shape, self.data_format)
        if sizes == (row.size, row.size):
            return x
        return AdaptiveAveragePooling2D(row.size, **self._options(name))(x)

    def _options(self, name: str) -> dict:
        """Return the arguments of every layer of images."""
        return {"data_format": self.data_format, "dtype": self.dtype, "name": name}

    def _initializers(self, name: str, fan_in: int, classifier: bool = False) -> dict:
        initial = self.variant.initial[name]
        if self.robust:
            initial = _ROBUST_CLASSIFIER if classifier else _ROBUST
        weights, biases = (_INITIALIZERS[value.kind](value.scale, fan_in) for value in initial)
        return {"kernel_initializer": weights, "bias_initializer": biases}

    def _wide_dtype(self):
        """Return the layers' dtype, but float32 for half precision: a softmax needs the range."""
        policy = keras.dtype_policies.get(self.dtype or keras.config.dtype_policy())
        return "float32" if policy.compute_dtype in ("float16", "bfloat16") else self.dtype


def image_axes(shape, data_format: str) -> tuple[tuple, Any]:
    """Return height and width, and the channels, of a batch of images or maps.

    Example:

    >>> image_axes((None, 3, 224, 227), "channels_first")
    ((224, 227), 3)
    """
    if data_format == "channels_last":
        return tuple(shape[1:3]), shape[3]
    return tuple(shape[2:4]), shape[1]
