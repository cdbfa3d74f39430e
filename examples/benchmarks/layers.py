"""Time this package's layers against the straightforward ones of the running backend.

Grouped convolution against `keras.layers.Conv2D(groups=2)`, max pooling against
`keras.layers.MaxPooling2D`, and local response normalization against the framework's own:
`tf.nn.local_response_normalization`, a `reduce_window` in JAX,
`torch.nn.functional.local_response_norm`. Forward and gradient, outputs compared first, both sides
alternating in one process, medians.

    KERAS_BACKEND=tensorflow python examples/benchmarks/layers.py
"""

import argparse
import statistics
import time

import keras
import numpy as np

from keras_alexnet import LocalResponseNormalization
from keras_alexnet.layers import Conv2D, MaxPooling2D

BACKEND = keras.backend.backend()
CONSTANTS = {"k": 2.0, "alpha": 2e-5, "beta": 0.75}  # of the 2012 source, for a window of 5


def framework_lrn():
    """Return the framework's own normalization of channels-last images, window 5."""
    k, alpha, beta = CONSTANTS.values()
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return lambda x: tf.nn.local_response_normalization(x, 2, k, alpha, beta)
    if BACKEND == "jax":
        from jax import lax

        def jax_lrn(x):
            sums = lax.reduce_window(x * x, 0.0, lax.add, (1, 1, 1, 5), (1, 1, 1, 1), "SAME")
            return x / (k + alpha * sums) ** beta

        return jax_lrn
    from torch.nn import functional

    def torch_lrn(x):
        y = functional.local_response_norm(x.movedim(-1, 1), 5, 5 * alpha, beta, k)
        return y.movedim(1, -1)

    return torch_lrn


def steps(function, xla=False):
    """Return a function of x that runs `function` and its gradient and waits for both."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=xla, autograph=False)
        def step(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = function(x)
            return y, tape.gradient(y, x, y)

        def run(x):
            y, gradient = step(x)
            gradient.numpy()
            return y, gradient

    elif BACKEND == "jax":
        import jax

        @jax.jit
        def step(x):
            y, pull = jax.vjp(function, x)
            return y, pull(y)[0]

        def run(x):
            return jax.block_until_ready(step(x))

    else:
        import torch

        def run(x):
            x = x.detach().requires_grad_()
            y = function(x)
            (gradient,) = torch.autograd.grad(y, x, y.detach())
            return y.detach(), gradient

    return run


def compare(label, ours, theirs, x, repeats):
    """Check that both sides agree, time them alternately and print their medians and ratio."""
    for mine, other in zip(ours(x), theirs(x), strict=True):
        mine, other = keras.ops.convert_to_numpy(mine), keras.ops.convert_to_numpy(other)
        np.testing.assert_allclose(mine, other, atol=1e-4 * np.abs(other).max())
    seconds = {ours: [], theirs: []}
    for _ in range(repeats):
        for side in (ours, theirs):
            start = time.perf_counter()
            side(x)
            seconds[side].append(time.perf_counter() - start)
    mine, other = (1000 * statistics.median(seconds[side]) for side in (ours, theirs))
    row = f"{mine:8.1f} ms  {other:8.1f} ms  {other / mine:5.1f} x"
    print(f"{BACKEND:<11} {label:<52} {row}", flush=True)


def main():
    """Time conv2, conv4, two poolings and both normalizations of the 2012 network."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="half of the rows, small arrays")
    quick = parser.parse_args().quick
    batch, repeats = (2, 2) if quick else (32, 9)
    rng = np.random.default_rng(0)
    print(f"{'backend':<11} {'forward and gradient':<52} {'ours':>11} {'theirs':>12}   ratio")

    def images(*shape):
        return keras.ops.convert_to_tensor(rng.normal(0, 30, (batch, *shape)).astype("float32"))

    for name, shape, filters, kernel in [
        ("conv2", (27, 27, 96), 256, 5),
        ("conv4", (13, 13, 384), 384, 3),
    ][quick:]:
        x = images(*shape)
        settings = {"padding": "same", "groups": 2, "data_format": "channels_last"}
        ours = Conv2D(filters, kernel, **settings)
        theirs = keras.layers.Conv2D(filters, kernel, **settings)
        ours.build(x.shape)
        theirs.build(x.shape)
        theirs.set_weights(ours.get_weights())
        label = f"{name} against Conv2D(groups=2)"
        compare(label, steps(ours), steps(theirs), x, 1 if quick else 3)
    layer = LocalResponseNormalization(data_format="channels_last", **CONSTANTS)
    for shape in [(55, 55, 96), (27, 27, 256)][quick:]:
        x = images(*shape)
        for xla in (False, True) if BACKEND == "tensorflow" else (False,):
            label = f"LRN {(batch, *shape)} against its own{', XLA' if xla else ''}"
            compare(label, steps(layer, xla), steps(framework_lrn(), xla), x, repeats)
            label = f"pooling {(batch, *shape)} against Keras's{', XLA' if xla else ''}"
            pools = (pooling(3, 2) for pooling in (MaxPooling2D, keras.layers.MaxPooling2D))
            compare(label, *(steps(pool, xla) for pool in pools), x, repeats)


if __name__ == "__main__":
    main()
