"""Derivatives, compilation and conversions on the running backend."""

import contextlib

import keras
import numpy as np
import pytest

BACKEND = keras.backend.backend()


def tensor(x, dtype=None):
    """Return an array as a tensor of the running backend."""
    return keras.ops.convert_to_tensor(x, dtype=dtype)


def normal(*shape, std=1.0, seed=0, dtype="float32"):
    """Return normally distributed numbers."""
    return np.random.default_rng(seed).normal(0, std, shape).astype(dtype)


def to_numpy(x):
    """Return a tensor as a NumPy array; bfloat16, which NumPy lacks, as float32."""
    if keras.backend.standardize_dtype(x.dtype) == "bfloat16":
        x = keras.ops.cast(x, "float32")
    return np.asarray(keras.ops.convert_to_numpy(x))


def double_precision():
    """Return a context in which float64 is float64: JAX has 64 bits only where asked for."""
    if BACKEND != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.enable_x64(True)


def value_and_gradient(layer, x, dy):
    """Return a layer's output and its gradient for the upstream dy, in one traced step."""
    return traced(lambda x, dy: (layer(x), gradient(layer, x, dy)))(x, dy)


def _zeros(self, shape, dtype=None):
    return keras.ops.zeros(shape, dtype)  # of NumPy the backend would make a copy


@contextlib.contextmanager
def zeros_at_first():
    """Let kernels begin as zeros: a test that assigns them all need not wait for random ones."""
    kinds = (
        keras.initializers.RandomNormal,
        keras.initializers.RandomUniform,
        keras.initializers.TruncatedNormal,
        keras.initializers.VarianceScaling,
    )
    with pytest.MonkeyPatch.context() as patch:
        for kind in kinds:
            patch.setattr(kind, "__call__", _zeros)
        yield


def with_unknown_sizes(function, x, channel_axis=-1):
    """Run a function where the backend knows no size but the channels', if there is such a way."""
    if BACKEND != "tensorflow":
        return function(tensor(x))
    shape = [None] * x.ndim
    shape[channel_axis] = x.shape[channel_axis]
    return tf.function(function, input_signature=[tf.TensorSpec(shape)])(x)


def run_channels_first(model, x):
    """Run a model on channels-first images; on a CPU TensorFlow can do so under XLA alone."""
    if BACKEND != "tensorflow":
        return to_numpy(model(x))
    return tf.function(model, jit_compile=True, autograph=False)(tf.constant(x)).numpy()


if BACKEND == "tensorflow":
    import tensorflow as tf

    def gradient(function, x, dy):
        """Return the product of `dy` and the Jacobian of `function` at x; differentiable."""
        x, dy = tensor(x), tensor(dy)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x, output_gradients=dy)

    def directional(function, x, dx):
        """Return the product of the Jacobian of `function` at x and `dx`, in forward mode."""
        x, dx = tensor(x), tensor(dx)
        with tf.autodiff.ForwardAccumulator(x, dx) as accumulator:
            y = function(x)
        return accumulator.jvp(y)

    def hessian(function, x):
        """Return the matrix of second derivatives of a function with one value."""
        x = tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            slope = gradient(function, x, np.ones((), x.dtype.name))
        size = int(np.prod(x.shape))
        return tf.reshape(tape.jacobian(slope, x), (size, size))

    def compiled(function):
        """Return `function` compiled by the backend."""
        return tf.function(function, jit_compile=True, autograph=False)

    def traced(function):
        """Return `function` as `fit` would run it by default, which is not converted either."""
        return tf.function(function, autograph=False)

elif BACKEND == "jax":
    import jax

    def gradient(function, x, dy):
        """Return the product of `dy` and the Jacobian of `function` at x; differentiable."""
        return jax.vjp(function, tensor(x))[1](tensor(dy))[0]

    def directional(function, x, dx):
        """Return the product of the Jacobian of `function` at x and `dx`, in forward mode."""
        return jax.jvp(function, (tensor(x),), (tensor(dx),))[1]

    def hessian(function, x):
        """Return the matrix of second derivatives of a function with one value."""
        size = int(np.prod(x.shape))
        return jax.hessian(function)(tensor(x)).reshape(size, size)

    def compiled(function):
        """Return `function` compiled by the backend."""
        return jax.jit(function)

    traced = compiled

else:
    import torch

    def gradient(function, x, dy):
        """Return the product of `dy` and the Jacobian of `function` at x; differentiable."""
        x, dy = tensor(x), tensor(dy)
        if not x.requires_grad:
            x = x.detach().clone().requires_grad_()
        return torch.autograd.grad(function(x), x, dy, create_graph=True)[0]

    def directional(function, x, dx):
        """Return the product of the Jacobian of `function` at x and `dx`, in forward mode."""
        return torch.func.jvp(function, (tensor(x),), (tensor(dx),))[1]

    def hessian(function, x):
        """Return the matrix of second derivatives of a function with one value."""
        size = int(np.prod(x.shape))
        return torch.func.hessian(function)(tensor(x)).reshape(size, size)

    def compiled(function):
        """Return `function` as it is: PyTorch's compiler needs a C++ compiler on the machine."""
        return function

    traced = compiled
