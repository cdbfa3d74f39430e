"""Folders without TensorFlow: the batches equal the `tf.data.Dataset`'s, and every command runs."""

import os
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from keras_alexnet import image_folder
from keras_alexnet.data import batches
from keras_alexnet.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """Two classes, each of ten images of noise."""
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(10):
            pixels = rng.integers(0, 256, (10, 12, 3), "uint8")
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.bmp")
    return tmp_path / "images"


def sequence(folder, **settings):
    """Return a folder's batches as where TensorFlow is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_quiet_tensorflow", lambda: None)
        found = image_folder(folder, 8, **settings)
    assert isinstance(found, keras.utils.PyDataset)
    return found


def cut_short(folder):
    """Cut off the pixels of a file, and of five that are a whole batch; not their headers."""
    for name in ("cats/3", *(f"dogs/{number}" for number in range(5))):
        path = folder / f"{name}.bmp"
        path.write_bytes(path.read_bytes()[:80])


SETTINGS = [
    {"batch_size": 6},
    {"batch_size": 6, "shuffle": True, "seed": 3, "first_epoch": 2},
    {"batch_size": 5, "shuffle": True, "cache": True},
    {"batch_size": 5, "bad_images": "skip"},
    {"batch_size": 5, "bad_images": "skip", "shuffle": True},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_same_batches_in_every_epoch(settings, folder):
    """Pixels, labels and attributes are those of the `tf.data.Dataset`, epoch for epoch."""
    cut_short(folder) if settings.get("bad_images") else None
    dataset, ours = image_folder(folder, 8, **settings), sequence(folder, **settings)
    assert len(ours) == len(dataset)
    for _ in range(3):
        pairs = list(zip(dataset.as_numpy_iterator(), ours, strict=True))
        assert len(pairs) == len(ours)
        for expected, batch in pairs:
            for one, other in zip(expected, batch, strict=True):
                assert (one.dtype, one.shape) == (other.dtype, other.shape)
                np.testing.assert_array_equal(one, other)
    for name in ("class_names", "file_paths", "class_weight"):
        assert getattr(dataset, name) == getattr(ours, name)
    assert sorted(dataset.skipped) == sorted(ours.skipped)


def test_a_batch_of_bad_files_has_the_next_whole_image(folder):
    """No batch is empty, and no other image than of such a batch comes twice."""
    cut_short(folder)
    ours = sequence(folder, batch_size=5, bad_images="skip")
    whole = list(sequence(folder, batch_size=5, bad_images="skip"))
    assert [labels.tolist() for _, labels in ours] == [[0] * 4, [0] * 5, [1], [1] * 5]
    np.testing.assert_array_equal(whole[2][0][0], whole[3][0][0])
    assert len(ours.skipped) == 6


def test_batches_by_number(folder):
    """In any order a batch is the same until the epoch ends; there is none beyond the last."""
    ours = sequence(folder, batch_size=3, shuffle=True)
    expected = [labels.tolist() for _, labels in ours]
    for number in random.Random(0).sample(range(7), 7):
        assert ours[number][1].tolist() == expected[number]
    ours.on_epoch_end()
    assert [ours[number][1].tolist() for number in range(7)] != expected
    with pytest.raises(IndexError, match="Received batch 7 of 7"):
        ours[7]


def test_a_look_at_the_first_batch_does_not_count(folder):
    """An epoch that was abandoned is repeated."""
    ours, other = (sequence(folder, batch_size=4, shuffle=True) for _ in range(2))
    next(iter(ours))
    assert [labels.tolist() for _, labels in ours] == [labels.tolist() for _, labels in other]


def test_a_bad_file_ends_the_iteration(folder):
    """The error is raised as it is, with the file's name, when its batch is asked for."""
    cut_short(folder)
    ours = iter(sequence(folder, batch_size=3))
    assert next(ours)[1].tolist() == [0] * 3
    with pytest.raises(UserError, match=r"cats/3.bmp' cannot be read: it is cut short.* Replace"):
        next(ours)


def test_only_bad_files(folder):
    """When nothing is left, that is said."""
    for path in folder.rglob("*.bmp"):
        path.write_bytes(path.read_bytes()[:80])
    with pytest.raises(UserError, match=r"None of the 20 images can be read; .*one whole image"):
        list(sequence(folder, bad_images="skip"))


@pytest.mark.medium
def test_fit_counts_its_epochs(folder):
    """After k epochs of `fit`, the next has the order of epoch k, whether or not Keras shuffles."""
    for shuffle in (False, True):
        ours = sequence(folder, batch_size=4, shuffle=True)
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
        model.add(keras.layers.Dense(2, activation="softmax"))
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(ours, epochs=2, shuffle=shuffle, class_weight=ours.class_weight, verbose=0)
        resumed = sequence(folder, batch_size=4, shuffle=True, first_epoch=2)
        assert [y.tolist() for _, y in ours] == [y.tolist() for _, y in resumed]


# As where TensorFlow is not installed, nor matplotlib, which would draw pictures.
WITHOUT_TENSORFLOW = """
import importlib.machinery, sys

class WithoutTensorFlow(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in ("tensorflow", "matplotlib"):
            return super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = WithoutTensorFlow
from keras_alexnet.cli import main

run = ["--variant", "cifar10_19pct", "--epochs", "1"]
for command in (
    ["fit", "images", *run, "--output", "run"],
    ["evaluate", "run/model.keras", "images"],
    ["classify", "images/cats/0.bmp", "--model", "run/model.keras"],
    ["check-images", "images"],
):
    print(command[0], main(command))
assert "tensorflow" not in sys.modules
"""


OTHER = "jax" if keras.backend.backend() == "tensorflow" else keras.backend.backend()


@pytest.mark.long
@pytest.mark.peer(OTHER)
def test_every_command_without_tensorflow(folder):
    """A network is trained on a folder, measured and used, on another backend alone."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW],
        cwd=folder.parent,
        env={**os.environ, "KERAS_BACKEND": OTHER},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for command in ("fit", "evaluate", "classify", "check-images"):
        assert f"{command} 0" in lines
    assert "4 images of 2 classes; guessing gives 50 %" in lines
