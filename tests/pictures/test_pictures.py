"""Pictures: what is drawn says what was measured, in files that are whole."""

import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

from keras_alexnet.evaluation.classifying import Classified, Guess
from keras_alexnet.layers import Conv2D
from keras_alexnet.pictures import (
    attempted,
    filter_smoothness,
    plot_confusion,
    plot_description,
    plot_filters,
    plot_history,
    plot_panel,
)
from keras_alexnet.pictures.classification import plot_classified

HISTORY = {
    "epoch": [1, 2, 3, 4],
    "loss": [2.0, 1.0, 0.5, 0.2],
    "accuracy": [0.2, 0.5, 0.8, 0.9],
    "val_loss": [2.1, 1.4, 1.2, 1.6],
    "val_accuracy": [0.2, 0.4, 0.5, 0.5],
}


@pytest.mark.backend_free
def test_training_curves(drawn, tmp_path):
    """Both lines of both measures are the history's, and the lowest held-out loss is named."""
    path = str(tmp_path / "training.png")
    assert plot_history(HISTORY, path) == path
    loss, accuracy = drawn[0].axes
    for axis, name in ((loss, "loss"), (accuracy, "accuracy")):
        lines = {line.get_label(): line for line in axis.lines}
        for label, key in (("training", name), ("held out", f"val_{name}")):
            assert lines[label].get_xdata().tolist() == [1, 2, 3, 4]
            assert lines[label].get_ydata().tolist() == HISTORY[key]
        assert axis.lines[-1].get_xdata() == [3, 3]
        assert axis.get_ylim()[0] == 0
    assert loss.get_title(loc="right") == "lowest held-out loss: epoch 3"
    with Image.open(path) as picture:
        assert picture.size[0] > picture.size[1]


@pytest.mark.backend_free
def test_training_curves_in_parts_of_an_epoch(drawn, tmp_path):
    """A finer curve replaces the training images' means, not the held-out figures."""
    curve = {"epoch": [0.25, 0.75, 1.25], "loss": [3.0, 2.0, 1.0]}
    plot_history(HISTORY, str(tmp_path / "training.png"), curve)
    loss, accuracy = (axis.lines for axis in drawn[0].axes)
    assert loss[0].get_xdata().tolist() == curve["epoch"]
    assert loss[0].get_ydata().tolist() == curve["loss"]
    assert loss[1].get_ydata().tolist() == HISTORY["val_loss"]
    assert accuracy[0].get_ydata().tolist() == HISTORY["accuracy"]  # the curve has none


@pytest.mark.medium
@pytest.mark.backend_free
@pytest.mark.parametrize(
    "history",
    [
        {"loss": [0.0]},
        {"loss": [2.0], "val_loss": [np.nan]},
        {"loss": [2.0, np.inf, 1.0], "val_loss": [np.nan, np.nan, np.nan]},
        {"loss": np.linspace(2, 1, 200), "accuracy": np.linspace(0, 1, 200)},
    ],
)
def test_odd_histories_are_drawn(history, drawn, tmp_path):
    """One epoch, many, and losses that are no numbers: drawn without a warning or a mark."""
    plot_history(history, str(tmp_path / "training.svg"))
    assert drawn[0].axes[0].get_title(loc="right") == ""
    assert np.isfinite(drawn[0].axes[0].get_ylim()).all()


def colours(axis):
    """Return the values of the only image of an axis."""
    return np.asarray(axis.images[0].get_array())


