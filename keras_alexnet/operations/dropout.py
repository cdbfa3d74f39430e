"""Dropout with a generator that costs little time, and what it returns to a dense layer."""

import math

from keras import backend, random

from keras_alexnet.operations.exports import is_exporting
from keras_alexnet.operations.operation import Operation

DENSE_FEATURES = 10_000  # of an image: fc6 of the 2012 network takes 9216, and conv4 64,896


@Operation
def dropout(x, rate: float, seed_generator):
    """Set values to 0 at the given rate and divide the others by 1 - rate."""
    return random.dropout(x, rate, seed=seed_generator)


@dropout.override("tensorflow")
def _dropout_tensorflow(x, rate: float, seed_generator):
    """Draw with Philox: what XLA takes by itself needs thirty times as long on a CPU."""
    import tensorflow as tf

    seed = tf.cast(seed_generator.next(), "int32")
    return tf.nn.experimental.stateless_dropout(x, rate, seed=seed, rng_alg="philox")


@Operation
def before_dense(x):
    """Return x, which a dense layer takes next."""
    return x


@before_dense.override("jax")
def _before_dense_jax(x):
    """Return x, in memory such that XLA computes the next dense layer by Eigen on a CPU.

    XLA (jaxlib 0.10.2) takes YNNPACK, which needs twice as long, unless the features lie before the
    images; and for 5 to 8 images it compiles dense layers in a row and the softmax behind them into
    one loop, which takes eight to ten times as long. The barrier keeps XLA from turning x back.
    """
    import jax

    standard = backend.standardize_dtype(x.dtype)
    other = standard != "float32" or jax.default_backend() != "cpu" or is_exporting()
    if other or x.ndim < 2 or math.prod(x.shape[1:]) > DENSE_FEATURES:
        return x
    features = jax.lax.optimization_barrier(x.reshape(x.shape[0], -1).T)
    return features.T.reshape(x.shape)
