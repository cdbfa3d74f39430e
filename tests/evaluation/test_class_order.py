"""The note that classes are in another order than a model's outputs: when it appears."""

import numpy as np
import pytest

from keras_alexnet.evaluation import Evaluation
from keras_alexnet.evaluation.class_order import DEVKIT, order_note
from keras_alexnet.published.imagenet import imagenet_class_names, imagenet_classes

pytestmark = pytest.mark.backend_free


def evaluated(confusion, names=None):
    """Return an evaluation with this confusion matrix."""
    confusion = np.asarray(confusion)
    names = tuple(names or (f"class {number}" for number in range(len(confusion))))
    images = int(confusion.sum())
    return Evaluation(names, images, np.trace(confusion) / images, None, confusion)


def drawn(classes, images, accuracy, seed=0, order=None):
    """Return the confusion of a network that is right in a part of the images, else anything."""
    rng = np.random.default_rng(seed)
    confusion = np.zeros((classes, classes), int)
    order = np.arange(classes) if order is None else order
    for row in range(classes):
        for _ in range(images):
            right = rng.random() < accuracy
            confusion[row, order[row] if right else rng.integers(classes)] += 1
    return confusion


@pytest.mark.parametrize(
    ("classes", "images", "accuracy"),
    [(2, 100, 0.8), (10, 20, 0.5), (200, 30, 0.6), (1000, 5, 0.57)],
)
def test_an_order_that_was_mixed_is_noticed(classes, images, accuracy):
    """The outputs turned by one place: what is right, and what would be, is said."""
    turned = np.roll(np.arange(classes), 1)
    confusion = drawn(classes, images, accuracy, order=turned)
    note = order_note(evaluated(confusion))
    would_be = confusion[np.arange(classes), turned].sum() / confusion.sum()
    assert f"and {100 * would_be:.1f} % would be" in note
    last, first = f"'class {classes - 1}'", "'class 0'"
    assert f"{first} mostly gets the output of {last}" in note
    assert "devkit" not in note


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize("images", [1, 2, 10])
@pytest.mark.parametrize("accuracy", [0, 0.3, 0.9])
def test_networks_that_are_right_bad_or_know_nothing_are_left_alone(classes, images, accuracy):
    """Chance alone makes no note, not even with one image a class; nor does one output for all."""
    for seed in range(20 if classes < 1000 else 2):
        assert order_note(evaluated(drawn(classes, images, accuracy, seed))) is None
    collapsed = np.zeros((classes, classes), int)
    collapsed[:, classes - 1] = images
    assert order_note(evaluated(collapsed)) is None


def test_the_devkits_order_is_named():
    """Sorted identifiers against the devkit's numbers, seen in images of some classes only."""
    names = imagenet_class_names()
    numbers = {identifier: number for number, (identifier, _) in enumerate(imagenet_classes())}
    confusion = np.zeros((1000, 1000), int)
    for identifier, output in DEVKIT.items():
        confusion[numbers[identifier], output] = 9
    note = order_note(evaluated(confusion, names))
    assert "0.0 % are right, and 100.0 % would be" in note
    assert "the order of the 2012 devkit's ILSVRC2012_ID" in note


def test_the_devkits_numbers_are_the_published_ones():
    """The first, and some others, by the names that everyone knows."""
    names = dict(imagenet_classes())
    found = {number + 1: names[identifier] for identifier, number in DEVKIT.items()}
    assert len(found) == 34
    assert [found[number] for number in (1, 2, 3)] == [
        "kit_fox",
        "English_setter",
        "Siberian_husky",
    ]
    assert [found[number] for number in (250, 450, 600)] == ["tank", "goldfish", "spider_web"]
