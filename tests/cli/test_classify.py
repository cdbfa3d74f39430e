"""`keras-alexnet classify`: on networks whose answers are known, and on mistakes."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from colour_networks import colours, save, softmax
from keras_alexnet.cli import main
from keras_alexnet.evaluation.classifying import Classified, Guess, classify
from keras_alexnet.pictures.classification import plot_classified


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with two images."""
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (20, 12), (250, 100, 0)).save("a.png")
    Image.new("RGB", (12, 20), (0, 100, 50)).save("b.png")
    return tmp_path


RAW = (
    "'model.keras' does not say how images are prepared: the model is assumed to take RGB pixels "
    "of 0 to 255."
)
CLASSES = (
    "'model.keras' does not name its classes: those of the file classes.json in the same folder "
    "are assumed."
)


def test_a_table(place, capsys):
    """The best classes of each image, by label and identifier, as `fit` named them."""
    save(colours())
    assert main(["classify", "a.png", "b.png", "--model", "model.keras", "--top", "2"]) == 0
    first, second = softmax([250, 100, 0]), softmax([0, 100, 50])
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines()] == [
        ["image", "class", "WordNet", "probability"],
        ["a.png", "red", "fish", "n01440764", f"{100 * first[0]:.2f}", "%"],
        ["green", f"{100 * first[1]:.2f}", "%"],
        [],
        ["b.png", "green", f"{100 * second[1]:.2f}", "%"],
        ["n01443537", "n01443537", f"{100 * second[2]:.2f}", "%"],
        [],
        RAW.split(),
        CLASSES.split(),
    ]


