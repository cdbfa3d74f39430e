"""Label smoothing and class weights, computed by hand."""

import csv

import keras
import numpy as np
import pytest
from PIL import Image

from keras_alexnet.training.job import Job
from keras_alexnet.training.losses import SmoothedCrossentropy
from runs import quietly


def by_hand(labels, probabilities, smoothing):
    """Return the cross-entropy of each image with smoothed labels."""
    classes = probabilities.shape[1]
    smoothed = (1 - smoothing) * np.eye(classes)[labels] + smoothing / classes
    return -np.sum(smoothed * np.log(probabilities), axis=1)


def test_smoothed_labels():
    """The mean over the images; a network that guesses scores ln(classes)."""
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], "float32")
    labels = np.array([0, 1])
    loss = SmoothedCrossentropy(0.3)
    value = keras.ops.convert_to_numpy(loss(labels, probabilities))
    assert value == pytest.approx(by_hand(labels, probabilities, 0.3).mean(), rel=1e-5)
    guess = keras.ops.convert_to_numpy(loss(labels, np.full((2, 3), 1 / 3, "float32")))
    assert guess == pytest.approx(np.log(3), rel=1e-5)


@pytest.mark.long
def test_both_in_a_run(tmp_path):
    """Almost without a rate, the losses in the history are those of the model that is saved."""
    generator, images = np.random.default_rng(0), {"train": [], "val": []}
    for number in range(16):
        part, label = ("val", number % 2) if number >= 8 else ("train", int(number >= 6))
        pixels = generator.integers(0, 256, (32, 32, 3), "uint8")
        place = tmp_path / "images" / part / ("cats", "dogs")[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number}.png")
        images[part].append((pixels, label))
    job = Job(
        variant="cifar10_18pct",
        directory=str(tmp_path / "images"),
        epochs=1,
        batch_size=3,
        learning_rate=1e-12,
        augmentation=False,
        label_smoothing=0.1,
        class_weights=True,
    )
    said = []
    outcome = quietly(job, tmp_path / "run", say=said.append)
    assert "Class weights: cats 0.667, dogs 2." in said  # 8 / (2 * 6) and 8 / (2 * 2)
    model = keras.saving.load_model(outcome.model_path)
    losses = {}
    for part, pairs in images.items():
        pixels, labels = map(np.stack, zip(*pairs, strict=True))
        weights = np.where(labels == 0, 8 / 12, 8 / 4) if part == "train" else 1
        found = by_hand(labels, model.predict(pixels, verbose=0), 0.1)
        losses[part] = np.mean(weights * found)
    row = next(csv.DictReader((tmp_path / "run" / "history.csv").read_text().splitlines()))
    assert float(row["loss"]) == pytest.approx(losses["train"], rel=1e-4)
    assert float(row["val_loss"]) == pytest.approx(losses["val"], rel=1e-4)
