"""The stacks in front of each network, against the published constants; in models and files."""

import dataclasses

import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import (
    evaluation_preprocessor,
    get_variant,
    list_variants,
    preprocess_input,
    training_preprocessor,
)
from keras_alexnet.preprocessing import Preprocessor
from keras_alexnet.published.lookup import get_checkpoint, list_checkpoints
from published_pixels import PUBLISHED, photos, published

VARIANTS = list_variants()


@pytest.mark.backend_free
def test_every_variant_is_published():
    """No variant stands without figures to compare with."""
    assert list(PUBLISHED) == VARIANTS


@pytest.mark.parametrize("name", VARIANTS)
def test_constants(name):
    """Central crop, range, mean, divisor and order of both stacks, to float32's rounding."""
    base, size = PUBLISHED[name][:2]
    images = photos(base, base)
    offset = (base - size) // 2
    cut = images[:, offset : offset + size, offset : offset + size]
    expected = published(name, cut)
    assert size == get_variant(name).input_size
    for stack in (
        evaluation_preprocessor(name, data_format="channels_last"),
        training_preprocessor(name, data_format="channels_last"),
    ):
        np.testing.assert_allclose(to_numpy(stack(images, training=False)), expected, atol=1e-4)
    np.testing.assert_allclose(preprocess_input(cut, name, "channels_last"), expected, atol=1e-4)


def test_own_means():
    """Three numbers or a mean image, of which the central part is subtracted."""
    images = photos(256, 256)
    stack = evaluation_preprocessor("paper", mean=(1, 2, 3), data_format="channels_last")
    cut = images[:, 16:240, 16:240].astype("float32")
    np.testing.assert_allclose(to_numpy(stack(images)), cut - [1, 2, 3], atol=1e-4)
    mean = np.random.default_rng(1).uniform(0, 255, (256, 256, 3)).astype("float32")
    stack = evaluation_preprocessor("paper", mean=mean, data_format="channels_last")
    np.testing.assert_allclose(to_numpy(stack(images)), cut - mean[16:240, 16:240], atol=1e-4)
    assert "subtracts a mean image of 256 x 256" in str(stack)


def test_seed():
    """A seed fixes windows and noise; no seed does not."""
    images = photos(256, 256)

    def made(seed):
        return to_numpy(training_preprocessor("paper", seed=seed)(images, training=True))

    np.testing.assert_array_equal(made(3), made(3))
    assert (made(3) != made(4)).any()
    assert (made(None) != made(None)).any()


@pytest.mark.medium
def test_channels_first():
    """Both stacks do the same with the channels first."""
    images = photos(270, 300)
    for name in ("bvlc", "paper"):
        last = training_preprocessor(name, seed=3, data_format="channels_last")
        first = training_preprocessor(name, seed=3, data_format="channels_first")
        for training in (True, False):
            found = to_numpy(first(images.transpose(0, 3, 1, 2), training=training))
            expected = to_numpy(last(images, training=training))
            np.testing.assert_allclose(found.transpose(0, 2, 3, 1), expected, atol=1e-4)


@pytest.mark.medium
def test_config():
    """A stack made from another's config does and says the same."""
    stack = training_preprocessor("paper", image_size=28, data_format="channels_last")
    again = Preprocessor.from_config(stack.get_config())
    images = photos(40, 50)
    assert str(again) == str(stack) == stack.sentence()
    found, expected = again(images, training=True), stack(images, training=True)
    np.testing.assert_array_equal(to_numpy(found), to_numpy(expected))


@pytest.mark.medium
def test_in_a_model(tmp_path):
    """In a functional model the layers stand by name, and a file keeps them and their streams."""
    inputs = keras.Input((40, 50, 3), dtype="uint8")
    stack = training_preprocessor("paper", image_size=28, seed=1, data_format="channels_last")
    model = keras.Model(inputs, stack(inputs))
    assert [layer.name for layer in model.layers[1:]] == [layer.name for layer in stack.layers]
    assert model.output_shape == (None, 28, 28, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = photos(40, 50)
    expected = model.predict(images, verbose=0)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), expected)
    np.testing.assert_allclose(to_numpy(stack(images, training=False)), expected, atol=1)
    np.testing.assert_array_equal(
        to_numpy(loaded(images, training=True)), to_numpy(model(images, training=True))
    )


