"""Photos that every right program resizes to the same grey levels."""

import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet.export.grey_levels import clear_of_ties
from keras_alexnet.preprocessing import SquareResize

SIDE = 32


def photo(rows, columns):
    """Return a slope, of which half has noise, as photos have."""
    noise = np.random.default_rng(rows).integers(0, 256, (rows, columns, 3))
    slope = np.linspace(0, 255, columns)[:, None]
    noise[: rows // 2] = slope + noise[: rows // 2] % 3
    return noise.clip(0, 255).astype("uint8")


def halves(rows, columns):
    """Return stripes of two levels, whose means all lie halfway."""
    stripes = 254 + np.arange(columns)[:, None] % 2
    return np.broadcast_to(stripes, (rows, columns, 3)).astype("uint8")


IMAGES = {
    "landscape": photo(75, 100),
    "portrait": photo(64, 48),
    "smaller": photo(15, 20),
    "stripes": halves(64, 64),
}


@pytest.mark.parametrize("method", ["shorter_side", "warp"])
@pytest.mark.parametrize("name", IMAGES)
def test_no_pixel_is_halfway(name, method):
    """As the layer resizes floats, whose fractions it keeps; the photo is changed by little."""
    image = IMAGES[name]
    cleared = clear_of_ties(image, SIDE, method)
    assert cleared.dtype == np.uint8 and cleared.shape == image.shape
    layer = SquareResize(SIDE, method, data_format="channels_last")
    resized = to_numpy(layer(cleared[None].astype("float32")))
    assert np.abs(resized % 1 - 0.5).min() > 5e-4
    change = np.abs(cleared.astype(int) - image)
    assert change.max() <= 8
    assert change.mean() < (0.3 if name == "stripes" else 0.05)


@pytest.mark.backend_free
def test_a_photo_of_the_right_size():
    """Nothing is resized, and nothing changed."""
    image = photo(SIDE, SIDE)
    assert clear_of_ties(image, SIDE, "warp") is image
