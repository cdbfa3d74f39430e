"""TensorFlow: one XLA kernel for the forward and one for the backward pass."""

import functools

import tensorflow as tf

from keras_alexnet.backends import plain
from keras_alexnet.backends.foreign import operations


@functools.cache
def differentiable(operation):
    """Compile `operation` and give it its own gradient, which keeps nothing but the input.

    Without XLA every step of the formula is a pass over memory of its own; as a compiled
    function inside an otherwise uncompiled graph the operation is about twice as fast. The
    gradient is made of differentiable operations, so second derivatives work.
    """
    forward = tf.function(operation.forward, jit_compile=True, autograph=False)
    backward = tf.function(operation.vjp, jit_compile=True, autograph=False)

    @tf.custom_gradient
    def apply(x):
        def gradient(dy):
            return backward(x, dy)

        # Without the stop an eager tape looks into `forward` as well and keeps all inside it.
        return forward(tf.stop_gradient(x)), gradient

    return apply


@functools.cache
def _compiled(operation):
    def run(*tensors, **static):
        return operation(operations("tensorflow"), *tensors, **static)

    return tf.function(run, jit_compile=True, autograph=False)


def affine(ops, x, scale, shift, dtype: str):
    """Compute in one pass over memory instead of three."""
    return _compiled(plain.affine)(x, scale, shift, dtype=dtype)


def crop(ops, images, tops, lefts, mirrors, height: int, width: int):
    """Gather with XLA, which is three times as fast on a CPU as TensorFlow's own kernel."""
    return _compiled(plain.crop)(images, tops, lefts, mirrors, height=height, width=width)
