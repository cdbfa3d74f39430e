"""Ceilings of the device, and local response normalization: cases that take turns."""

import itertools

import keras
import numpy as np

from keras_alexnet import LocalResponseNormalization
from peers.gpu_names import CEILINGS, LAYERS, STEPS
from peers.gpu_networks import floats, repeated, tensor_cores

CONSTANTS = {"k": 2.0, "alpha": 2e-5, "beta": 0.75}  # of the 2012 source, for a window of 5


def in_turn(steps):
    """Return a function that runs the next of some functions."""
    turns = itertools.cycle(steps)
    return lambda: next(turns)()


def maps(batch: int, *case):
    """Return what a normalization takes, and its dtype."""
    *shape, dtype = case
    rng = np.random.default_rng(3)
    return rng.normal(0, 30, (batch, *shape)).astype("float32"), dtype


def layer(dtype: str):
    """Return this package's layer."""
    settings = {"data_format": "channels_last", "dtype": dtype}
    return LocalResponseNormalization(**settings, **CONSTANTS)


def looked_at(y, gradient):
    """Return a part of the outputs and of the gradient, to compare."""
    arrays = [keras.ops.reshape(floats(array), (2, -1))[:, :500] for array in (y, gradient)]
    return np.concatenate([keras.ops.convert_to_numpy(array) for array in arrays], axis=1)


def jax_lrn(net: str, job: str, batch: int, own: bool):
    """Return outputs and gradient of the first case, and the step, forward and gradient."""
    import jax
    from jax import lax

    def windows(x):
        wide = x.astype("float32")
        sums = lax.reduce_window(wide * wide, 0.0, lax.add, (1, 1, 1, 5), (1, 1, 1, 1), "SAME")
        k, alpha, beta = CONSTANTS.values()
        return (wide / (k + alpha * sums) ** beta).astype(x.dtype)

    def made(*case):
        x, dtype = maps(batch, *case)
        x = jax.device_put(x).astype(dtype)
        function = layer(dtype) if own else windows

        @jax.jit
        def both(x):
            y, pull = jax.vjp(function, x)
            return y, pull(y)[0]

        return lambda: both(x)

    cases = [made(*case) for case in LAYERS]
    return looked_at(*cases[0]()), in_turn([repeated(case) for case in cases])


def torch_lrn(net: str, job: str, batch: int, own: bool, compiled: bool):
    """Return the same in PyTorch, whose own function takes channels first."""
    import torch
    from torch.nn import functional

    tensor_cores()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    k, alpha, beta = CONSTANTS.values()

    def its_own(x):
        x = x.float() if device == "cpu" else x  # PyTorch has no bfloat16 for it there
        return functional.local_response_norm(x, 5, 5 * alpha, beta, k)

    def made(*case):
        x, dtype = maps(batch, *case)
        x = torch.from_numpy(x).to(device, getattr(torch, dtype))
        x = x if own else x.movedim(-1, 1).contiguous()
        function = layer(dtype) if own else torch.compile(its_own) if compiled else its_own

        def both():
            given = x.detach().requires_grad_()
            y = function(given)
            (gradient,) = torch.autograd.grad(y, given, y.detach())
            return y.detach(), gradient

        return both

    cases = [made(*case) for case in LAYERS]
    first = [array if own else array.movedim(1, -1) for array in cases[0]()]
    return looked_at(*first), in_turn([repeated(case) for case in cases])


def side_of_products(gpu: bool) -> int:
    """Return the rows of the matrices whose product is timed."""
    return 8192 if gpu else 256


def jax_ceilings(net: str, job: str, batch: int):
    """Return the operations or bytes of each case, and their steps, on JAX."""
    import jax

    gpu = jax.devices()[0].platform != "cpu"
    n, size = side_of_products(gpu), 1 << (30 if gpu else 20)
    multiply, copy = jax.jit(lambda a: a @ a), jax.jit(lambda x: x + 1)
    key = jax.random.key(0)
    matrices = [jax.random.normal(key, (n, n), dtype) for dtype in ("float32", "bfloat16")]
    given = jax.numpy.zeros(size, "uint8")
    images = np.zeros((batch, 256, 256, 3), "uint8")
    steps = [
        *[lambda a=a: multiply(a) for a in matrices],
        lambda: copy(given),
        lambda: jax.device_put(images),
    ]
    work = np.array([[2 * n**3, 2 * n**3, 2 * size, images.nbytes]])
    assert len(CEILINGS) == len(steps)
    return STEPS * work, in_turn([repeated(step) for step in steps])


def torch_ceilings(net: str, job: str, batch: int):
    """Return the same on PyTorch."""
    import torch

    tensor_cores()
    gpu = torch.cuda.is_available()
    device = "cuda" if gpu else "cpu"
    n, size = side_of_products(gpu), 1 << (30 if gpu else 20)
    kinds = torch.float32, torch.bfloat16
    matrices = [torch.randn((n, n), dtype=kind, device=device) for kind in kinds]
    given = torch.zeros(size, dtype=torch.uint8, device=device)
    taken = torch.empty_like(given)
    images = torch.zeros((batch, 256, 256, 3), dtype=torch.uint8)
    steps = [
        *[lambda a=a: a @ a for a in matrices],
        lambda: taken.copy_(given),
        lambda: images.to(device, copy=True),
    ]
    work = np.array([[2 * n**3, 2 * n**3, 2 * size, images.nbytes]])
    return STEPS * work, in_turn([repeated(step) for step in steps])
