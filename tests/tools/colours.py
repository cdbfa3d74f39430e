"""A model that knows the colour of an image, and images of three colours."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

from keras_alexnet.cards.alexnet_model import AlexNetModel
from keras_alexnet.cards.records import ModelCard, Training
from keras_alexnet.cli import main
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


def evaluate(*arguments):
    """Run the command on the folder of images and return its exit code."""
    return main(["evaluate", "model.keras", *(arguments or ("images",))])


def figures(capsys, *arguments):
    """Return what `--json` prints."""
    assert evaluate(*(arguments or ("images",)), "--json") == 0
    return json.loads(capsys.readouterr().out)


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


def ends(model):
    """Return a model's input and output."""
    return model.input, model.output