def test_json(place, capsys):
    """`--json` gives the same, and nothing else."""
    save(colours())
    assert main(["classify", "a.png", "--model", "model.keras", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["model"], result["plot"]) == ("colours", None)
    (image,) = result["images"]
    assert image["path"] == "a.png"
    names = [("red fish", "n01440764"), ("green", None), ("n01443537", "n01443537")]
    assert [(row["name"], row["wordnet"]) for row in image["classes"]] == names
    scores = [row["score"] for row in image["classes"]]
    np.testing.assert_allclose(scores, softmax([250, 100, 0]), rtol=1e-5)


def test_ten_crops(place):
    """Ten windows are averaged, as computed by hand; without them it is the central one."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), "uint8")
    Image.fromarray(pixels).save("c.png")
    windows = [pixels[top : top + 6, left : left + 6] for top in (0, 2) for left in (0, 2)]
    windows.append(pixels[1:7, 1:7])  # the mirror images have the same means
    outputs = [softmax(window.mean(axis=(0, 1))) for window in windows]
    for ten_crop, expected in ((True, np.mean(outputs, axis=0)), (False, outputs[-1])):
        (result,) = classify(colours(window=6), ["c.png"], ["0", "1", "2"], ten_crop=ten_crop)
        found = {guess.name: guess.score for guess in result.guesses}
        np.testing.assert_allclose([found[name] for name in "012"], expected, rtol=1e-5)


def test_more_images_than_fit_in_a_batch(place):
    """The order of the images is kept over the batches."""
    paths = ["a.png", "b.png", "b.png", "a.png", "b.png"]
    results = classify(colours(), paths, ["red", "green", "blue"], top=1, batch_size=2)
    assert [result.path for result in results] == paths
    assert [result.guesses[0].name for result in results] == [
        {"a.png": "red", "b.png": "green"}[path] for path in paths
    ]


@pytest.mark.parametrize(
    ("outputs", "best", "second"),
    [
        (1000, ["tench", "n01440764"], ["goldfish", "n01443537"]),
        (4, ["class", "0"], ["class", "1"]),
    ],
)
def test_without_class_names(place, capsys, outputs, best, second):
    """A thousand outputs are ImageNet's classes, others are numbered, and it is said."""
    save(colours(activation=None, outputs=outputs), names=None)
    assert main(["classify", "a.png", "--model", "model.keras", "--top", "2"]) == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert lines[0][-1] == "score"  # logits are no probabilities
    assert lines[1] == ["a.png", *best, "2.5"]
    assert lines[2] == [*second, "1"]
    assert RAW in out
    assert "does not name its classes: a thousand outputs are assumed to be ImageNet's" in out


@pytest.mark.medium
def test_a_picture(place, capsys, drawn):
    """Each image stands beside bars of its classes' probabilities, the best on top."""
    save(colours())
    arguments = ["a.png", "b.png", "--model", "model.keras", "--plot", "classes.png"]
    assert main(["classify", *arguments]) == 0
    assert capsys.readouterr().out.endswith("\nDrew classes.png\n")
    (figure,) = drawn
    image, bars, other, _ = figure.axes
    assert np.asarray(image.images[0].get_array())[0, 0].tolist() == [250, 100, 0]
    assert (image.get_title(), other.get_title()) == ("a.png", "b.png")
    widths = [bar.get_width() for bar in bars.patches]
    np.testing.assert_allclose(widths, softmax([250, 100, 0]), rtol=1e-5)
    labels = [label.get_text() for label in bars.get_yticklabels()]
    assert labels == ["red fish", "green", "n01443537"]
    assert bars.yaxis_inverted()
    assert [text.get_text() for text in bars.texts] == [f"{100 * width:.1f} %" for width in widths]
    with Image.open("classes.png") as picture:
        assert picture.format == "PNG"


@pytest.mark.backend_free
def test_a_picture_of_logits_and_odd_names(place, drawn):
    """Scores below 0, and a long name with a formula's sign and letters that are not English."""
    name = "$" + "é" * 110 + ".png"
    os.rename("a.png", name)
    guesses = (Guess("up", None, 3.25), Guess("down", None, -1.5))
    plot_classified([Classified(name, guesses, probabilities=False)], "picture.svg")
    image, bars = drawn[0].axes
    assert [text.get_text() for text in bars.texts] == ["3.25", "-1.5"]
    assert image.get_title().startswith("$éé") and image.get_title().endswith("éé.png")
    assert not image.title.get_parse_math()
    assert len(image.get_title()) == 90
    low, high = sorted(bars.get_xlim())
    assert low < -1.5 and high > 3.25


def bad_image():
    save(colours())
    with open("b.png", "w") as file:
        file.write("no image")


def bad_names(names):
    def prepare():
        save(colours(), names)

    return prepare


def good():
    save(colours())


def not_a_number():
    model = colours()
    model.layers[-1].kernel.assign(np.full((3, 3), np.nan, "float32"))
    save(model)


MODEL = ["--model", "model.keras"]
MISTAKES = [
    (good, ["a.png", *MODEL, "--weights", "owt_torchvision"], "together with"),
    (good, ["nowhere.png", *MODEL], "Received 'nowhere.png', which does not exist."),
    (good, ["no/such", *MODEL], "Received 'no/such', which does not exist."),
    (bad_image, ["a.png", "b.png", *MODEL], "'b.png' cannot be read: it is not an image"),
    (good, ["a.png", *MODEL, "--ten-crop"], "cuts no window"),
    (good, ["a.png", *MODEL, "--top", "0"], "--top must be a whole number of at least 1"),
    (good, ["a.png", *MODEL, "--plot", "no/a.png"], "'no/a.png'"),
    (good, ["a.png", *MODEL, "--plot", "picture.xyz"], "ending must name a format"),
    (good, ["a.png"] * 41 + [*MODEL, "--plot", "b.svg"], "Received 41 images to draw."),
    (bad_names(["one"]), ["a.png", *MODEL], "Received 1 names of classes for the model 'colours'"),
    (bad_names([1, 2, 3]), ["a.png", *MODEL], "cannot be read: it holds no list of names"),
    (bad_names({"a": 1}), ["a.png", *MODEL], "cannot be read: it holds no list of names"),
    (not_a_number, ["a.png", *MODEL], "scores of NaN"),
    (good, ["a.png", "--model", "no.keras"], "no such file"),
]


@pytest.mark.parametrize(("prepare", "arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(prepare, arguments, message, place, capsys):
    """Every mistake gives one line on stderr, nothing on stdout, and exit code 2."""
    prepare()
    before = sorted(place.rglob("*"))
    capsys.readouterr()
    try:
        code = main(["classify", *arguments])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert sorted(place.rglob("*")) == before


@pytest.mark.backend_free
def test_help_has_an_example(capsys):
    """`--help` ends in an example."""
    with pytest.raises(SystemExit) as stop:
        main(["classify", "--help"])
    assert stop.value.code == 0
    assert "example: keras-alexnet classify" in capsys.readouterr().out
