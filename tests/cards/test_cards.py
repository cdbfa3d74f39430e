"""Model cards: what a file says of its network is what every command takes from it."""

import dataclasses
import inspect
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
    ModelCard,
    convert_checkpoint,
    evaluation_preprocessor,
    get_model_card,
    get_variant,
    load_checkpoint,
    ten_crop_model,
)
from keras_alexnet.cards.alexnet_model import AlexNetModel
from keras_alexnet.cards.records import Source, Training
from keras_alexnet.cards.texts import from_texts, to_texts
from keras_alexnet.cli import main
from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images
from keras_alexnet.data.split_record import SplitRecord
from keras_alexnet.errors import UserError
from keras_alexnet.training.job import Job, build_model, plain_model
from runs import quietly

FULL = ModelCard(
    variant="bvlc",
    input_size=227,
    pixels=get_variant("bvlc").pixels,
    channel_order="bgr",
    class_names=("caf\udce9", "a, b", "$"),
    training=Training("bvlc", 3, 16, 0.01, 7, 80, 20, "ab" * 32),
    checkpoint="bvlc_caffe",
    licence="as is",
    source=Source("net.caffemodel", "cd" * 32, "caffe", "caffe"),
    changes="Two changes. Or three.",
    keras_alexnet_version="0.1.0",
    keras_version="3.15.1",
)


@pytest.mark.backend_free
def test_old_keras_saves_the_layers():
    """Keras up to 3.14 leaves them out of the files of a class whose constructor names arguments.

    It compares the named arguments with those of its own decorated constructor, which has none.
    """
    found = inspect.getfullargspec(AlexNetModel.__init__)
    assert (found.args, found.varargs, found.varkw) == (["self"], "args", "kwargs")


@pytest.mark.backend_free
def test_texts_hold_a_whole_card():
    """What is written is read back, field by field, and every field is there to be lost."""
    texts = to_texts(FULL)
    assert from_texts(texts) == FULL
    assert all(text.encode("utf-8") for text in texts.values())
    assert to_texts(ModelCard()) == {}
    for field in dataclasses.fields(ModelCard):
        card = dataclasses.replace(FULL, **{field.name: None})
        if field.name == "variant":  # the pixels need it
            card = dataclasses.replace(card, pixels=None, input_size=None)
        elif field.name == "input_size":
            card = dataclasses.replace(card, pixels=None)
        assert from_texts(to_texts(card)) == card


@pytest.mark.backend_free
def test_a_card_in_sentences():
    """What is recorded, and no more."""
    assert str(ModelCard()) == "The variant is not recorded."
    card = dataclasses.replace(FULL, class_names=tuple("abcdefg"))
    assert str(card) == (
        "The variant 'bvlc'. It takes images of 227 x 227. Its 7 classes are a, b, c, d, e and "
        "others. It was trained by the recipe 'bvlc' for 3 epochs on 80 images; 20 were held out. "
        "The weights are those of 'bvlc_caffe'. They were converted from 'net.caffemodel'. "
        "Licence: as is."
    )


PIXELS = json.loads(to_texts(FULL)["pixels"])
NONSENSE = {
    "variant": ["alexnet", "../paper", ""],
    "checkpoint": ["bvlc", "x" * 100_000],
    "channel_order": ["grb", "RGB"],
    "class_names": [
        "cat",
        "[1, 2]",
        json.dumps(["\x1b[2J"]),
        '{"a": 1}',
        '[""]',
        "[" * 100_000,
        "null",
    ],
    "training": ["[]", "{}", '{"epochs": true}', json.dumps({**vars(FULL.training), "seed": "x"})],
    "input_size": ["-1", "0", "1e3", "9" * 30],
    "licence": ["two\nlines", "\x1b[2J", ""],
    "keras_version": ["\x00"],
    "pixels": [
        "[]",
        *(
            json.dumps({**PIXELS, name: value})
            for name, value in [
                ("mean", [1, 2]),
                ("mean", [1, 2, float("nan")]),
                ("std", [1, 0, 1]),
                ("scale", float("inf")),
                ("resizing", "crop"),
                ("order", "gbr"),
                ("base", 2.5),
                ("input_size", None),
            ]
        ),
    ],
}


@pytest.mark.backend_free
@pytest.mark.parametrize("name", NONSENSE)
def test_what_is_not_valid_counts_as_not_there(name):
    """Files from anywhere can say anything; no entry takes the others with it."""
    texts = to_texts(FULL)
    field = {"pixels": "pixels", "input_size": "input_size"}.get(name, name)
    for text in NONSENSE[name]:
        found = from_texts({**texts, name: text})
        if name == "input_size":  # the pixels hold it
            assert found == FULL
        else:
            assert getattr(found, field) is None, text
            assert found.class_names == FULL.class_names or name == "class_names"


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
    paths = [saved]
    for ending in ENDINGS:
        first, back = str(tmp_path / f"first{ending}"), str(tmp_path / f"back{ending}.keras")
        convert_checkpoint(saved, first, **QUIET)
        convert_checkpoint(first, back, **QUIET)
        paths += [first, back]
    for path in paths:
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
    assert "No list of the images" in " ".join(figures[1]["notes"])  # it lies in another folder
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
        "'fc10' keeps its initial values: the file's is for 7 classes." in str(warning.message)
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
    loaded = load_checkpoint(model, path, verify="off")
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
