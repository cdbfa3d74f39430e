"""`keras-alexnet evaluate`: on a model whose answers are known, and on mistakes."""

import errno
import json
import os

import keras
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from keras_alexnet import AlexNet
from keras_alexnet.cards.alexnet_model import AlexNetModel
from keras_alexnet.cards.records import ModelCard, Training
from keras_alexnet.cli import main
from keras_alexnet.data.split_record import SplitRecord
from keras_alexnet.pictures.figure import ORANGE
from keras_alexnet.preprocessing import CenterCrop, SquareResize

COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}


def colour_model(order=("red", "green", "blue"), size=8, window=None):
    """Return a model that knows the colour of an image by the mean of its channels."""
    inputs = x = keras.Input((size, size, 3) if window is None else (None, None, 3))
    if window is not None:
        x = SquareResize(size, data_format="channels_last")(x)
        x = CenterCrop(window, window, data_format="channels_last")(x)
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last")(x)
    dense = keras.layers.Dense(len(order), activation="softmax", use_bias=False)
    model = AlexNetModel(inputs, dense(x), name="colours")
    channels = [("red", "green", "blue").index(name) for name in order]
    dense.kernel.assign(np.eye(3, dtype="float32")[:, channels] / 100)
    return model


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with red, green and blue images, one of which is in the wrong folder."""
    monkeypatch.chdir(tmp_path)
    for name, colour in COLOURS.items():
        paint(tmp_path / "images" / name, colour, 5)
    paint(tmp_path / "images" / "red", COLOURS["blue"], 1, start=5)
    return tmp_path


def paint(folder, colour, count, start=0):
    """Save images of one colour."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        Image.new("RGB", (20, 12), colour).save(folder / f"{number}.png")


def save(model, names=("red", "green", "blue"), split=None):
    """Save a model as `fit` does, with its card, and beside it the files that it was trained on."""
    training = None
    if split is not None:
        split.write("files.csv")
        held_out = len(split.held_out)
        hashed = split.held_out_hash()
        training = Training(None, 1, 16, 1e-3, 0, len(split.training), held_out, hashed)
    model.card = ModelCard(class_names=tuple(names), training=training)
    model.save("model.keras")


RAW = (
    "'model.keras' does not say how images are prepared: the model is assumed to take RGB pixels "
    "of 0 to 255."
)


def evaluate(*arguments):
    """Run the command on the folder of images and return its exit code."""
    return main(["evaluate", "model.keras", *(arguments or ("images",))])


def figures(capsys, *arguments):
    """Return what `--json` prints."""
    assert evaluate(*(arguments or ("images",)), "--json") == 0
    return json.loads(capsys.readouterr().out)


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
    assert "taken to be the folders" in out


def thousand(order=None):
    """Return a model of ImageNet's classes whose outputs for red are class 0, green 1, blue 2."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last")(inputs)
    dense = keras.layers.Dense(1000, activation="softmax", use_bias=False)
    model = keras.Model(inputs, dense(x), name="thousand")
    kernel = np.zeros((3, 1000), "float32")
    kernel[range(3), [0, 1, 2] if order is None else order] = 0.1
    dense.kernel.assign(kernel)
    return model


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
    assert "taken to be ImageNet's" in result["notes"][1]
    assert "in alphabetical order, are not in the order" in result["notes"][2]
    assert len(result["notes"]) == 3


def test_another_order_of_the_classes_is_noticed(place, capsys):
    """Folders in alphabetical order, which is not that of the outputs: low figures, and why."""
    for name, colour in COLOURS.items():
        paint(place / "images" / name, colour, 30, start=10)
    keras.Model(*ends(colour_model(order=("red", "blue", "green")))).save("model.keras")
    assert evaluate() == 0
    out = capsys.readouterr().out
    assert "taken to be the folders, in alphabetical order" in out
    assert (
        "The classes seem to be in another order than the model's outputs: 0.0 % are right" in out
    )
    assert "and 99.1 % would be" in out
    assert "'blue' mostly gets the output of 'green'" in out
    assert "into a file classes.json beside the model" in out


@pytest.mark.long
def test_published_weights(place, capsys):
    """A file of weights with its variant: its classes are ImageNet's, its images its own."""
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
        "Since the training, 1 image is new ('green/9.png') and not measured.",
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
    assert result["notes"][1].startswith("No list of the images that it was trained on lies")
    SplitRecord({}, {"red/1.png": 1}).write("files.csv")
    assert figures(capsys)["notes"][1].startswith("The files.csv beside the model belongs to")
    os.rename("other.csv", "files.csv")
    os.rename("images", "elsewhere")
    paint(place / "images" / "red", COLOURS["red"], 2, start=90)
    paint(place / "images" / "green", COLOURS["green"], 2, start=90)
    result = figures(capsys)
    assert (result["images"], result["measured"]) == (4, "the images in 'images'")
    assert "None of them is in the list of images that the run had." in result["notes"]
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


