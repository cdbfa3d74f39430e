"""Models and layers to export, and the comparison of what a written file computes with them."""

import keras
import numpy as np
import pytest

from helpers import BACKEND, run_channels_first, to_numpy
from keras_alexnet import AlexNet, layers
from keras_alexnet.export.formats import EXPORT_FORMATS
from keras_alexnet.layers import LocalResponseNormalization
from keras_alexnet.preprocessing import PixelNormalization
from keras_alexnet.variants import list_variants
from narrow_networks import narrow

STRONG = {"k": 1.0, "alpha": 0.1}  # what a window sums up to halves the value
IMAGENET = [name for name in list_variants() if not name.startswith("cifar")]
CIFAR = [name for name in list_variants() if name.startswith("cifar")]


PEERS = {  # what each format is written and run with
    "onnx": ("onnx", "onnxruntime"),
    "saved_model": ("tensorflow",),
    "litert": ("tensorflow",),
    "openvino": ("onnx", "openvino"),
    "torch": ("torch",),
}
# What PyTorch, TensorFlow's interpreter and OpenVINO say of themselves.
QUIET = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:(?s).*tf.lite:UserWarning"
)


def formats(precision="float32"):
    """Return the formats that have a precision, each with the packages that it needs."""
    return [
        pytest.param(form, marks=[pytest.mark.peer(*PEERS[form.name]), QUIET], id=form.name)
        for form in EXPORT_FORMATS.values()
        if precision in form.precisions
    ]


def every_layer(data_format="channels_last", dtype=None):
    """Return a model with every layer of this package, and others that users have."""
    options = {"data_format": data_format, "dtype": dtype}
    shape = (45, 49, 4) if data_format == "channels_last" else (4, 45, 49)
    axis = -1 if data_format == "channels_last" else 1
    model = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Rescaling(0.5, 0.1, dtype=dtype),
            keras.layers.ZeroPadding2D(((1, 0), (0, 2)), **options),
            layers.Conv2D(8, 3, groups=2, activation="relu", **options),
            LocalResponseNormalization(5, **STRONG, groups=2, **options),
            layers.MaxPooling2D(3, 2, **options),
            LocalResponseNormalization(4, **STRONG, beta=0.6, **options),
            keras.layers.Conv2D(6, 3, 2, "same", activation="tanh", **options),
            keras.layers.BatchNormalization(axis, dtype=dtype),
            layers.CeilPooling2D(3, 2, **options),
            LocalResponseNormalization(3, **STRONG, region="within_channel", **options),
            keras.layers.AveragePooling2D(2, 1, **options),
            layers.CeilPooling2D(3, 2, "average", **options),
            layers.AdaptiveAveragePooling2D(3, **options),
            layers.LocallyConnected2D(3, 2, padding="same", **options),
            layers.DownscaledDropout(0.5, dtype=dtype),
            keras.layers.Flatten(data_format),
            layers.Dropout(0.5, dtype=dtype),
            keras.layers.Dense(5, dtype=dtype),
            keras.layers.Softmax(dtype=dtype),
        ],
        name="every_layer",
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.6, x.shape).astype("float32") for x in model.weights])
    return model


def maps_of(variant):
    """Return a network for ImageNet up to its last maps, for small images."""
    return AlexNet(variant, include_top=False, input_shape=(95, 99, 3), initialization="robust")


def whole(variant, patch):
    """Return a network for ImageNet up to its probabilities, with 64 units in its dense layers.

    The other weights of these layers would cost the time; they are none of the operators.
    """
    narrow(patch, variant)
    return AlexNet(variant, input_shape=(95, 99, 3), classes=7, initialization="robust")


def small(variant="cifar10_18pct", **options):
    """Return a small network that returns logits."""
    options = {"classifier_activation": None, "initialization": "robust", **options}
    return AlexNet(variant, **options)


def _conv(groups=1, strides=1, padding="valid", **options):
    # As many filters as its output has columns would meet a fault of Keras on TensorFlow.
    layer = keras.layers.Conv2D(10, (3, 4), strides, padding, groups=groups, **options)
    return [layer]