def test_in_a_sequential_model(tmp_path):
    """As the first layer of a sequential model it is saved and loaded as well."""
    stack = training_preprocessor("owt", image_size=28, seed=1, data_format="channels_last")
    model = keras.Sequential([keras.Input((40, 50, 3), dtype="uint8"), stack])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = photos(40, 50)
    expected = model.predict(images, verbose=0)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), expected)
    assert str(loaded.layers[0]) == str(stack)


@pytest.mark.parametrize("kind", ["functional", "sequential"])
def test_a_model_that_is_called_does_not_augment(kind, tmp_path):
    """`model(x)` is inference as `predict` is, saved or not; training must be asked for."""
    stack = training_preprocessor("paper", image_size=28, seed=1, data_format="channels_last")
    inputs = keras.Input((40, 50, 3), dtype="uint8")
    if kind == "functional":
        model = keras.Model(inputs, stack(inputs))
    else:
        model = keras.Sequential([inputs, stack])
    model.save(tmp_path / "model.keras")
    images = photos(40, 50)
    for each in (model, keras.saving.load_model(tmp_path / "model.keras")):
        expected = each.predict(images, verbose=0)
        np.testing.assert_allclose(to_numpy(each(images)), expected, atol=1)
        np.testing.assert_allclose(to_numpy(each(images, training=False)), expected, atol=1)
        assert np.abs(to_numpy(each(images, training=True)) - expected).max() > 10


@pytest.mark.medium
def test_training_steps_augment():
    """A training step draws anew each time, an evaluation step never does."""
    stack = training_preprocessor("paper", image_size=28, seed=1, data_format="channels_last")
    inputs = keras.Input((40, 50, 3), dtype="uint8")
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(stack(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.0), "mae")
    images, labels = photos(40, 50), np.zeros((len(photos(40, 50)), 1))
    assert len({float(model.train_on_batch(images, labels)) for _ in range(3)}) == 3
    assert len({float(model.test_on_batch(images, labels)) for _ in range(3)}) == 1


@pytest.mark.parametrize("name", list_checkpoints())
def test_checkpoints(name):
    """A published checkpoint has the stacks of its variant and pixels, by name or by record."""
    checkpoint = get_checkpoint(name)
    assert checkpoint.pixels == get_variant(checkpoint.variant).pixels  # as it is so far
    for make in (evaluation_preprocessor, training_preprocessor):
        assert str(make(name)) == str(make(checkpoint)) == str(make(checkpoint.variant))
    images = photos(4, 4)
    np.testing.assert_array_equal(
        preprocess_input(images, name), preprocess_input(images, checkpoint.variant)
    )


def test_pixels_are_the_checkpoints():
    """Where a checkpoint was trained with other pixels than its variant, they are its own."""
    other = dataclasses.replace(get_variant("owt").pixels, mean=(1, 2, 3), std=(1, 1, 1), scale=1)
    checkpoint = dataclasses.replace(get_checkpoint("owt_torchvision"), pixels=other)
    assert "subtracts R 1 G 2 B 3" in str(evaluation_preprocessor(checkpoint))


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("name", "meant"), [("bvcl", "bvlc"), ("owt_torchvison", "owt_torchvision"), (3, "one of")]
)
def test_unknown_name(name, meant):
    """The error has all names, and the nearest."""
    for make in (
        evaluation_preprocessor,
        training_preprocessor,
        lambda name: preprocess_input(photos(8, 8), name),
    ):
        with pytest.raises(ValueError, match=rf"{name}.*names are: paper, .*bvlc_onnx.*{meant}"):
            make(name)