def ends(model):
    """Return a model's input and output."""
    return model.input, model.output


def four_outputs():
    """Save a model of other classes."""
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(4))
    model.name = "four"
    model.save("model.keras")


def one_channel():
    """Save a model of grey images."""
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()], name="grey")
    model.add(keras.layers.Dense(3))
    model.save("model.keras")


def not_a_number():
    """Save a model whose training went astray."""
    model = colour_model()
    model.layers[-1].kernel.assign(np.full((3, 3), np.nan, "float32"))
    save(model)


def bad_names():
    """Save a model without a card, beside which the class names are damaged."""
    keras.Model(*ends(colour_model())).save("model.keras")
    with open("classes.json", "w") as file:
        file.write("[")


def bad_image():
    """Save a good model, and spoil an image."""
    save(colour_model())
    for name in ("green/2", "red/0"):  # of which the first is named before anything is measured
        with open(f"images/{name}.png", "w") as file:
            file.write("no image")


def cut_image():
    """Save a good model, and cut off the pixels of an image, but not its header."""
    save(colour_model())
    with open("images/green/2.png", "r+b") as file:
        file.truncate(50)


MISTAKES = [
    (four_outputs, ["images"], "'four' of 4 classes and images of 3"),
    (one_channel, ["images"], "'grey' with an input of shape (8, 8, 1)"),
    (not_a_number, ["images"], "gave NaN, not a number, for 16 of 16"),
    (bad_names, ["images"], "classes.json', which stands beside the model, cannot be read"),
    (bad_image, ["images"], "b'no image'). Nor can 1 other file. "),
    (cut_image, ["images"], "'images/green/2.png' cannot be read: it is cut short or damaged"),
    (lambda: save(colour_model(), ["red", "green", "grey"]), ["images"], "'blue' matches none"),
    (lambda: save(colour_model()), ["nowhere"], "'nowhere', which does not exist"),
    (lambda: save(colour_model()), ["images", "--ten-crop"], "cuts no window"),
    (lambda: save(colour_model()), ["images", "--plot", "no/a.png"], "'no/a.png'"),
    (lambda: save(colour_model()), ["images", "--panel", "no/a.png"], "'no/a.png'"),
    (lambda: save(colour_model()), ["images", "--variant", "nosuch"], "variant='nosuch'"),
    (lambda: thousand().save("model.keras"), ["images"], "of 1000 classes and images of 3"),
    (lambda: None, ["images"], "no such file"),
]


@pytest.mark.parametrize(("prepare", "arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(prepare, arguments, message, place, capsys):
    """Every mistake gives one line on stderr, nothing on stdout, and exit code 2."""
    prepare()
    before = sorted(place.rglob("*"))
    capsys.readouterr()
    assert evaluate(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert sorted(place.rglob("*")) == before


@pytest.mark.backend_free
def test_help_has_an_example(capsys):
    """`--help` ends in an example."""
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "--help"])
    assert stop.value.code == 0
    assert "example: keras-alexnet evaluate" in capsys.readouterr().out
