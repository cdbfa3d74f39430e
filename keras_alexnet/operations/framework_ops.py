"""TensorFlow's operations inside `tf.data`, whatever backend Keras runs on.

Keras has no public name for them: this is the one file that uses a private name of Keras, and
tests/preprocessing/test_preprocessing.py fails loudly if Keras changes what stands behind it.
"""

import functools
import importlib
import sys
from typing import Any

import keras

from keras_alexnet.operations.streams import SeedGenerator

_PRIVATE = "keras.src.backend.tensorflow"
_ROOMS = ("core", "numpy")  # where `keras.ops` takes its functions from


class FrameworkOps:
    """The functions of `keras.ops`, and `random` as `keras.random`, of one framework.

    Args:
        name: The framework that computes: `"tensorflow"`, `"jax"` or `"torch"`.
    """

    def __init__(self, name: str):
        self.name = name
        self.native = name == keras.backend.backend()
        rooms = [] if self.native else [f"{_PRIVATE}.{room}" for room in _ROOMS]
        self._rooms = [importlib.import_module(room) for room in rooms] or [keras.ops]
        if self.native:
            self.random: Any = keras.random
        else:
            self.random = importlib.import_module(f"{_PRIVATE}.random")

    def __getattr__(self, name: str):
        """Return a function by the name that it has in `keras.ops`."""
        for room in self._rooms:
            if hasattr(room, name):
                return getattr(room, name)
        raise AttributeError(f"{self.name} has no operation {name!r}.")

    def seed_generator(self, seed: int):
        """Return a stream of random numbers that this framework can draw from in a graph."""
        if self.native:
            return SeedGenerator(seed)
        import tensorflow as tf

        with tf.init_scope():  # a variable outlives the graph of one map
            return SeedGenerator(seed, backend=importlib.import_module(_PRIVATE))


@functools.cache
def ops_of(framework: str) -> FrameworkOps:
    """Return the operations of a framework."""
    return FrameworkOps(framework)


def ops_for(x) -> FrameworkOps:
    """Return the operations of the framework that is to compute on `x`."""
    return ops_of(framework_of(x))


def framework_of(x) -> str:
    """Return the framework that is to compute on `x`: TensorFlow for its tensors, else Keras's."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(x, tensorflow.Tensor):
        return "tensorflow"
    return keras.backend.backend()
