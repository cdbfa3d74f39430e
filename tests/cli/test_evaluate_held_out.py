"""`keras-alexnet evaluate` on the images that a run held out."""

import os

import pytest

from colours import COLOURS, colour_model, evaluate, figures, paint, save
from keras_alexnet.data.split_record import SplitRecord


def test_the_val_part_is_measured(place, capsys):
    """Of a folder with train and val, val is measured, and said to be."""
    (place / "images").rename(place / "val")
    paint(place / "data" / "train" / "red", COLOURS["red"], 1)
    (place / "val").rename(place / "data" / "val")
    save(colour_model())
    result = figures(capsys, "data")
    assert (result["images"], result["measured"]) == (16, "the images in 'data/val'")


def split_of(place):
    """Return the record of a run that held out three images, one of them the misplaced one."""
    images = place / "images"
    every = {
        path.relative_to(images).as_posix(): path.stat().st_size for path in images.rglob("*.png")
    }
    held = {name: every.pop(name) for name in ("red/4.png", "red/5.png", "blue/0.png")}
    return SplitRecord(every, held)


def test_what_a_run_held_out_is_measured(place, capsys):
    """Exactly the files that the run held out, whatever else has changed; changes are said."""
    save(colour_model(), split=split_of(place))
    result = figures(capsys)
    assert result["measured"] == "the images in 'images' that were held out in training"
    assert (result["images"], result["top1"], result["notes"][1:-1]) == (3, 2 / 3, [])
    (place / "images" / "red" / "4.png").unlink()
    (place / "images" / "red" / "0.png").unlink()  # was trained on
    paint(place / "images" / "green", COLOURS["green"], 1, start=9)
    with open(place / "images" / "blue" / "0.png", "ab") as file:
        file.write(b"more")
    result = figures(capsys)
    assert (result["images"], result["top1"]) == (1, 0)
    assert result["notes"][1:4] == [
        "Of the held-out images, 1 image is missing ('red/4.png').",
        "Of the held-out images, 1 image is of another size ('blue/0.png').",
        "The run did not use all images: 1 image is not measured ('green/9.png').",
    ]
    (place / "images" / "red" / "5.png").unlink()
    assert evaluate() == 2
    assert "none of the 3 images that were held out" in capsys.readouterr().err


def test_without_the_list_nothing_is_called_held_out(place, capsys):
    """The model moved away, a list of another run, other images: each is said."""
    save(colour_model(), split=split_of(place))
    os.rename("files.csv", "other.csv")
    result = figures(capsys)
    assert (result["images"], result["measured"]) == (16, "the images in 'images'")
    assert result["notes"][1].startswith("The model's folder has no files.csv")
    SplitRecord({}, {"red/1.png": 1}).write("files.csv")
    assert figures(capsys)["notes"][1].startswith("The files.csv in the model's folder belongs to")
    os.rename("other.csv", "files.csv")
    os.rename("images", "elsewhere")
    paint(place / "images" / "red", COLOURS["red"], 2, start=90)
    paint(place / "images" / "green", COLOURS["green"], 2, start=90)
    result = figures(capsys)
    assert (result["images"], result["measured"]) == (4, "the images in 'images'")
    assert "None of the images is in the files.csv of the model's run." in result["notes"]
    with open("files.csv", "w") as file:
        file.write("not a list")
    assert evaluate() == 2
    assert "'files.csv' cannot be read" in capsys.readouterr().err.replace(str(place) + "/", "")


@pytest.mark.medium
def test_held_out_parts_of_train_and_val(place, capsys):
    """A run on train and val held out val, and its paths begin with the part."""
    (place / "images").rename(place / "val")
    paint(place / "data" / "train" / "red", COLOURS["red"], 1)
    (place / "val").rename(place / "data" / "val")
    held = {
        path.relative_to(place / "data").as_posix(): path.stat().st_size
        for path in (place / "data" / "val").rglob("*.png")
    }
    train = place / "data" / "train" / "red" / "0.png"
    save(colour_model(), split=SplitRecord({"train/red/0.png": train.stat().st_size}, held))
    result = figures(capsys, "data")
    assert result["measured"] == "the images in 'data' that were held out in training"
    assert result["images"] == 16
