"""No epoch ends with a wait for the thread that tunes a `tf.data` pipeline."""

import pytest
import tensorflow as tf
from PIL import Image

from keras_alexnet import image_folder
from keras_alexnet.training.job import Job
from runs import quietly

pytestmark = pytest.mark.eager


@pytest.fixture
def tuned(monkeypatch):
    """Whether TensorFlow tunes each data set that is iterated over, in the order of iteration."""
    found, iterate = [], tf.data.Dataset.__iter__

    def noted(data):
        found.append(data.options().autotune.enabled is not False)
        return iterate(data)

    monkeypatch.setattr(tf.data.Dataset, "__iter__", noted)
    return found


@pytest.fixture
def folder(tmp_path):
    """A folder of two classes of four images."""
    for name in ("cats", "dogs"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (32, 32), (number, 0, 0)).save(
                tmp_path / "images" / name / f"{number}.png"
            )
    return tmp_path / "images"


def test_the_batches_of_a_folder_are_not_tuned(folder, tuned):
    """Shuffled or not, and with what a user appends: the setting passes on."""
    training, held_out = image_folder(folder, 32, subset="both", held_out=0.25, shuffle=True)
    for data in (training, held_out, training.map(lambda images, labels: images)):
        assert len([*data]) == 1
    assert tuned == [False] * 3


@pytest.mark.parametrize("drawn", [True, False], ids=["drawn", "folder"])
def test_no_epoch_of_a_run_waits(drawn, folder, tuned, tmp_path):
    """A run tunes nothing: neither its epochs, nor their validation, nor what is measured."""
    directory = None if drawn else str(folder)
    quietly(Job("cifar10_19pct", directory, epochs=2, drawn=20), tmp_path / "run")
    assert not any(tuned)
