"""`ColorNoiseSteps`: colour noise that ends before the training does."""

import bisect

import keras

from keras_alexnet.callback_copies import Copyable
from keras_alexnet.preprocessing.noise import PCAColorNoise
from keras_alexnet.recipes.records import Steps
from keras_alexnet.short_repr import short_repr


class ColorNoiseSteps(Copyable, keras.callbacks.Callback):
    """Changes the strength of a model's colour noise by epochs, as the authors of 2012 did by hand.

    Each change compiles the training step again. The callback does not change noise that is drawn
    outside the model, in a `tf.data` pipeline.

    Args:
        steps: The strengths and their starts.
        epochs: Number of epochs of the whole training.

    Example:

    >>> import numpy as np
    >>> layer = PCAColorNoise(0.1, seed=1)
    >>> after = keras.layers.Flatten(), keras.layers.Dense(1)
    >>> model = keras.Sequential([keras.Input((4, 4, 3)), layer, *after])
    >>> model.compile("sgd", "mse")
    >>> noise = ColorNoiseSteps(Steps((0.1, 0.0), (0, 1)), epochs=2)
    >>> x, y = np.zeros((2, 4, 4, 3)), np.zeros((2, 1))
    >>> _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[noise])
    >>> layer.std
    0.0
    """

    __repr__ = short_repr("steps", "epochs")

    def __init__(self, steps: Steps, epochs: int):
        super().__init__()
        self.steps = steps
        self.epochs = epochs

    def strength(self, epoch: int) -> float:
        """Return the strength in an epoch, counted from 0."""
        done = epoch / self.epochs if self.steps.unit == "share" else epoch
        return self.steps.values[bisect.bisect_right(self.steps.starts, done + 1e-9) - 1]

    def on_epoch_begin(self, epoch, logs=None):
        """Set the strength."""
        strength = self.strength(epoch)
        layers = [layer for layer in _noise_layers(self.model) if layer.std != strength]
        for layer in layers:
            layer.std = strength
        if layers:
            self.model.make_train_function(force=True)


def _noise_layers(model):
    for layer in model.layers:
        if isinstance(layer, PCAColorNoise):
            yield layer
        elif hasattr(layer, "layers"):  # a model in the model, or a pipeline
            yield from _noise_layers(layer)
