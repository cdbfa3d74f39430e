"""`keras-alexnet features` and `jobs.features`: the array, the names and the record beside it."""

import csv
import hashlib
import json
import os
import signal

import keras
import numpy as np
import pytest
from PIL import Image

from helpers import run_channels_first, to_numpy
from keras_alexnet import AlexNet, UserError, evaluation_preprocessor, feature_extractor, jobs
from keras_alexnet.cli import main
from keras_alexnet.jobs import extraction
from keras_alexnet.jobs.feature_files import write_array

MEAN = np.array([125.27, 122.93, 113.86], "float32")  # of CIFAR-10's training images
NAMES = ["photos/cat/1.png", "photos/cat/2.png", "photos/dog/3.png", "photos/dog/deep/4.png"]
NAMES += ["photos/loose.png"]
CLASSES = ["cat", "cat", "dog", "dog", ""]
FILES = ["features.csv", "features.json", "features.npy"]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A working folder with a folder of five images; returns their pixels."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), "uint8")
    for name, image in zip(NAMES, pixels, strict=True):
        os.makedirs(os.path.dirname(name), exist_ok=True)
        Image.fromarray(image).save(name)
    with open("photos/dog/notes.txt", "w") as file:
        file.write("no image")
    return pixels


@pytest.fixture(scope="module")
def network():
    """A small network whose images are 32 x 32."""
    return AlexNet("cifar10_18pct", initialization="robust")


def by_hand(network, layer, pixels):
    """Return the activations of a layer for images that are prepared by hand."""
    return to_numpy(feature_extractor(network, layer).predict_on_batch(pixels - MEAN))


def names_in(path):
    """Return the columns and the rows of a table."""
    with open(path, newline="") as file:
        columns, *rows = csv.reader(file)
    return columns, [tuple(row) for row in rows]


def written():
    """Return the names of the files in the working folder, hidden ones too."""
    return sorted(name for name in os.listdir() if name not in ("photos", "model.keras"))


