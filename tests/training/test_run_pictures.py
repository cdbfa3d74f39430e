"""The pictures that a run leaves, and those that it does not draw."""

import dataclasses

import numpy as np
import pytest

from keras_alexnet.evaluation import measure
from keras_alexnet.training.images import load_images
from keras_alexnet.training.job import Job, build_model
from keras_alexnet.training.run_folder import RunFolder
from keras_alexnet.training.run_pictures import draw_run
from runs import quietly

pytestmark = pytest.mark.pictures

JOB = Job(variant="cifar10_19pct", drawn=160, epochs=1, learning_rate=1e-3)


@pytest.fixture
def drawing(tmp_path):
    """An untrained model, its images and figures, and the folder of a run."""
    images, model = load_images(JOB), build_model(JOB, 10)
    evaluation = measure(model, images.to_measure(), images.class_names, progress=False)
    folder = RunFolder(str(tmp_path))
    folder.state.rows = [{"epoch": 1, "loss": 2.0, "val_loss": 1.0}]
    return model, images, evaluation, folder


def path_among(*arguments):
    """Return the path of a picture that is not drawn."""
    return next(one for one in arguments if isinstance(one, str))


@pytest.mark.medium
def test_filters_are_drawn_once_they_are_smoother_than_noise(drawing, tmp_path, monkeypatch):
    """Initial filters leave a line in words and no picture, not even that of an earlier run."""
    for name in ("history", "confusion", "panel"):  # a small run of test_fit.py draws these
        monkeypatch.setattr(f"keras_alexnet.pictures.plot_{name}", path_among)
    model, *_, folder = drawing
    (tmp_path / "conv1.png").write_bytes(b"of an earlier run")
    said = []
    names = ["training.png", "confusion.png", "panel.png"]
    assert draw_run(*drawing, said.append) == tuple(map(folder.file, names))
    assert len(said) == 1
    assert said[0].startswith("conv1.png was not drawn: ")
    assert not (tmp_path / "conv1.png").exists()
    kernel = model.get_layer("conv1").kernel
    kernel.assign(np.ones(kernel.shape))
    assert folder.file("conv1.png") in draw_run(*drawing, said.append)
    assert len(said) == 1
    assert (tmp_path / "conv1.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.medium
def test_the_panel_shows_held_out_images_of_eight_classes(drawing, drawn, monkeypatch):
    """Each photo is an image that was held out, under its own class, above five bars."""
    for name in ("history", "confusion"):  # a small run of test_fit.py draws these
        monkeypatch.setattr(f"keras_alexnet.pictures.plot_{name}", path_among)
    _, images, *_ = drawing
    draw_run(*drawing, print)
    axes = drawn[-1].axes
    photos = [axis for axis in axes if axis.images]
    assert len(photos) == len({axis.get_title() for axis in photos}) == 8
    held_out, labels = (np.concatenate(part) for part in zip(*images.held_out, strict=True))
    for axis in photos:
        mean = np.asarray(axis.images[0].get_array()).mean(axis=(0, 1))
        distances = np.abs(held_out.mean(axis=(1, 2)) - mean).max(axis=1)
        assert distances.min() < 1
        assert images.class_names[labels[distances.argmin()]] == axis.get_title()
    assert sum(len(axis.patches) == 5 for axis in axes) == 8


@pytest.mark.medium
@pytest.mark.eager
def test_without_matplotlib_a_line_says_how_to_get_pictures(tmp_path):
    """The line comes before the training, when matplotlib can still be installed."""
    said = []
    job = dataclasses.replace(JOB, drawn=20)
    assert quietly(job, tmp_path / "run", said.append).pictures == ()
    lines = [line for line in said if "matplotlib" in line]
    assert lines == [
        'The run leaves no pictures without matplotlib: pip install "keras-alexnet[plot]"'
    ]
    assert said.index(lines[0]) == 0