# Functions, so that every test has layers of its own.
LAYERS = {
    "conv": lambda: _conv(activation="relu"),
    "conv in groups": lambda: _conv(2, 2),
    "conv, zeros around": lambda: _conv(padding="same"),
    "conv, uneven zeros": lambda: _conv(strides=2, padding="same"),
    "dilated conv": lambda: _conv(dilation_rate=2),
    "local": lambda: [layers.LocallyConnected2D(3, 3, strides=2)],
    "local, zeros around": lambda: [layers.LocallyConnected2D(3, 3, padding="same")],
    "normalization": lambda: [LocalResponseNormalization(3, 2.0, 0.5, 0.75)],
    "normalization, even": lambda: [LocalResponseNormalization(4, 1.0, 0.3, 0.5)],
    "normalization in groups": lambda: [LocalResponseNormalization(3, 1.0, 0.3, groups=2)],
    "normalization within": lambda: [
        LocalResponseNormalization(3, 1.0, 0.3, region="within_channel")
    ],
    "pool": lambda: [keras.layers.MaxPooling2D(3, 2)],
    "pool, zeros around": lambda: [keras.layers.MaxPooling2D(3, 2, "same")],
    "average pool": lambda: [keras.layers.AveragePooling2D(2)],
    "ceil pool": lambda: [layers.CeilPooling2D(3, 2)],
    "ceil average pool": lambda: [layers.CeilPooling2D(3, 2, "average")],
    "global pool": lambda: [keras.layers.GlobalMaxPooling2D()],
    "global average pool": lambda: [keras.layers.GlobalAveragePooling2D(keepdims=True)],
    "adaptive pool": lambda: [layers.AdaptiveAveragePooling2D(3)],
    "zeros": lambda: [keras.layers.ZeroPadding2D(((1, 2), (0, 3)))],
    "functions": lambda: [keras.layers.Activation(name) for name in ("tanh", "sigmoid")],
    "dense": lambda: [
        keras.layers.Flatten(),
        layers.DownscaledDropout(0.5),
        keras.layers.Dense(5, "relu"),
        keras.layers.Dense(3, "softmax"),
    ],
    "batch normalization": lambda: [keras.layers.Flatten(), keras.layers.BatchNormalization()],
    "pixels": lambda: [PixelNormalization([3.0, 4, 5, 6], [1.0, 2, 3, 4], order="bgr")],
}


def model_of(name, data_format="channels_last"):
    """Return the model of a row of `LAYERS`, with random weights."""
    keras.config.set_image_data_format(data_format)
    shape = (11, 14, 4) if data_format == "channels_last" else (4, 11, 14)
    model = keras.Sequential([keras.Input(shape), *LAYERS[name]()])
    with_random_weights(model)
    return model


def with_random_weights(model):
    """Give every weight of a model a value of its own, positive where variances stand."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights([_drawn(rng, weight) for weight in layer.weights])


def _drawn(rng, weight):
    if "variance" in weight.name:
        return rng.uniform(0.5, 2, weight.shape)
    return rng.uniform(-0.5, 0.5, weight.shape)


def images(model, count, sizes=None):
    """Return noise for which normalizations are no identity, for a model."""
    shape = [*model.input_shape[1:]]
    if sizes:
        shape = [side if side is not None else sizes.pop(0) for side in shape]
    values = np.random.default_rng(count).normal(0, 2, (count, *shape))
    return values.astype("float32")


def outputs_of(model, x):
    """Return what a model computes, as a list of arrays."""
    if BACKEND == "tensorflow" and x.ndim == 4 and x.shape[-1] > 4:
        return [run_channels_first(model, x)]
    return [to_numpy(y) for y in keras.tree.flatten(model(x, training=False))]


def error(found, expected):
    """Return the largest difference over the largest magnitude, of arrays of one shape."""
    assert found.shape == expected.shape and found.dtype == np.float32
    assert np.std(expected) > 0
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def assert_computes(run, model, counts=(1, 3), sizes=None, tolerance=2e-5):
    """Compare what a function of a batch computes with the model, for batches of several sizes."""
    for count in counts:
        x = images(model, count, sizes and [*sizes])
        for found, expected in zip(run(x), outputs_of(model, x), strict=True):
            assert error(found, expected) < tolerance
