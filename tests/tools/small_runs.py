"""Small training runs whose state is saved, and copies of their folder at every instant."""

import builtins
import csv
import io
import os
import shutil

import keras
import numpy as np

from keras_alexnet.layers import DownscaledDropout

EPOCHS = 4


def images():
    """Return noise in four classes."""
    x = np.random.default_rng(0).normal(size=(48, 16, 16, 3)).astype("float32")
    return x, np.arange(48) % 4


def small_model(units=4, optimizer="adam", seed=0):
    """Return a compiled network with both kinds of dropout, which draw from seeds of their own."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Flatten(),
            DownscaledDropout(0.5),
            keras.layers.Dense(units, activation="softmax"),
        ]
    )
    # These runs are about what is saved. That a compiled one goes on, test_fit.py shows.
    eagerly = keras.backend.backend() == "tensorflow"  # which takes longer to trace than to run
    loss, metrics = "sparse_categorical_crossentropy", ["accuracy"]
    model.compile(optimizer, loss, metrics=metrics, run_eagerly=eagerly)
    return model


def trained(state, model=None, epochs=EPOCHS, first_epoch=0, before=(), after=()):
    """Train with a `RunState` and return the model."""
    model = model or small_model()
    x, y = images()
    model.fit(
        x,
        y,
        batch_size=16,
        shuffle=False,
        validation_data=(x, y),
        epochs=epochs,
        initial_epoch=first_epoch,
        verbose=0,
        callbacks=[*before, state, *after],
    )
    return model


def values(model):
    """Return all that training changes: weights, seeds and the optimizer's variables."""
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assert_equal(model, other):
    """Assert that two models are in the same state, bit for bit."""
    for value, expected in zip(values(model), values(other), strict=True):
        np.testing.assert_array_equal(value, expected)


def table(folder):
    """Return the rows of the history as numbers, less the seconds, which differ."""
    with open(folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: float(row[name]) for name in row if name != "seconds"} for row in rows]


def names(folder):
    """Return the names of a folder's entries in order."""
    return sorted(entry.name for entry in folder.iterdir())


class Instants:
    """Copies a folder before every step that changes it: what a kill at that instant leaves."""

    STEPS = (
        *((module, "open") for module in (builtins, io, os)),
        *((os, name) for name in ("mkdir", "rename", "replace", "remove", "unlink", "rmdir")),
    )

    def __init__(self, folder, copies, patch):
        self.folder, self.copies, self.count, self.on = folder, copies, 0, False
        # Not an audit hook, which would stay in this process for all later tests.
        for module, name in self.STEPS:
            patch.setattr(module, name, self.watched(getattr(module, name)))

    def watched(self, function):
        """Return a function that copies the folder before it does its work there."""

        def call(*arguments, **options):
            if self.on and str(arguments[0]).startswith(str(self.folder)):
                self.take()
            return function(*arguments, **options)

        return call

    def take(self):
        """Copy the folder as it is."""
        self.on = False
        shutil.copytree(self.folder, self.copies / f"{self.count:03}")
        self.count += 1
        self.on = True
