"""Dropout with a generator that costs little time."""

from keras import backend, random

from keras_alexnet.operations.exports import is_exporting
from keras_alexnet.operations.operation import Operation


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
def undropped(x):
    """Return x, as dropout does at inference."""
    return x


@undropped.override("jax")
def _undropped_jax(x):
    """Return x, and on a CPU keep XLA from compiling the layers before and after it as one.

    XLA (jaxlib 0.10.2) compiles dense layers in a row and the softmax behind them into one loop for
    batches of 5 to 8 images, which takes eight to ten times as long. `reduce_precision` separates
    them. It rounds to the 8 and 23 bits that a float32 has, so that no value of x changes; the
    shape is any.
    """
    import jax

    standard = backend.standardize_dtype(x.dtype)
    if standard != "float32" or jax.default_backend() != "cpu" or is_exporting():
        return x
    return jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=23)
