"""The backend's own operations on images, against the plain ones."""

import keras
import numpy as np
import pytest

from helpers import tensor, to_numpy, traced
from image_layers import IMAGES
from keras_alexnet.operations.image import affine, crop

DTYPES = ("uint8", "int32", "float16", "bfloat16", "float32")


@pytest.mark.medium
@pytest.mark.parametrize("dtype", DTYPES)
def test_fast_crop_is_the_plain_one(dtype):
    """The backend's own way of cutting gives the bits that `keras.ops` gives."""
    images = keras.ops.cast(tensor(IMAGES), dtype)
    fast = traced(lambda *x: crop(*x, 12, 13))
    rng = np.random.default_rng(1)
    places = [rng.integers(0, below, 6).astype("int32") for below in (24 - 11, 30 - 12, 2)]
    found = fast(images, *map(tensor, places))
    expected = crop.plain(images, *map(tensor, places), 12, 13)
    assert keras.backend.standardize_dtype(found.dtype) == dtype
    np.testing.assert_array_equal(to_numpy(found), to_numpy(expected))
    by_hand = [
        image[top : top + 12, left : left + 13][:, :: -1 if mirrored else 1]
        for image, top, left, mirrored in zip(IMAGES, *places, strict=True)
    ]
    np.testing.assert_array_equal(to_numpy(found), np.stack(by_hand).astype(to_numpy(found).dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("out", "tolerance"), [("float32", 1e-5), ("float16", 0.3), ("bfloat16", 2)]
)
@pytest.mark.parametrize("shape", [(), (3,), (6, 1, 1, 3), (24, 30, 3)])
def test_fast_affine_is_the_plain_one(dtype, out, tolerance, shape):
    """The backend's own way of scaling and shifting gives what `keras.ops` and NumPy give."""
    images = keras.ops.cast(tensor(IMAGES), dtype)
    scale, shift = np.random.default_rng(2).uniform(-1, 1, (2, *shape)).astype("float32")
    arguments = (images, tensor(scale), tensor(shift))
    found = traced(lambda *x: affine(*x, out))(*arguments)
    expected = affine.plain(*arguments, out)
    assert keras.backend.standardize_dtype(found.dtype) == out
    by_hand = to_numpy(images).astype("float64") * scale + shift
    np.testing.assert_allclose(to_numpy(found), to_numpy(expected), atol=tolerance)
    np.testing.assert_allclose(to_numpy(found), by_hand, atol=4 * tolerance)