def test_two_towers_of_filters(drawn, tmp_path):
    """96 filters of a network with two towers: three rows of 16 each, with a gap between."""
    layers = [keras.layers.Conv2D(96, 11, name="conv1"), Conv2D(4, 3, groups=2)]
    model = keras.Sequential([keras.Input((20, 20, 3)), *layers])
    kernel = np.zeros((11, 11, 3, 96), "float32")
    half = 48
    kernel[..., 0, :half] = 1  # the first tower sees red, the second the absence of blue
    kernel[..., 2, half:] = -1e-3
    model.get_layer("conv1").kernel.assign(kernel)
    plot_filters(model, str(tmp_path / "filters.png"))
    grid = colours(drawn[0].axes[0])
    height = len(grid)
    assert grid.shape == (6 * 46 + 18 - 2, 16 * 46 - 2, 3)  # 11 pixels four times, and lines of 2
    np.testing.assert_allclose(grid[1, 1], [1, 0.5, 0.5])
    np.testing.assert_allclose(grid[-2, -2], [0.5, 0.5, 0])
    np.testing.assert_allclose(grid[height // 2 - 5 : height // 2 + 5], 1)
    plot_filters(model, str(tmp_path / "filters.png"), scaling="common")
    np.testing.assert_allclose(colours(drawn[1].axes[0])[-2, -2], [0.5, 0.5, 0.4995])


def test_filters_of_one_channel_are_grey(drawn, tmp_path):
    """A first layer for grey images; a filter of zeros is middle grey; rows that are short."""
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(7, 3)])
    kernel = np.zeros((3, 3, 1, 7), "float32")
    kernel[..., 1], kernel[..., 2] = 4, -4
    model.layers[0].kernel.assign(kernel)
    plot_filters(model.layers[0], str(tmp_path / "filters.png"))
    grid = colours(drawn[0].axes[0])
    assert grid.shape == (36, 7 * 38 - 2)
    assert grid[18, [18, 18 + 38, 18 + 76]].tolist() == [0.5, 1, 0]


def test_the_smoothness_of_filters():
    """0 for noise and for filters of zeros, 1 for one colour, -1 for a chequerboard."""
    layer = keras.layers.Conv2D(64, 11)
    layer.build((None, 20, 20, 3))
    chequers = (-1.0) ** np.add.outer(np.arange(11), np.arange(11))[:, :, None, None]
    noise = np.random.default_rng(0).normal(size=(11, 11, 3, 64))
    ones = np.ones((11, 11, 3, 64))
    for kernel, smoothness in ((noise, 0), (0 * ones, 0), (ones, 1), (chequers * ones, -1)):
        layer.kernel.assign(kernel)
        assert filter_smoothness(layer) == pytest.approx(smoothness, abs=0.02)


@pytest.mark.backend_free
@pytest.mark.parametrize(("classes", "numbers", "labels"), [(2, 3, 2), (21, 0, 21), (41, 0, None)])
def test_confusion_matrix(classes, numbers, labels, drawn, tmp_path):
    """Shades are parts of a row; numbers for few classes, names for some, neither for many."""
    counts = np.zeros((classes, classes), int)
    counts[0, :2], counts[1, 1] = (3, 1), 8
    names = [f"class {number}" for number in range(classes)]
    plot_confusion(counts, names, str(tmp_path / "confusion.png"))
    axis = drawn[0].axes[0]
    np.testing.assert_allclose(colours(axis)[:2, :2], [[0.75, 0.25], [0, 1]])
    assert axis.get_title() == "11 of 12 right (91.7 %)"
    assert sorted(text.get_text() for text in axis.texts) == ["1", "3", "8"][:numbers]
    shown = [text.get_text() for text in axis.get_yticklabels()]
    assert (shown == names) == (labels is not None)


