"""The models around a model: made once, so that each is compiled once."""

import gc
import weakref

import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import AlexNet
from keras_alexnet.evaluation.folder import ten_crops
from keras_alexnet.evaluation.networks import ready_network

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("uint8")


@pytest.fixture
def model():
    return AlexNet("cifar10_11pct", classes=3)  # its preparation cuts a window


def test_the_prepared_network_and_its_ten_crops_are_made_once(model, tmp_path):
    """With another card, or in another model, they are others."""
    ready = ready_network(model).model
    assert ready_network(model).model is ready
    assert ten_crops(ready, True) is ten_crops(ready, None)
    assert ready_network(model, variant="cifar10_11pct").model is ready
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert ready_network(loaded).model is not ready
    found = to_numpy(ready_network(loaded).model(IMAGES))
    np.testing.assert_allclose(found, to_numpy(ready(IMAGES)), rtol=1e-4, atol=1e-5)
    model.card = AlexNet("cifar10_13pct").card
    assert ready_network(model).model is not ready


def test_new_weights_count_at_once(model):
    ready = ready_network(model).model
    ready.predict_on_batch(IMAGES)
    model.set_weights([np.zeros_like(each) for each in model.get_weights()])
    again = ready_network(model).model.predict_on_batch(IMAGES)
    np.testing.assert_allclose(np.asarray(again), 1 / 3, rtol=1e-6)


def test_new_variables_need_a_new_model(model):
    """A quantized layer has other variables than the compiled function computes with."""
    ready = ready_network(model).model
    ready.predict_on_batch(IMAGES)
    model.get_layer("fc10").quantize("int8")
    again = ready_network(model).model
    assert again is not ready
    assert ready_network(model).model is again
    found = np.asarray(again.predict_on_batch(IMAGES))
    np.testing.assert_allclose(found, to_numpy(again(IMAGES)), rtol=1e-4, atol=1e-5)


def test_a_model_that_is_dropped_is_freed():
    model = AlexNet("cifar10_11pct", classes=3)
    ready_network(model)
    there = weakref.ref(model)
    del model
    gc.collect()
    assert there() is None
