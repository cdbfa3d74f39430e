"""Derivatives of `LocalResponseNormalization`: second ones, forward mode, compiled."""

import numpy as np
import pytest
from keras import ops

from helpers import (
    BACKEND,
    compiled,
    directional,
    double_precision,
    gradient,
    hessian,
    normal,
    tensor,
    to_numpy,
    traced,
)
from keras_alexnet import LocalResponseNormalization
from normalization import assert_close, expected


def second_derivative(layer, x, dy, v, step=1e-4):
    """Differentiate <v, reference gradient> by central differences, element by element."""
    slopes = np.zeros(x.size)
    for i in range(x.size):
        shift = np.zeros(x.size)
        shift[i] = step
        shift = shift.reshape(x.shape)
        change = expected(layer, x + shift, dy) - expected(layer, x - shift, dy)
        slopes[i] = (v * change).sum() / (2 * step)
    return slopes.reshape(x.shape)


SMALL = {
    "across": ({"size": 3}, (2, 5)),
    "across, even": ({"size": 4, "even_window": "after"}, (1, 2, 2, 5)),
    "groups": ({"size": 5, "groups": 2}, (2, 6)),
    "first": ({"size": 3, "data_format": "channels_first"}, (2, 3, 2)),
    "within": ({"size": 2, "region": "within_channel"}, (1, 3, 3, 2)),
}


every_small = pytest.mark.parametrize(("arguments", "shape"), SMALL.values(), ids=SMALL)


def assert_second_derivative_right(layer, shape):
    """Compare the gradient of <v, gradient> with the reference's."""
    x, dy, v = (normal(*shape, seed=seed) for seed in range(3))
    actual = traced(lambda x: gradient(lambda x: gradient(layer, x, dy), x, v))(tensor(x))
    assert_close(actual, second_derivative(layer, x.astype("float64"), dy, v))


@pytest.mark.medium
@every_small
def test_second_derivatives(arguments, shape):
    """The gradient's own gradient is the reference gradient's, found by finite differences."""
    layer = LocalResponseNormalization(k=1.0, alpha=0.3, **arguments)
    assert_second_derivative_right(layer, shape)


@pytest.mark.parametrize("beta", [0.5, 1, 0.6])
def test_second_derivatives_of_other_exponents(beta):
    """The gradient's own gradient is right whichever way the power is computed."""
    layer = LocalResponseNormalization(3, k=1.0, alpha=0.3, beta=beta, groups=2)
    assert_second_derivative_right(layer, (2, 6))


@every_small
@pytest.mark.filterwarnings(  # PyTorch's own, on the first use of its forward mode
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)
def test_hessian(arguments, shape):
    """The matrix of second derivatives is symmetric and row by row the reference's."""
    layer = LocalResponseNormalization(k=1.0, alpha=0.3, **arguments)
    x, dy = normal(*shape), normal(*shape, seed=1)
    weights = tensor(dy)
    matrix = traced(lambda x: hessian(lambda x: ops.sum(weights * layer(x)), x))
    actual = to_numpy(matrix(tensor(x)))
    rows = [
        second_derivative(layer, x.astype("float64"), dy, v.reshape(shape)).ravel()
        for v in np.eye(x.size)
    ]
    assert_close(actual, np.stack(rows))
    assert_close(actual, actual.T)


@pytest.mark.medium
@every_small
@pytest.mark.filterwarnings(  # PyTorch's own, on the first use of its forward mode
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)
def test_forward_mode(arguments, shape):
    """Forward mode gives the change along a direction that the reverse gradient implies."""
    layer = LocalResponseNormalization(k=1.0, alpha=0.3, **arguments)
    x, dx, dy = (normal(*shape, seed=seed) for seed in range(3))
    change = to_numpy(directional(layer, x, dx))
    assert change.shape == x.shape
    wanted = (expected(layer, x, dy) * dx).sum()
    assert (change * dy).sum() == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def check_by_framework(function, x):
    """Let the backend's own checker compare first and second derivatives with differences."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        def slope(x):
            return gradient(lambda x: function(x) ** 3, x, np.ones_like(x))

        for checked in (function, slope):
            analytic, numeric = tf.test.compute_gradient(checked, [tensor(x)], delta=1e-5)
            np.testing.assert_allclose(analytic[0], numeric[0], rtol=1e-6, atol=1e-6)
    elif BACKEND == "jax":
        import jax.test_util

        jax.test_util.check_grads(function, (tensor(x),), order=2, modes=("fwd", "rev"))
    else:
        import torch

        x = tensor(x).requires_grad_()
        assert torch.autograd.gradcheck(function, x, check_forward_ad=True, check_batched_grad=True)
        assert torch.autograd.gradgradcheck(function, x)


@pytest.mark.medium
@pytest.mark.filterwarnings(  # PyTorch's own, on the first use of its forward mode
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)
def test_the_backends_own_checker():
    """The checker of derivatives that each framework has is satisfied, in float64."""
    layer = LocalResponseNormalization(4, k=1.0, alpha=0.3, groups=2, dtype="float64")
    with double_precision():
        check_by_framework(layer, normal(2, 6, dtype="float64"))


@every_small
def test_compiled_is_the_same(arguments, shape):
    """The backend's compiler changes neither value nor gradient."""
    layer = LocalResponseNormalization(k=1.0, alpha=0.3, **arguments)
    x, dy = tensor(normal(*shape)), tensor(normal(*shape, seed=1))
    assert_close(compiled(layer)(x), to_numpy(layer(x)), 1e-6)
    slope = compiled(lambda x, dy: gradient(layer, x, dy))
    assert_close(slope(x, dy), to_numpy(gradient(layer, x, dy)), 1e-6)
