"""The examples that end the help of the commands for images, run as they stand there."""

import os
import shlex

import keras
import numpy as np
import pytest
from PIL import Image

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.cli import main
from keras_alexnet.evaluation.networks import ReadyNetwork
from keras_alexnet.jobs import networks

WRITTEN = {
    "check-images": ["unreadable"],
    "classify": ["classes.csv"],
    "features": ["features.csv", "features.json", "features.npy"],
}


def stand_in(weights, variant, **options):
    """Return a small network in place of published weights, with one of its layers' names."""
    assert (weights, variant) in (("imagenet", None), ("owt_torchvision", None))
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Dense(4, name="fc7")(x)
    model = keras.Model(inputs, keras.layers.Dense(1000, activation="softmax")(x))
    return ReadyNetwork(model, ModelCard("owt"), (), weights)


@pytest.mark.parametrize("command", WRITTEN)
def test_the_example_runs(command, tmp_path, monkeypatch, capsys):
    """With a folder `photos` and a file `cat.jpg`, and without a network connection."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(networks, "ready_network", stand_in)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), "uint8")
    for name, image in zip(("photos/a/1.png", "photos/b/2.png", "cat.jpg"), pixels, strict=True):
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        Image.fromarray(image).save(name)
    if command == "check-images":
        (tmp_path / "photos" / "bad.png").write_text("no image")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    _, example = " ".join(capsys.readouterr().out.split()).split("example: keras-alexnet ")
    assert main(shlex.split(example)) == (command == "check-images")
    assert sorted({*os.listdir()} - {"photos", "cat.jpg"}) == WRITTEN[command]
