"""`keras-alexnet evaluate` on a model whose answers are known."""

import errno
import json

import keras
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from colours import COLOURS, colour_model, ends, evaluate, figures, paint, save, thousand
from keras_alexnet import AlexNet
from keras_alexnet.cli import main
from keras_alexnet.pictures.figure import ORANGE
from narrow_networks import narrow

RAW = (
    "'model.keras' does not say how images are prepared: the model is assumed to take RGB pixels "
    "of 0 to 255."
)


def test_it_says_what_was_measured(place, capsys):
    """The accuracies, the worst class and a picture; the classes in the model's own order."""
    save(colour_model())
    assert evaluate("images", "--plot", "confusion.png", "--worst", "1") == 0
    out = capsys.readouterr().out
    assert out == (
        f"Measured the images in 'images'.\n{RAW}\n"
        "The folders, in alphabetical order, are not in the order of the model's classes; they "
        "were matched by their names.\n\n"
        "16 images of 3 classes; guessing gives 33.33 %\n\n"
        "accuracy    top-1  top-5  top-1 error  top-5 error\n"
        "one crop  93.75 %      -       6.25 %            -\n\n"
        "worst classes  recognised  images  most often taken for\n"
        "red               83.33 %       6  blue, once\n\n"
        "Drew confusion.png\n"
    )
    with Image.open("confusion.png") as picture:
        assert picture.format == "PNG"


def test_json(place, capsys):
    """`--json` gives the same as plain numbers."""
    save(colour_model())
    result = figures(capsys)
    assert result["confusion"] == [[5, 0, 1], [0, 5, 0], [0, 0, 5]]
    assert result["measured"] == "the images in 'images'"


def test_ten_crops_beside_one(place, capsys):
    """A model that cuts a window is measured with ten as well, unless it is told not to."""
    save(colour_model(window=6))
    result = figures(capsys)
    assert result["top1"] == result["ten_crop_top1"] == 15 / 16
    assert figures(capsys, "images", "--no-ten-crop")["ten_crop_top1"] is None


def test_folders_named_otherwise_are_matched(place, capsys):
    """WordNet identifiers and labels find the model's classes; not every class needs a folder."""
    save(colour_model(), names=["n00000001_red", "n00000002_green", "n00000003_blue"])
    (place / "images" / "red").rename(place / "images" / "n00000001")
    for image in (place / "images" / "blue").iterdir():
        image.unlink()
    result = figures(capsys)
    assert result["confusion"] == [[5, 0, 1], [0, 5, 0], [0, 0, 0]]


def test_without_class_names_the_folders_decide(place, capsys):
    """A model saved by anyone: its classes are taken to be the folders in order, and it is said."""
    colour_model(order=("blue", "green", "red")).save("model.keras")
    assert evaluate() == 0
    out = capsys.readouterr().out
    assert "93.75 %" in out
    assert "assumed to be the folders" in out


@pytest.mark.medium
@pytest.mark.parametrize("names", [("n01440764", "n01443537"), ("tench", "Goldfish")])
def test_a_thousand_outputs_are_imagenets_classes(names, place, capsys):
    """Folders by WordNet identifier or by label; classes of which there is no folder are left."""
    thousand().save("model.keras")
    for colour, name in zip(("red", "green"), names, strict=True):
        (place / "images" / colour).rename(place / "images" / name)
    (place / "images" / "blue").rename(place / "images" / "great white-shark")
    result = figures(capsys)
    assert (result["top1"], result["top1_error"]) == (15 / 16, 1 / 16)
    assert result["class_names"][2] == "n01484850_great_white_shark"
    assert result["notes"][0] == RAW
    assert "assumed to be ImageNet's" in result["notes"][1]
    assert "in alphabetical order, are not in the order" in result["notes"][2]
    assert len(result["notes"]) == 3


