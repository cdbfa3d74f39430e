"""`keras-alexnet evaluate`: each mistake is one line and exit code 2."""

import keras
import numpy as np
import pytest

from colours import colour_model, ends, evaluate, save, thousand


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
    (four_outputs, ["images"], "'four' with 4 outputs, and images of 3"),
    (one_channel, ["images"], "'grey' with an input of shape (8, 8, 1)"),
    (not_a_number, ["images"], "gave NaN, not a number, for 16 of 16"),
    (bad_names, ["images"], "classes.json' cannot be read"),
    (bad_image, ["images"], "with 'no image'. 1 other file cannot be read either. "),
    (cut_image, ["images"], "'images/green/2.png' cannot be read: it is cut short or damaged"),
    (lambda: save(colour_model(), ["red", "green", "grey"]), ["images"], "'blue' matches none"),
    (lambda: save(colour_model()), ["nowhere"], "'nowhere', which does not exist"),
    (lambda: save(colour_model()), ["images", "--ten-crop"], "cuts no window"),
    (lambda: save(colour_model()), ["images", "--plot", "no/a.png"], "'no/a.png'"),
    (lambda: save(colour_model()), ["images", "--panel", "no/a.png"], "'no/a.png'"),
    (lambda: save(colour_model()), ["images", "--variant", "nosuch"], "variant='nosuch'"),
    (lambda: thousand().save("model.keras"), ["images"], "with 1000 outputs, and images of 3"),
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
