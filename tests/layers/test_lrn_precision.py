"""`LocalResponseNormalization` in every data type, and at the ends of their ranges."""

import keras
import numpy as np
import pytest

from helpers import double_precision, gradient, normal, tensor, to_numpy
from keras_alexnet import LocalResponseNormalization
from normalization import BETAS, STRONG, assert_close, expected

# The arithmetic is float32 at least, so what remains is the rounding of the result: half a unit
# in the last place, plus float32's own error. float32 and float64 have a few operations' errors.
ROUNDING = {"float16": 2**-11, "bfloat16": 2**-8, "float32": 0, "float64": 0}


ARITHMETIC = {"float16": 1e-6, "bfloat16": 1e-6, "float32": 1e-6, "float64": 1e-14}


def assert_rounded(actual, wanted, dtype):
    """Compare each element with the reference, within the rounding of its data type."""
    scale = np.abs(wanted)
    slack = ROUNDING[dtype] * scale + ARITHMETIC[dtype] * scale.max()
    slack += 2**-24 if dtype == "float16" else 0  # its smallest step, next to zero
    assert np.all(np.abs(to_numpy(actual).astype("float64") - wanted) <= slack)


@pytest.mark.medium
@pytest.mark.parametrize("region", ["across_channels", "within_channel"])
@pytest.mark.parametrize(
    ("policy", "dtype"),
    [
        ("float16", "float16"),
        ("bfloat16", "bfloat16"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("mixed_float16", "float16"),
        ("mixed_bfloat16", "bfloat16"),
    ],
)
def test_data_types(policy, dtype, region):
    """Output and gradient have the layer's type and are the float64 results, rounded once."""
    with double_precision():
        layer = LocalResponseNormalization(3, **STRONG, region=region, dtype=policy)
        x = tensor(normal(2, 4, 3, 6, std=3), dtype)
        dy = tensor(normal(2, 4, 3, 6, seed=1), dtype)
        y, dx = layer(x), gradient(layer, x, dy)
        assert keras.backend.standardize_dtype(y.dtype) == dtype
        assert keras.backend.standardize_dtype(dx.dtype) == dtype
        exact_x, exact_dy = (to_numpy(part).astype("float64") for part in (x, dy))
        assert_rounded(y, expected(layer, exact_x), dtype)
        assert_rounded(dx, expected(layer, exact_x, exact_dy), dtype)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_takes_float32(policy):
    """Under a mixed policy float32 input is rounded to the compute type first, then normalized."""
    keras.config.set_dtype_policy(policy)
    layer = LocalResponseNormalization(3, **STRONG)
    x = normal(2, 3, 6)
    y = layer(x)
    dtype = policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    rounded = to_numpy(tensor(x, dtype)).astype("float64")
    assert_rounded(y, expected(layer, rounded), dtype)


@pytest.mark.parametrize("beta", BETAS)
def test_squares_may_overflow_float16(beta):
    """Activations of 300, whose squares float16 cannot hold, are normalized right."""
    layer = LocalResponseNormalization(5, 2.0, 1e-4, beta, dtype="float16")
    x = normal(2, 2, 9, std=300, dtype="float16")
    assert np.abs(x).max() > 256
    assert_rounded(layer(x), expected(layer, x.astype("float64")), "float16")


def test_whole_numbers():
    """Whole numbers, such as pixels, become numbers of the layer's type."""
    layer = LocalResponseNormalization()
    x = np.arange(30, dtype="uint8").reshape(1, 2, 3, 5)
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    assert_close(y, expected(layer, x.astype("float64")))


EXTREMES = {  # the largest number, one whose square just fits, the smallest normal, a denormal
    "float16": (65504.0, 255.0, 2.0**-14, 2.0**-24),
    "bfloat16": (float.fromhex("0x1.fep127"), 2.0**63, 2.0**-126, 2.0**-130),
    "float32": (float.fromhex("0x1.fffffep127"), 1.8e19, 2.0**-126, 2.0**-140),
    "float64": (float.fromhex("0x1.fffffffffffffp1023"), 1.3e154, 2.0**-1022, 2.0**-1070),
}


@pytest.mark.parametrize(
    ("dtype", "alpha", "beta"),
    [(dtype, 1e-4, 0.75) for dtype in EXTREMES]
    + [("float32", 1e-4, beta) for beta in BETAS if beta != 0.75]
    + [("float32", 0, 0.75), ("float64", 0, 0.5), ("float32", 1.0, 0.75), ("bfloat16", 1.0, 0.6)],
)
def test_every_finite_input_gives_finite_results(dtype, alpha, beta):
    """Output and gradient are finite for the largest, the smallest and zero activations."""
    largest, root, *tiny = EXTREMES[dtype]
    x = np.zeros((8, 7))
    x[1] = largest
    x[2, ::2] = -largest
    x[3, 3] = largest
    x[4] = root
    x[5, ::3] = -root
    x[6], x[7] = np.reshape(tiny, (2, 1))
    x[3, 4:6] = 1, -300
    with double_precision():
        layer = LocalResponseNormalization(5, 1.0, alpha, beta, dtype=dtype)
        x, dy = tensor(x, dtype), tensor(np.full(x.shape, 1.5), dtype)
        assert np.isfinite(to_numpy(x)).all()
        assert np.isfinite(to_numpy(layer(x))).all()
        assert np.isfinite(to_numpy(gradient(layer, x, dy))).all()