def test_another_order_of_the_classes_is_noticed(place, capsys):
    """Folders in alphabetical order, which is not that of the outputs: low figures, and why."""
    for name, colour in COLOURS.items():
        paint(place / "images" / name, colour, 30, start=10)
    keras.Model(*ends(colour_model(order=("red", "blue", "green")))).save("model.keras")
    assert evaluate() == 0
    out = capsys.readouterr().out
    assert "assumed to be the folders, in alphabetical order" in out
    assert (
        "The classes seem to be in another order than the model's outputs: 0.0 % are right" in out
    )
    assert "and 99.1 % would be" in out
    assert "'blue' mostly gets the output of 'green'" in out
    assert "into a file classes.json beside the model" in out


@pytest.mark.medium
def test_published_weights(place, capsys, monkeypatch):
    """A file of weights with its variant: its classes are ImageNet's, its images its own."""
    narrow(monkeypatch, "owt")
    AlexNet("owt", initialization="robust").save_weights("owt.weights.h5")
    (place / "images" / "red").rename(place / "images" / "n01440764")
    (place / "images" / "green").rename(place / "images" / "goldfish")
    (place / "images" / "blue").rename(place / "images" / "tiger shark")
    command = ["evaluate", "owt.weights.h5", "images", "--variant", "owt", "--no-ten-crop"]
    assert main([*command, "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert (result["images"], len(result["class_names"])) == (16, 1000)
    rows = np.array(result["confusion"]).sum(axis=1)
    assert np.flatnonzero(rows).tolist() == [0, 1, 3]
    assert "keras-alexnet evaluate: note:" in captured.err
    assert "look untrained" in captured.err


@pytest.mark.medium
def test_the_panel(place, capsys, monkeypatch):
    """Photos of as many classes as can be, their own class in orange where it is among the best."""
    drawn = []
    save_figure = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save_figure(self, *a, **k))
    )
    save(colour_model(), names=["n00000001_red_$", "green", "blue"])
    (place / "images" / "red").rename(place / "images" / "n00000001")
    assert evaluate("images", "--panel", "panel.png") == 0
    assert "Drew panel.png" in capsys.readouterr().out
    photos = [axis for axis in drawn[0].axes if axis.images]
    bars = [axis for axis in drawn[0].axes if axis.patches]
    assert len(photos) == len(bars) == 8
    titles = [axis.get_title() for axis in photos]
    assert max(titles.count(title) for title in set(titles)) == 3
    for photo, axis in zip(photos, bars, strict=True):
        colour = tuple(np.asarray(photo.images[0].get_array())[0, 0].tolist())
        label = {(255, 0, 0): "red $", (0, 255, 0): "green", (0, 0, 255): "blue"}[colour]
        names = [text.get_text() for text in axis.texts[::2]]
        assert names[0] == label  # what the model says, by the photo's colour
        widths = [bar.get_width() for bar in axis.patches]
        assert widths == sorted(widths, reverse=True)
        assert sum(widths) == pytest.approx(1)
        orange = [bar.get_facecolor()[:3] == to_rgb(ORANGE) for bar in axis.patches]
        assert orange == [name == photo.get_title() for name in names]


def test_a_picture_that_cannot_be_written_costs_no_figures(place, capsys, monkeypatch):
    """What was measured is printed first; the reason comes after it, with exit code 2."""

    def refuse(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    save(colour_model())
    monkeypatch.setattr(Figure, "savefig", refuse)
    for flags in ((), ("--json",)):
        assert evaluate("images", "--plot", "confusion.png", *flags) == 2
        captured = capsys.readouterr()
        assert "the images in 'images'" in captured.out and "Drew" not in captured.out
        assert "confusion.png': No space left on device" in captured.err


@pytest.mark.backend_free
def test_help_has_an_example(capsys):
    """`--help` ends in an example."""
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "--help"])
    assert stop.value.code == 0
    assert "example: keras-alexnet evaluate" in capsys.readouterr().out