@pytest.mark.medium
@pytest.mark.parametrize(("layer", "batch_size"), [("fc10", 2), ("fc10", 32), ("pool3", 5)])
def test_they_are_those_of_the_extractor(photos, network, layer, batch_size):
    """In the order of the names, over the ends of batches."""
    made = jobs.features("photos", layer, "features.npy", model=network, batch_size=batch_size)
    found = np.load("features.npy")
    expected = by_hand(network, layer, photos)
    assert (found.dtype, found.shape, made.shape) == (np.float32, expected.shape, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert names_in("features.csv") == (["file", "class"], list(zip(NAMES, CLASSES, strict=True)))
    assert written() == FILES


@pytest.mark.medium
def test_the_mean_of_each_map(photos, network):
    """`pooling="average"`, of the images in any list, one of them twice."""
    images = ["photos/loose.png", "photos/cat", "photos/loose.png"]
    made = jobs.features(images, "pool3", "features.npy", model=network, pooling="average")
    expected = by_hand(network, "pool3", photos[[4, 0, 1, 4]]).mean(axis=(1, 2))
    np.testing.assert_allclose(np.load(made.path), expected, rtol=1e-4, atol=1e-4)
    assert [name for name, _ in names_in(made.names_path)[1]] == [NAMES[n] for n in (4, 0, 1, 4)]
    assert repr(made) == "Features(path='features.npy', shape=(4, 64))"


@pytest.mark.medium
def test_maps_of_the_other_data_format():
    """The mean is taken over height and width."""
    network = AlexNet("cifar10_18pct", data_format="channels_first", initialization="robust")
    images = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype("float32")
    maps, pooled = (
        run_channels_first(extraction._extractor(network, "pool3", pooling), images)
        for pooling in extraction.POOLINGS
    )
    np.testing.assert_allclose(pooled, maps.mean(axis=(2, 3)), rtol=1e-4, atol=1e-5)


def test_one_image_in_half_precision(photos):
    """By another program's name of the layer; the array is float32 whatever is computed in."""
    network = AlexNet("owt", False, input_shape=(63, 63, 3), dtype="mixed_bfloat16")
    made = jobs.features("photos/loose.png", "features.2", "features.npy", model=network)
    assert (made.shape, np.load(made.path).dtype) == ((1, 7, 7, 64), np.float32)


@pytest.mark.medium
def test_the_record(photos, network, capsys):
    """Weights, layer and preparation; `--json` prints it, and text says what is where."""
    network.save("model.keras")
    with open("model.keras", "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    command = ["features", "photos", "--layer", "fc10", "--model", "model.keras"]
    assert main([*command, "--output", "features.npy", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    with open("features.json") as file:
        record = json.load(file)
    assert printed == {
        "path": "features.npy",
        "names_path": "features.csv",
        "record_path": "features.json",
        **record,
    }
    assert record["shape"] == [5, 10]
    assert (record["layer"], record["pooling"]) == ("fc10", "none")
    assert (record["weights"], record["weights_sha256"]) == ("model.keras", sha256)
    assert (record["variant"], record["checkpoint"]) == ("cifar10_18pct", None)
    assert record["preprocessing"] == str(evaluation_preprocessor("cifar10_18pct"))
    assert record["backend"] == keras.backend.backend()
    assert record["keras_version"] == keras.__version__
    assert [os.path.basename(path) for path in record["passed_over"]] == ["notes.txt"]
    assert main([*command, "--output", "features.npy", "--overwrite"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Wrote features.npy: fc10 of 5 images, float32 of shape (5, 10)."
    assert lines[1].startswith("Wrote features.csv: ") and "features.json" in lines[2]
    assert "Passed over 1 file" in lines[-1]


def test_a_model_that_prepares_images_itself(photos):
    """The record says how images are made square, and nothing that is not done."""
    made = jobs.features("photos", "mean", "features.npy", model=means())
    np.testing.assert_allclose(np.load(made.path), photos.mean(axis=(1, 2)), rtol=1e-5)
    said = "Takes RGB images of 0 to 255: resizes the shorter side to 32 and keeps the central sq"
    assert made.record["preprocessing"].startswith(said)
    assert (made.record["weights"], made.record["weights_sha256"]) == ("means", None)


def means():
    """Return a model of the means of red, green and blue."""
    inputs = keras.Input((32, 32, 3))
    pool = keras.layers.GlobalAveragePooling2D(data_format="channels_last", name="mean")
    return keras.Model(inputs, pool(inputs), name="means")


def test_a_bad_image(photos):
    """It stops the work and leaves no file, or has no row."""
    with open("photos/cat/2.png", "r+b") as file:
        file.truncate(1000)  # the header can be read
    options = {"model": means(), "batch_size": 2}
    with pytest.raises(UserError, match=r"'photos/cat/2\.png' cannot be read: .*--bad-images skip"):
        jobs.features("photos", "mean", "features.npy", **options)
    assert written() == []
    made = jobs.features("photos", "mean", "features.npy", bad_images="skip", **options)
    good = [0, 2, 3, 4]
    np.testing.assert_allclose(np.load(made.path), photos[good].mean(axis=(1, 2)), rtol=1e-5)
    rows = [(NAMES[n], CLASSES[n]) for n in good]
    assert names_in("features.csv") == (["file", "class"], rows)
    (skipped,) = made.record["skipped"]
    assert skipped["path"] == NAMES[1] and "cut short" in skipped["reason"]
    assert "Skipped 1 image that cannot be read: 'photos/cat/2.png'." in str(made)


def test_ctrl_c_leaves_the_older_files(photos, capsys, monkeypatch):
    """In the middle of the work: no half file, and none of the new ones."""
    means().save("model.keras")
    for name in FILES:
        with open(name, "w") as file:
            file.write("of before")
    interrupt = lambda *arguments: signal.raise_signal(signal.SIGINT)  # noqa: E731
    monkeypatch.setattr(extraction, "write_names", interrupt)
    command = ["features", "photos", "--layer", "mean", "--model", "model.keras", "--overwrite"]
    assert main([*command, "--output", "features.npy"]) == 130
    assert "interrupted; nothing was saved" in capsys.readouterr().err
    assert written() == FILES
    for name in FILES:
        with open(name) as file:
            assert file.read() == "of before"


@pytest.mark.backend_free
def test_the_number_of_rows_is_written_last(tmp_path):
    """Whatever its number of digits; the file is what NumPy writes."""
    rows = np.arange(3 * 12_345, dtype="float32").reshape(-1, 3)
    for count in (0, 1, 9, 10, 12_345):
        batches = np.array_split(rows[:count], 7) if count else []
        path = str(tmp_path / f"{count}.npy")
        assert write_array(path, batches, (3,)) == (count, 3)
        np.testing.assert_array_equal(np.load(path), rows[:count])
        np.save(tmp_path / "numpy.npy", rows[:count])
        assert (tmp_path / "numpy.npy").read_bytes() == (tmp_path / f"{count}.npy").read_bytes()


MISTAKES = [
    (["--output", "features.txt"], "Received the output 'features.txt'."),
    (["--output", "no/such.npy"], "the folder"),
    (["--output", "there.npy"], "Received the path 'there.csv', but there is a file already."),
    (["--layer", "nosuch"], "Received the layer 'nosuch', which the model 'means' does not have."),
    (["--pooling", "average"], "Received pooling='average' for the layer 'mean', whose output"),
    (["--pooling", "max"], "Received --pooling='max'"),
    (["--model", "no.keras"], "no such file"),
    (["--weights", "owt"], "together with"),
    (["--batch-size", "0"], "Received --batch-size='0'"),
    (["empty"], "The folder 'empty' holds no images."),
    (["no.png"], "Received 'no.png', which does not exist."),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message, photos, capsys):
    """And no file is left."""
    means().save("model.keras")
    os.mkdir("empty")
    with open("there.csv", "w") as file:
        file.write("of before")
    capsys.readouterr()
    usual = {"--layer": "mean", "--output": "features.npy", "--model": "model.keras"}
    given = [word for option in usual.items() if option[0] not in arguments for word in option]
    try:
        code = main(["features", "photos", *arguments, *given])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert (code, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert message in captured.err
    assert written() == ["empty", "there.csv"]


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layer": ["fc6", "fc7"]}, r"Received layer=\['fc6', 'fc7'\]"),
        ({"pooling": "max"}, "Received pooling='max'"),
        ({"bad_images": "ignore"}, "Received bad_images='ignore'"),
        ({"batch_size": 0}, "Received batch_size=0"),
        ({"output": 3}, "Received output=3"),
        ({"weights": "owt", "model": "a.keras"}, "Received both `weights` and `model`"),
        ({"images": 3}, "Received images=3"),
    ],
)
def test_mistakes_in_arguments(given, message, photos):
    """Three sentences, before any network is looked for."""
    arguments = {"images": "photos", "layer": "fc7", "output": "features.npy", **given}
    with pytest.raises(UserError, match=message) as caught:
        jobs.features(**arguments)
    assert caught.value.expected and caught.value.remedy
    assert written() == []
