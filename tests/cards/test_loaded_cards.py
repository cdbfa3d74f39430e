"""What `load_checkpoint` and `AlexNet` take from a model card, and what they assume without it."""

import dataclasses

import keras
import numpy as np
import pytest

from conversions import ENDINGS, QUIET
from keras_alexnet import (
    AlexNet,
    ModelCard,
    convert_checkpoint,
    evaluation_preprocessor,
    feature_extractor,
    get_model_card,
    get_variant,
    load_checkpoint,
    ten_crop_model,
)
from keras_alexnet.errors import UserError


@pytest.mark.medium
def test_a_model_of_another_variant_is_refused(tmp_path):
    """`load_checkpoint` compares the model with what the file says, before anything changes."""
    path = str(tmp_path / "file.keras")
    made = AlexNet("caffenet", include_top=False)
    made.save(path)
    model = AlexNet("bvlc", include_top=False)
    before = model.get_weights()
    for verify in ("warn", "raise"):
        with pytest.raises(UserError, match=r"variant 'caffenet', and the model is the .* 'bvlc'"):
            load_checkpoint(model, path, verify=verify, verbose=False)
        for old, new in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
    load_checkpoint(model, path, verify="off", verbose=False)
    np.testing.assert_array_equal(made.get_weights()[0], model.get_weights()[0])
    assert model.card.variant == "bvlc"


@pytest.mark.medium
def test_many_class_names_in_every_format(tmp_path):
    """More text than an attribute of an HDF5 file holds."""
    names = tuple(f"class_{number:05}_{'x' * 40}" for number in range(2000))
    model = AlexNet("cifar10_19pct", classes=2000)
    model.card = dataclasses.replace(model.card, class_names=names)
    model.save(tmp_path / "many.keras")
    for ending in ENDINGS:
        out = tmp_path / f"out{ending}"
        convert_checkpoint(tmp_path / "many.keras", out, **QUIET)
        assert get_model_card(str(out)).class_names == names
    keras.Model(model.input, model.output).load_weights(tmp_path / "out.weights.h5")


@pytest.mark.medium
def test_the_number_of_classes_is_the_files(tmp_path):
    """Without `classes` it is taken over; another number leaves the last layer, with a warning."""
    source = AlexNet("cifar10_80sec", classes=7)
    path = str(tmp_path / "seven.weights.h5")
    source.save_weights(path)
    with pytest.warns(UserWarning, match="look untrained"):
        model = AlexNet("cifar10_80sec", weights=path)
    assert model.output_shape == (None, 7)
    np.testing.assert_array_equal(
        model.get_layer("fc10").get_weights()[0], source.get_layer("fc10").get_weights()[0]
    )
    with pytest.warns(UserWarning) as caught:
        model = AlexNet("cifar10_80sec", weights=path, classes=3)
    assert any(
        "'fc10' keeps its initial values: the file has 7 classes." in str(warning.message)
        for warning in caught
    )
    np.testing.assert_array_equal(
        model.get_layer("conv2").get_weights()[0], source.get_layer("conv2").get_weights()[0]
    )


def test_what_the_file_leaves_open_is_assumed_and_said(tmp_path, capsys):
    """Pixels as the variant has them; in the card of the model, and not in that of a file."""
    path = tmp_path / "net.weights.h5"
    AlexNet("cifar10_80sec").save_weights(path)
    assert get_model_card(str(path)) is None
    model = AlexNet("cifar10_80sec")
    assert model.card == ModelCard("cifar10_80sec", 32)
    loaded = load_checkpoint(model, path, verify="off", verbose=True)
    (assumption,) = loaded.assumptions
    assert assumption in capsys.readouterr().out
    assert "assumed to be prepared as for the variant 'cifar10_80sec'. Takes RGB" in assumption
    assert model.card == loaded.card
    assert model.card.pixels == get_variant("cifar10_80sec").pixels
    convert_checkpoint(path, tmp_path / "out.safetensors", **QUIET)
    card = get_model_card(str(tmp_path / "out.safetensors"))
    assert (card.variant, card.input_size, card.pixels) == ("cifar10_80sec", 32, None)


def test_a_failed_load_leaves_the_card(tmp_path):
    """As it leaves the weights."""
    model = AlexNet("cifar10_80sec")
    before = model.card
    AlexNet("cifar10_19pct").save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(UserError):
        load_checkpoint(model, tmp_path / "other.weights.h5")
    assert model.card is before


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_a_model_around_a_network_has_its_card(dtype):
    """Also where that is of the class that scales losses; an extractor's outputs have no card."""
    model = AlexNet("cifar10_19pct", dtype=dtype)
    assert get_model_card(ten_crop_model(model)).variant == "cifar10_19pct"
    assert get_model_card(feature_extractor(model, "relu2")) is None


def test_a_card_without_a_variant_prepares_nothing():
    """The layers follow from the variant."""
    with pytest.raises(UserError, match="a model card without a variant"):
        evaluation_preprocessor(ModelCard(input_size=32))


@pytest.mark.parametrize(("variant", "size"), [("cifar10_13pct", 48), ("owt", 112)])
def test_a_card_of_another_size_scales_the_images(variant, size):
    """With the variant's own pixels the square grows as the window does."""
    layers = evaluation_preprocessor(ModelCard(variant, size)).layers
    record = get_variant(variant)
    assert layers[0].size == round(size * record.pixels.base / record.input_size)
    assert layers[1].height == layers[1].width == size
