"""The images that ranges of int8 are measured on: those that the model takes."""

import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from exported import small
from helpers import to_numpy
from keras_alexnet import UserError, export_model, get_variant, jobs
from keras_alexnet.cards.alexnet_model import card_of
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.export.graphs import graph_of
from keras_alexnet.export.inputs import inputs_of
from keras_alexnet.export.photos import photos_of
from keras_alexnet.preprocessing import evaluation_preprocessor

pytestmark = pytest.mark.one_backend


def inputs(model, images):
    """Return images as the model takes them, and what is assumed about them."""
    card = card_of(model) or ModelCard()
    return inputs_of(photos_of(images), graph_of(model), model, card)


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
    found = inputs(model, images)
    assert found.batch.dtype == np.float32 and found.unknown is None and found.note == ""
    np.testing.assert_array_equal(found.batch, images)


def test_pixels_for_a_network_that_scales_them(images):
    """As long as nothing else is recorded in its card."""
    found = inputs(scaled(recorded=False), images)
    assert found.unknown is None and found.note == ""
    np.testing.assert_array_equal(found.batch, images)


@pytest.mark.parametrize("shape", [(16, 16, 3), (16, 20, 3)])
def test_images_of_another_size(shape, images):
    """They are scaled as the card says, and not to a range of nobody's."""
    values = evaluation_preprocessor("cifar10_18pct", data_format="channels_last").layers[-1]
    flat = np.zeros_like(images[:1]) + np.uint8(200)
    found = inputs(small(input_shape=shape), flat)
    np.testing.assert_allclose(found.batch, to_numpy(values(flat[:, :16, : shape[1]])), rtol=1e-5)
    assert found.unknown is None
    assert ("resized to 16 x 20" in found.note) == (shape != (16, 16, 3))


def odd():
    return keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 3)], name="odd")


def gray():
    return small("cifar10_80sec", input_shape=(32, 32, 1), name="odd")


def scaled(recorded=True):
    x = keras.Input((32, 32, 3))
    model = small("cifar10_80sec", input_tensor=keras.layers.Rescaling(1 / 255)(x), name="odd")
    if recorded:
        model.card = dataclasses.replace(model.card, pixels=get_variant("cifar10_80sec").pixels)
    return model


UNKNOWN = {
    odd: "the model 'odd', which does not say how its images are prepared.",
    gray: "the model 'odd' of images of shape (32, 32, 1), whose model card prepares images of "
    "shape (32, 32, 3).",
    scaled: "the model 'odd', which scales its images itself, and whose model card says how to "
    "prepare them too.",
}


@pytest.mark.peer("onnx", "onnxruntime")
@pytest.mark.parametrize(("make", "reason"), UNKNOWN.items())
def test_images_of_which_nothing_is_known(make, reason, images, tmp_path):
    """Where ranges or a preparation would rest on a guess, no file is; a comparison says it."""
    model, path = make(), tmp_path / "a.onnx"
    for options, argument in (
        ({"precision": "int8"}, "precision='int8'"),
        ({"preprocessing": True}, "preprocessing=True"),
        ({"preprocessing": True, "precision": "int8"}, "preprocessing=True"),
    ):
        with pytest.raises(UserError) as caught:
            export_model(model, path, photos=images, **options)
        assert caught.value.received == f"Received {argument} for {reason}"
        assert "evaluation_preprocessor(...) in front" in caught.value.remedy
    assert not [*tmp_path.iterdir()]
    for export in (export_model, jobs.export):
        made = export(model, path, photos=images, overwrite=True, verbose=0)
        guess = "stayed pixels of 0 to 255" if make is scaled else "were scaled to about -2 to 2"
        assert made.notes == (f"The images of the comparison {guess} for {reason}",)
        assert made.error < 1e-5


@pytest.mark.peer("onnx", "onnxruntime")
def test_images_that_are_not_square(images, tmp_path):
    """The card's numbers fit them, and its preparation does not, in any command."""
    import onnx

    Image.fromarray(images[0]).save(tmp_path / "a.png")
    model, path = small("cifar10_80sec", input_shape=(24, 32, 3)), tmp_path / "a.onnx"
    made = jobs.export(model, path, precision="int8", photos=images)
    assert "The images of the comparison were resized to 24 x 32 for the model" in made.notes[0]
    assert "preprocessing" not in [row.key for row in onnx.load(path).metadata_props]
    for job in (
        lambda: jobs.export(model, path, preprocessing=True, overwrite=True),
        lambda: jobs.classify(tmp_path / "a.png", model=model),
    ):
        with pytest.raises(UserError, match=r"\(24, 32, 3\), whose model card prepares images"):
            job()


@pytest.mark.peer("onnx", "onnxruntime")
def test_a_preparation_that_is_assumed_is_said(images, tmp_path):
    """A network that was never loaded has its variant's."""
    model = small("cifar10_80sec")
    for path in ("a.onnx", "b.onnx"):
        made = export_model(model, tmp_path / path, photos=images, verbose=False)
        assert "are assumed to be prepared as for the variant 'cifar10_80sec'" in made.notes[0]
