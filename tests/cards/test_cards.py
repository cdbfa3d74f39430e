"""Model cards of a trained network: every command and every format prepares images by them."""

import dataclasses
import json
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

from conversions import ENDINGS, QUIET
from helpers import to_numpy
from keras_alexnet import (
    AlexNet,
    convert_checkpoint,
    evaluation_preprocessor,
    get_model_card,
    get_variant,
    ten_crop_model,
)
from keras_alexnet.cards.records import Training
from keras_alexnet.cli import main
from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images
from keras_alexnet.data.split_record import SplitRecord
from keras_alexnet.errors import UserError
from keras_alexnet.training.job import Job, build_model
from keras_alexnet.training.network import plain_model
from runs import quietly


def colours(size):
    """Return a photo of smooth colours, twice as wide as high."""
    x = np.linspace(0, 1, 2 * size)[None, :, None]
    y = np.linspace(0, 1, size)[:, None, None]
    return np.uint8(np.clip(255 * (x * [1, 0.2, 0.5] + y * [0, 0.8, 0.3]), 0, 255))


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The folder of a small run on a folder of images, and a photo."""
    place = tmp_path_factory.mktemp("trained")
    images, labels = drawn_images(40, seed=0, size=32)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = place / "images" / CLASS_NAMES[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    job = Job(variant="cifar10_80sec", directory=str(place / "images"), epochs=1, seed=5)
    quietly(job, place / "run")
    Image.fromarray(colours(40)).save(place / "photo.png")
    return place


@pytest.mark.medium
def test_fit_records_what_it_knows(trained):
    """The card of the model, and the files of the run, which the card has the hash of."""
    card = get_model_card(str(trained / "run" / "model.keras"))
    split = SplitRecord.read(trained / "run" / "files.csv")
    names = sorted({path.parent.name for path in (trained / "images").rglob("*.png")})
    assert card.variant == "cifar10_80sec"
    assert card.class_names == tuple(names)
    assert (card.input_size, card.channel_order) == (32, "rgb")
    assert card.pixels == get_variant("cifar10_80sec").pixels
    assert card.training == Training(None, 1, 16, 4e-4, 5, 30, 10, split.held_out_hash())
    assert set(split.files) == {
        path.relative_to(trained / "images").as_posix()
        for path in (trained / "images").rglob("*.png")
    }
    with zipfile.ZipFile(trained / "run" / "model.keras") as archive:
        assert b".png" not in archive.read("config.json")  # the names stay in the run's folder
    model = keras.saving.load_model(trained / "run" / "model.keras")
    assert getattr(model, "optimizer", None) is None


def reference_scores(trained):
    """Return what the network says of the photo, by arithmetic that no command shares."""
    network = keras.saving.load_model(trained / "run" / "model.keras")
    with Image.open(trained / "photo.png") as photo:
        square = photo.resize((64, 32), Image.Resampling.BILINEAR).crop((16, 0, 48, 32))
    pixels = np.asarray(square, "float32") - np.float32([125.27, 122.93, 113.86])
    plain = AlexNet("cifar10_80sec", classes=network.output_shape[-1], data_format="channels_last")
    for layer in plain.layers:
        if layer.weights:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    return to_numpy(plain(pixels[None]))[0]


def classified(arguments, capsys):
    """Return the scores of the photo by class, as the command line gives them."""
    capsys.readouterr()
    assert main(["classify", "photo.png", *arguments, "--top", "10", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["assumptions"] == []
    return {row["name"]: row["score"] for row in result["images"][0]["classes"]}


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*The weights look untrained:UserWarning")  # after an epoch
def test_every_way_and_every_format_gives_the_same(trained, tmp_path, monkeypatch, capsys):
    """One trained network: by the model, as weights, converted, there and back."""
    monkeypatch.chdir(trained)
    saved = str(trained / "run" / "model.keras")
    card = get_model_card(saved)
    expected = dict(zip(card.class_names, reference_scores(trained), strict=True))
    assert np.ptp(list(expected.values())) > 1e-3  # the classes differ
    expected = {name.replace("_", " "): score for name, score in expected.items()}
    paths, backs = [saved], []
    for ending in ENDINGS:
        first, back = str(tmp_path / f"first{ending}"), str(tmp_path / f"back{ending}.keras")
        convert_checkpoint(saved, first, **QUIET)
        convert_checkpoint(first, back, **QUIET)
        paths.append(first)
        backs.append(back)
    weights = keras.saving.load_model(saved).get_weights()
    for path in backs:
        assert dataclasses.replace(get_model_card(path), source=None) == card
        for found, wanted in zip(keras.saving.load_model(path).get_weights(), weights, strict=True):
            np.testing.assert_array_equal(found, wanted)
    for path in (*paths, backs[0]):
        found = get_model_card(path)
        assert (found.training, found.class_names) == (card.training, card.class_names)
        assert classified(["--weights", path], capsys) == pytest.approx(expected, abs=2e-4)
        photo = np.asarray(Image.open("photo.png"))[None]
        by_hand = AlexNet(weights=path, data_format="channels_last")(
            evaluation_preprocessor(found, data_format="channels_last")(photo)
        )
        scores = to_numpy(by_hand)[0]
        np.testing.assert_allclose(scores, list(expected.values()), atol=2e-4)
    assert classified(["--model", saved], capsys) == pytest.approx(expected, abs=2e-4)
    figures = []
    for path in (saved, paths[1]):
        assert main(["evaluate", path, "images", "--json"]) == 0
        figures.append(json.loads(capsys.readouterr().out))
    assert figures[0]["measured"].endswith("held out in training")
    assert "has no files.csv" in " ".join(figures[1]["notes"])  # it lies in another folder
    assert (figures[0]["images"], figures[1]["images"]) == (10, 40)


@pytest.mark.filterwarnings("ignore:.*The weights look untrained:UserWarning")  # after an epoch
def test_weights_are_read_without_executing_anything(trained, monkeypatch, capsys):
    """`--weights` takes a whole model too, but never has Keras build it; `--model` does."""
    monkeypatch.chdir(trained)

    def load_model(path, compile):
        raise ValueError("Keras was asked")

    monkeypatch.setattr(keras.saving, "load_model", load_model)
    model = str(trained / "run" / "model.keras")
    assert main(["classify", "photo.png", "--weights", model]) == 0
    capsys.readouterr()
    assert main(["classify", "photo.png", "--model", model]) == 2
    assert "Keras was asked" in capsys.readouterr().err


@pytest.mark.medium
def test_a_contradiction_is_refused_with_both_values(trained, capsys, tmp_path):
    """Every command that takes a variant, and the builder."""
    saved, photo = str(trained / "run" / "model.keras"), str(trained / "photo.png")
    other = ["--variant", "cifar10_19pct"]
    commands = (
        ["evaluate", saved, str(trained / "images"), *other],
        ["classify", photo, "--model", saved, *other],
        ["classify", photo, "--weights", saved, *other],
        ["convert", saved, str(tmp_path / "out.safetensors"), *other],
    )
    for command in commands:
        assert main(command) == 2
        err = capsys.readouterr().err
        assert "variant='cifar10_19pct'" in err and "variant 'cifar10_80sec'" in err
    with pytest.raises(UserError, match=r"variant='cifar10_19pct'.*variant 'cifar10_80sec'"):
        AlexNet("cifar10_19pct", weights=saved)
    for command in commands:
        assert main([*command[:-1], "cifar10_20pct"]) == 2
        assert "variant='cifar10_20pct', which is not known" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.medium
@pytest.mark.parametrize("initialization", ["robust", "published"])
def test_the_division_is_folded_into_conv1(initialization):
    """The plain model gives what the trained one gives, and has no layer more than the variant."""
    job = Job(variant="cifar10_80sec", initialization=initialization, augmentation=False)
    trained = build_model(job, 4)
    plain = plain_model(job, trained)
    x = np.random.default_rng(0).integers(0, 256, (2, 40, 32, 3), "uint8")
    np.testing.assert_allclose(to_numpy(plain(x)), to_numpy(trained(x)), rtol=1e-4, atol=1e-6)
    assert "unit_variance" not in {layer.name for layer in plain.layers}
    scale = 63.7 if initialization == "robust" else 1
    kernels = (model.get_layer("conv1").get_weights()[0] for model in (trained, plain))
    before, after = kernels
    np.testing.assert_allclose(after * scale, before, rtol=1e-6)


@pytest.mark.medium
def test_a_card_survives_loading_and_saving(trained, tmp_path):
    """With `load_model` and `model.save`, in a copy, in another model; not with new weights."""
    model = keras.saving.load_model(trained / "run" / "model.keras")
    card = model.card
    model.save(tmp_path / "again.keras")
    assert get_model_card(str(tmp_path / "again.keras")) == card
    outer = keras.Sequential([keras.Input((None, None, 3)), model])
    outer.save(tmp_path / "outer.keras")
    assert get_model_card(outer) == get_model_card(str(tmp_path / "outer.keras")) == card
    assert get_model_card(keras.saving.load_model(tmp_path / "outer.keras")) == card
    assert get_model_card(ten_crop_model(AlexNet("cifar10_13pct"))).variant == "cifar10_13pct"
    assert get_model_card(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])) is None
