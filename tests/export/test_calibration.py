"""The images that ranges of int8 are measured on: those that the model takes."""

import keras
import numpy as np
import pytest

from exported import small
from helpers import to_numpy
from keras_alexnet import UserError, export_model
from keras_alexnet.cards.alexnet_model import card_of
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.export.graphs import graph_of
from keras_alexnet.export.photos import model_inputs, photos_of
from keras_alexnet.preprocessing import evaluation_preprocessor

pytestmark = pytest.mark.one_backend


def inputs_of(model, images):
    """Return images as the model takes them."""
    card = card_of(model) or ModelCard()
    return model_inputs(photos_of(images), graph_of(model), model, card)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), "uint8")


@pytest.mark.parametrize(
    "first", [keras.layers.Rescaling(1 / 64, -2), keras.layers.BatchNormalization()]
)
def test_pixels_for_a_model_that_scales_them(first, images):
    """Although no card says so."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((32, 32, 3)), first, *layers])
    found = inputs_of(model, images)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, images)


def test_images_of_another_size(images):
    """They are scaled as the card says, and not to a range of nobody's."""
    values = evaluation_preprocessor("cifar10_18pct", data_format="channels_last").layers[-1]
    model = small(input_shape=(16, 16, 3))
    flat = np.zeros_like(images[:1]) + np.uint8(200)
    found = inputs_of(model, flat)
    np.testing.assert_allclose(found, to_numpy(values(flat[:, :16, :16])), rtol=1e-5)


@pytest.mark.peer("onnx", "onnxruntime")
def test_int8_of_unknown_images(images, tmp_path):
    """A guess would cut off the values of the images that come later."""
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 3)], name="odd")
    with pytest.raises(UserError, match=r"int8' for the model 'odd'.*Rescaling\(\.\.\.\) in front"):
        export_model(model, tmp_path / "a.onnx", precision="int8", photos=images)
    assert not [*tmp_path.iterdir()]
