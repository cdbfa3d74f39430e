"""Small models with every operator that an export writes, and their outputs."""

import keras
import numpy as np

from helpers import run_channels_first, to_numpy
from keras_alexnet.layers import (
    AdaptiveAveragePooling2D,
    CeilPooling2D,
    DownscaledDropout,
    LocallyConnected2D,
    LocalResponseNormalization,
)
from keras_alexnet.preprocessing import PixelNormalization

HEIGHT, WIDTH, CHANNELS = 11, 14, 4


def _conv(groups=1, strides=1, padding="valid", **options):
    # As many filters as its output has columns would meet a fault of Keras on TensorFlow.
    layer = keras.layers.Conv2D(10, (3, 4), strides, padding, groups=groups, **options)
    return [layer]


# Functions of the data format, so that every test has layers of its own.
LAYERS = {
    "conv": lambda: _conv(activation="relu"),
    "conv in groups": lambda: _conv(2, 2),
    "conv, zeros around": lambda: _conv(padding="same"),
    "conv, uneven zeros": lambda: _conv(strides=2, padding="same"),
    "dilated conv": lambda: _conv(dilation_rate=2),
    "local": lambda: [LocallyConnected2D(3, 3, strides=2)],
    "local, zeros around": lambda: [LocallyConnected2D(3, 3, padding="same")],
    "normalization": lambda: [LocalResponseNormalization(3, 2.0, 0.5, 0.75)],
    "normalization, even": lambda: [LocalResponseNormalization(4, 1.0, 0.3, 0.5)],
    "normalization in groups": lambda: [LocalResponseNormalization(3, 1.0, 0.3, groups=2)],
    "normalization within": lambda: [
        LocalResponseNormalization(3, 1.0, 0.3, region="within_channel")
    ],
    "pool": lambda: [keras.layers.MaxPooling2D(3, 2)],
    "pool, zeros around": lambda: [keras.layers.MaxPooling2D(3, 2, "same")],
    "average pool": lambda: [keras.layers.AveragePooling2D(2)],
    "ceil pool": lambda: [CeilPooling2D(3, 2)],
    "ceil average pool": lambda: [CeilPooling2D(3, 2, "average")],
    "global pool": lambda: [keras.layers.GlobalMaxPooling2D()],
    "global average pool": lambda: [keras.layers.GlobalAveragePooling2D(keepdims=True)],
    "adaptive pool": lambda: [AdaptiveAveragePooling2D(3)],
    "zeros": lambda: [keras.layers.ZeroPadding2D(((1, 2), (0, 3)))],
    "functions": lambda: [keras.layers.Activation(name) for name in ("tanh", "sigmoid")],
    "dense": lambda: [
        keras.layers.Flatten(),
        DownscaledDropout(0.5),
        keras.layers.Dense(5, "relu"),
        keras.layers.Dense(3, "softmax"),
    ],
    "batch normalization": lambda: [keras.layers.Flatten(), keras.layers.BatchNormalization()],
    "pixels": lambda: [PixelNormalization([3.0, 4, 5, 6], [1.0, 2, 3, 4], order="bgr")],
}


def model_of(name, data_format="channels_last"):
    """Return the model of a row, with random weights."""
    keras.config.set_image_data_format(data_format)
    shape = (HEIGHT, WIDTH, CHANNELS)
    shape = shape if data_format == "channels_last" else (shape[2], *shape[:2])
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


def images_for(model, count):
    """Return random images as a model takes them."""
    return np.random.default_rng(1).normal(0, 2, (count, *model.input_shape[1:])).astype("float32")


def outputs_of(model, images):
    """Return the outputs of a Keras model as arrays."""
    if keras.config.image_data_format() == "channels_first":
        outputs = run_channels_first(model, images)
    else:
        outputs = model(images)
    return [to_numpy(output) for output in keras.tree.flatten(outputs)]


def error(found, expected):
    """Return the largest difference over the largest magnitude."""
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.abs(expected).max()
