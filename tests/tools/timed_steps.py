"""Timings, compiled models and commands for the tests of benchmarks."""

import keras

from keras_alexnet.benchmarking import Timings

BACKEND = keras.backend.backend()


STEADY = (0.10, 0.11, 0.09, 0.10, 0.10, 0.11, 0.10, 0.09, 0.10, 0.10)


def timings(seconds=STEADY, **options):
    """Return the timings of a step."""
    return Timings("train", 1.0, (0.2,), tuple(seconds), **options)


def small_model(steps_per_execution=1):
    """Return a compiled model of a subclass, with one layer."""

    @keras.saving.register_keras_serializable(package="test_benchmark")
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    model = Model()
    model.compile("sgd", "mse", steps_per_execution=steps_per_execution)
    return model


SMALL = ["benchmark", "--variant", "cifar10_19pct", "--batch-size", "2", "--batches", "3"]
SMALL += ["--burn-in", "1"]
