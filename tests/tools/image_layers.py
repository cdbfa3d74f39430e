"""Every layer on images, by name, and how its results are compared."""

import functools

import numpy as np
import pytest

from keras_alexnet import PCAColorNoise, RandomCropFlip, TenCrop
from keras_alexnet.preprocessing import CenterCrop, NineCrop, PixelNormalization, SquareResize

LAST = {"data_format": "channels_last"}


LAYERS = {
    "resize": functools.partial(SquareResize, 20, **LAST),
    "warp": functools.partial(SquareResize, 20, "warp", **LAST),
    "crop": functools.partial(RandomCropFlip, 12, 10, seed=3, **LAST),
    "centre": functools.partial(CenterCrop, 12, 10, **LAST),
    "nine": functools.partial(NineCrop, 12, 10, **LAST),
    "ten": functools.partial(TenCrop, 12, 10, **LAST),
    "noise": functools.partial(PCAColorNoise, seed=3, **LAST),
    "pixels": functools.partial(PixelNormalization, (1.0, 2.0, 3.0), order="bgr", **LAST),
}


RANDOM = ("crop", "noise")


every_layer = pytest.mark.parametrize("name", LAYERS)


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 24, 30, 3), dtype="uint8")


def same(found, expected):
    """Compare images; a level of difference where a compiler rounded a half of uint8 otherwise."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    tolerance = 1 if found.dtype == np.uint8 else 1e-4
    difference = np.abs(found.astype("float64") - expected)
    assert difference.max() <= tolerance
    assert (difference > 1e-4).mean() < 0.02
