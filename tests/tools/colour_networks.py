"""A network that knows red, green and blue by the mean of each channel."""

import json

import keras
import numpy as np

from keras_alexnet.preprocessing import CenterCrop, SquareResize

NAMES = ["n01440764_red_fish", "green", "n01443537"]


def colours(window=None, activation="softmax", outputs=3):
    """Return a model of 8 x 8 images whose outputs are the means of red, green and blue."""
    inputs = x = keras.Input((8, 8, 3) if window is None else (None, None, 3))
    if window is not None:
        x = SquareResize(8, data_format="channels_last")(x)
        x = CenterCrop(window, window, data_format="channels_last")(x)
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last")(x)
    dense = keras.layers.Dense(outputs, activation=activation, use_bias=False)
    model = keras.Model(inputs, dense(x), name="colours")
    dense.kernel.assign(np.eye(3, outputs, dtype="float32") / 100)
    return model


def save(model, names=NAMES):
    """Save a model as `fit` does, with its class names."""
    model.save("model.keras")
    if names is not None:
        with open("classes.json", "w") as file:
            json.dump(names, file)


def softmax(values):
    exponents = np.exp(np.asarray(values, "float64") / 100)
    return exponents / exponents.sum()
