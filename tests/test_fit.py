"""The main job, small: it learns, saves, loads again, and loses nothing when it fails."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images
from keras_alexnet.fitting import Job, build_model, load_images, run

SMALL = Job(variant="cifar10_18pct", epochs=6, drawn=600, learning_rate=3e-3)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What came of a small job on drawn images."""
    return run(SMALL, str(tmp_path_factory.mktemp("fit") / "run"), verbose=False)


@pytest.fixture
def folder(tmp_path):
    """A folder of drawn images, one folder a class."""
    images, labels = drawn_images(60, seed=0, size=40)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = tmp_path / "images" / CLASS_NAMES[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.jpg")
    return tmp_path / "images"


def test_it_learns(outcome):
    """A CIFAR-sized network learns the drawn images far better than chance."""
    assert outcome.chance == 0.1
    assert outcome.accuracy > 0.3
    assert (outcome.training_count, outcome.held_out_count) == (480, 120)


def test_the_saved_model_gives_the_reported_accuracy(outcome):
    """The file, loaded in this process, has the accuracy that was reported, on raw pixels."""
    model = keras.saving.load_model(outcome.model_path)
    held_out = load_images(SMALL).held_out
    predicted = model.predict(held_out["x"], verbose=0).argmax(axis=1)
    assert np.mean(predicted == held_out["y"]) == pytest.approx(outcome.accuracy, abs=1e-6)


def test_the_saved_model_loads_in_a_fresh_process(outcome):
    """After `import keras_alexnet` alone, another process loads the model and its classes."""
    code = (
        "import keras, keras_alexnet, json, sys;"
        "model = keras.saving.load_model(sys.argv[1]);"
        "print(json.dumps([model.output_shape, model.get_layer('norm1').region]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, outcome.model_path], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [[None, 10], "within_channel"]
    classes = pathlib.Path(outcome.model_path).with_name("classes.json")
    assert json.loads(classes.read_text()) == list(CLASS_NAMES)


def test_without_the_package_keras_says_what_is_missing(outcome):
    """A process that has not imported the package is told which class of which package it lacks."""
    code = "import keras, sys; keras.saving.load_model(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, outcome.model_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "keras_alexnet" in done.stderr


def test_same_seed_same_weights():
    """The seed fixes the initial values and the images."""
    job = Job(variant="cifar10_19pct", drawn=20)
    first, second = build_model(job, 10), build_model(job, 10)
    for old, new in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    images = [load_images(job).training["x"] for _ in range(2)]
    np.testing.assert_array_equal(*images)


def test_a_folder_is_trained_on(folder, tmp_path):
    """A folder of JPEGs trains and saves its class names."""
    job = Job(variant="cifar10_19pct", directory=str(folder), epochs=1)
    outcome = run(job, str(tmp_path / "run"), verbose=False)
    assert outcome.class_names == tuple(sorted(CLASS_NAMES))
    assert outcome.training_count + outcome.held_out_count == 60
    assert 0 <= outcome.accuracy <= 1


def test_a_corrupt_image_stops_the_run_by_name(folder, tmp_path):
    """A truncated JPEG among the images is named, and no model is saved."""
    victim = sorted((folder / "star").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:300])
    job = Job(variant="cifar10_19pct", directory=str(folder), epochs=1)
    with pytest.raises(ValueError, match=rf"{victim.name}' cannot be read: .*Replace or remove"):
        run(job, str(tmp_path / "run"), verbose=False)
    assert not (tmp_path / "run").exists()


def test_quick_is_the_same_job_in_small():
    """The quick form has the full network's layers and fewer, smaller images."""
    quick = Job().quick()
    assert quick.variant == "paper"
    assert quick.image_size == 112
    assert build_model(quick, 10).get_layer("fc7").units == 4096
