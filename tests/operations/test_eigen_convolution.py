"""Convolutions that XLA leaves to Eigen, against `keras.ops.conv`."""

import keras
import numpy as np
import pytest
from keras import ops

from helpers import BACKEND, double_precision, gradient, normal, tensor, to_numpy
from keras_alexnet.operations.convolution import grouped_conv
from keras_alexnet.operations.eigen_convolution import EigenConvolution

CASES = {  # maps, kernel, strides, padding
    "same": ((8, 9, 8, 4), (3, 3, 4, 6), (1, 1), "same"),
    "valid": ((8, 10, 9, 4), (2, 3, 4, 6), (1, 1), "valid"),
    "strides": ((8, 17, 19, 3), (5, 4, 3, 6), (2, 3), "same"),
    "a rest": ((8, 20, 22, 3), (3, 5, 3, 6), (3, 2), "valid"),
    "large kernel": ((2, 3, 4, 160), (3, 3, 160, 280), (1, 1), "same"),
    "both": ((8, 6, 5, 160), (3, 4, 160, 210), (2, 1), "same"),
}
TOLERANCES = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 4e-6, "float64": 1e-13}


def _gradients(conv, x, kernel):
    """Return the result and the gradients for maps and kernel."""
    y = conv(x, kernel)
    dy = tensor(normal(*y.shape, seed=2), y.dtype)
    along_x = gradient(lambda x: conv(x, kernel), x, dy)
    return y, along_x, gradient(lambda kernel: conv(x, kernel), kernel, dy)


@pytest.mark.backend_free
def test_where_eigen_is_faster():
    """Few images, one place, and results much narrower than the maps have no rule of their own."""
    same, wide = ((1, 1), (1, 1)), (32, 13, 13, 64)
    kernel = (3, 3, 64, 64)
    assert EigenConvolution(wide, kernel, (1, 1), same).is_faster
    assert not EigenConvolution((4, 13, 13, 64), kernel, (1, 1), same).is_faster
    assert not EigenConvolution(wide, (1, 1, 64, 64), (1, 1), ((0, 0), (0, 0))).is_faster
    assert not EigenConvolution((32, 13, 5, 64), kernel, (1, 1), ((0, 0), (0, 0))).is_faster


if BACKEND == "jax":
    import jax

    @pytest.mark.parametrize(
        ("name", "dtype"),
        [(name, "float32") for name in CASES] + [("strides", dtype) for dtype in TOLERANCES],
    )
    def test_values_and_gradients(name, dtype):
        """Result and gradients are the plain ones, but for the rounding of the type."""
        maps, shape, strides, padding = CASES[name]
        options = {"padding": padding, "data_format": "channels_last", "dilation_rate": 1}
        options["strides"] = list(strides)
        with double_precision():
            x, kernel = (tensor(normal(*size), dtype) for size in (maps, shape))
            ours = jax.jit(lambda x, kernel: grouped_conv(x, kernel, 1, **options))
            plain = jax.jit(lambda x, kernel: ops.conv(x, kernel, **options))
            pairs = zip(*(_gradients(run, x, kernel) for run in (ours, plain)), strict=True)
            for value, wanted in pairs:
                assert value.dtype == wanted.dtype == keras.backend.standardize_dtype(dtype)
                value, wanted = (to_numpy(a).astype("float64") for a in (value, wanted))
                atol = TOLERANCES[dtype] * np.abs(wanted).max()
                np.testing.assert_allclose(value, wanted, rtol=0, atol=atol)

    @pytest.mark.parametrize("name", ["strides", "large kernel"])
    def test_second_derivatives(name):
        """Forward-mode derivatives of the gradient are the plain ones."""
        maps, shape, strides, padding = CASES[name]
        options = {"padding": padding, "data_format": "channels_last", "dilation_rate": 1}
        options["strides"] = list(strides)
        x, kernel = normal(*maps), normal(*shape, std=0.1)

        def second(conv):
            def loss(x, kernel):
                return ops.sum(conv(x, kernel) ** 3)

            slopes = jax.grad(loss, argnums=(0, 1))
            return jax.jvp(slopes, (x, kernel), (x[::-1], kernel[::-1]))[1]

        ours = second(lambda x, kernel: grouped_conv(x, kernel, 1, **options))
        plain = second(lambda x, kernel: ops.conv(x, kernel, **options))
        for value, wanted in zip(ours, plain, strict=True):
            atol = 1e-5 * np.abs(wanted).max()
            np.testing.assert_allclose(value, wanted, rtol=0, atol=atol)

    @pytest.mark.parametrize("name", list(CASES))
    def test_no_kernel_is_exchanged_with_the_maps(name):
        """XLA has no fast program of a convolution with a kernel that it turned round."""
        maps, shape, strides, padding = CASES[name]
        options = {"padding": padding, "data_format": "channels_last", "dilation_rate": 1}
        options["strides"] = list(strides)

        def conv(x, kernel):
            return grouped_conv(x, kernel, 1, **options)

        step = jax.jit(lambda x, kernel: _gradients(conv, x, kernel))
        program = step.lower(normal(*maps), normal(*shape)).compile().as_text()
        assert "convolution(" in program
        assert "reversal" not in program