@pytest.mark.medium
@pytest.mark.backend_free
def test_a_thousand_classes_are_seen(tmp_path):
    """Every hit of a thousand classes leaves a trace on the diagonal of the picture."""
    path = tmp_path / "confusion.png"
    plot_confusion(np.eye(1000, dtype=int), [str(number) for number in range(1000)], str(path))
    with Image.open(path) as image:
        picture = np.asarray(image.convert("RGB")).astype(int)
    bluish = picture[..., 2] - picture[..., 0] > 60
    rows = np.flatnonzero(bluish[:, : picture.shape[1] * 3 // 4].any(axis=1))
    assert len(rows) > 900
    assert np.diff(rows).max() <= 2


# A byte that is no UTF-8, formulas that end and that do not, line ends, a lone surrogate.
ODD = {
    "caf\udce9": r"caf\udce9",
    "$x_^2": "$x_^2",
    r"$\frac$": r"$\frac$",
    "a\\b_c^": "a\\b_c^",
    "two\nlines": r"two\nlines",
    "\ud800": r"\ud800",
    "кот": "кот",
}


@pytest.mark.medium
@pytest.mark.backend_free
def test_odd_names_are_drawn_literally(drawn, tmp_path):
    """Names of folders can hold any byte; none is a formula, and none is a line end."""
    path, expected = str(tmp_path / "picture.png"), list(ODD.values())
    plot_confusion(np.eye(len(ODD), dtype=int), list(ODD), path)
    for labels in (drawn[0].axes[0].get_xticklabels(), drawn[0].axes[0].get_yticklabels()):
        assert [text.get_text() for text in labels] == expected
        assert not any(text.get_parse_math() for text in labels)
    Image.new("RGB", (8, 8)).save(tmp_path / "$a.png")
    guesses = tuple(Guess(name, None, 0.1) for name in list(ODD)[:5])
    results = [Classified(str(tmp_path / "$a.png"), guesses, True)]
    plot_classified(results, path)
    left, right = drawn[1].axes
    assert left.get_title() == "$a.png"
    assert [text.get_text() for text in right.get_yticklabels()] == expected[:5]
    plot_panel(results, [("$x_^2", None)], path, photos=[np.full((9, 9, 3), 7, "uint8")])
    assert drawn[2].axes[0].get_title() == "$x_^2"
    assert (colours(drawn[2].axes[0]) == 7).all()
    assert [text.get_text() for text in drawn[2].axes[1].texts][::2] == expected[:5]
    layers = [SimpleNamespace(name=name, parameters=1, neurons=1, multiply_adds=1) for name in ODD]
    totals = {"parameters": 7, "neurons": 7, "multiply_adds": 7, "input_shape": (8, 8, 3)}
    plot_description(SimpleNamespace(name="$x_^2", layers=layers, **totals), path)
    assert [text.get_text() for text in drawn[3].axes[0].get_yticklabels()] == expected


@pytest.mark.backend_free
def test_a_picture_that_fails_is_said_in_a_line(tmp_path):
    """Whatever matplotlib raises ends nothing, and no older picture stands in for the new one."""
    path, lines = tmp_path / "picture.png", []
    path.write_bytes(b"of an earlier run")

    def draw(path):
        raise RuntimeError("no font\nmore of it")

    assert attempted(draw, str(path), lines.append) is None
    assert lines == [f"The picture {str(path)!r} could not be drawn: no font"]
    assert not path.exists()
    assert attempted(str, "drawn.png", lines.append) == "drawn.png"


MISTAKES = [
    (lambda path: plot_history({"accuracy": [1]}, path), r"\['accuracy'\].* at least one epoch"),
    (
        lambda path: plot_confusion(np.eye(3), ["a"], path),
        r"shape \(3, 3\) and 1 names.*in the ord",
    ),
    (lambda path: plot_filters(two_channels(), path), r"has 2 input channels.*of images"),
    (
        lambda path: plot_filters(keras.Sequential(name="none"), path),
        r"'none', which has no convolution",
    ),
    (lambda path: plot_filters(two_channels(), path, scaling="x"), r"scaling='x'.*'common'"),
    (lambda path: plot_history(HISTORY, path.replace(".png", ".xyz")), "must name a format"),
]


def two_channels():
    """Return a model whose filters are no colours."""
    return keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Conv2D(4, 3)])


@pytest.mark.parametrize(("draw", "message"), MISTAKES)
def test_mistakes_are_said(draw, message, tmp_path):
    """What cannot be drawn is an error in three parts, and no file is left."""
    with pytest.raises(ValueError, match=message):
        draw(str(tmp_path / "picture.png"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.backend_free
def test_without_matplotlib(tmp_path, monkeypatch):
    """The extra that brings matplotlib is named."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ValueError, match=r'not installed.*pip install "keras-alexnet\[plot\]"'):
        plot_history(HISTORY, str(tmp_path / "picture.png"))
