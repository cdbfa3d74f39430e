"""The images that the package draws itself."""

import numpy as np
import pytest

from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images

pytestmark = pytest.mark.backend_free


def test_drawn_images_are_reproducible():
    """The same seed draws the same images; another seed draws others."""
    images, labels = drawn_images(30, seed=3, size=64)
    again, labels_again = drawn_images(30, seed=3, size=64)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels, labels_again)
    assert not np.array_equal(images, drawn_images(30, seed=4, size=64)[0])


def test_drawn_classes_are_balanced_and_drawn():
    """Every class has its share, at 256 pixels by default, and no image is of one colour."""
    images, labels = drawn_images(40, seed=0)
    assert images.shape == (40, 256, 256, 3)
    assert np.bincount(labels).tolist() == [4] * len(CLASS_NAMES)
    assert all((image != image[0, 0]).any() for image in images)


def test_circles_are_rounder_than_stars():
    """Labels say what is drawn: the share of its own bounding box that a figure fills."""
    images, labels = drawn_images(100, seed=0, size=128)
    fills = {name: fill(images[labels == number]) for number, name in enumerate(CLASS_NAMES)}
    assert fills["circle"] == pytest.approx(np.pi / 4, abs=0.03)
    assert fills["star"] < fills["triangle"] < fills["circle"]


def test_a_bar_is_as_long_whatever_its_turn():
    """Its length is 2 / 0.6 times its width, and its turn at most 0.3 radians to either side."""
    images, labels = drawn_images(300, seed=0)
    turns = []
    for image in images[labels == CLASS_NAMES.index("bar")]:
        figure = (image != image[0, 0]).any(axis=-1)
        if figure[[0, -1]].any() or figure[:, [0, -1]].any():
            continue  # a corner that the border cuts off
        spreads, axes = np.linalg.eigh(np.cov(np.argwhere(figure).T))
        assert 3.3 < np.sqrt(spreads[1] / spreads[0]) < 3.52  # 2 / 0.6, and ends on whole pixels
        rows, columns = axes[:, 1]
        turns.append(np.arctan(rows / columns))
    assert len(turns) > 10
    assert -0.31 < min(turns) < -0.2 and 0.2 < max(turns) < 0.31


@pytest.mark.parametrize("name", ["stripes", "checks"])
def test_a_pattern_of_two_colours_is_even(name):
    """Half of the image has each: the bands are as wide as the gaps, whatever their angle."""
    images, labels = drawn_images(60, seed=0)
    for image in images[labels == CLASS_NAMES.index(name)]:
        _, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
        assert len(counts) == 2
        assert counts.max() / counts.sum() < 0.6


def test_a_linear_classifier_does_not_recognise_the_classes():
    """Least squares on the pixels stays under 60 %: the figure may be the darker or the lighter
    colour, so that no pixel alone says which figure it is."""
    images, labels = drawn_images(600, seed=0, size=16)
    pixels = np.hstack([images.reshape(600, -1) / 255 - 0.5, np.ones((600, 1))])
    known, targets = pixels[:480], np.eye(len(CLASS_NAMES))[labels[:480]]
    for decay in (0.001, 0.1, 10.0):
        normal = known.T @ known + decay * np.eye(known.shape[1])
        weights = np.linalg.solve(normal, known.T @ targets)
        correct = (pixels[480:] @ weights).argmax(axis=1) == labels[480:]
        assert 0.05 < correct.mean() < 0.6


def fill(images) -> float:
    """Return the mean share of the bounding box of what differs from the top left corner."""
    shares = []
    for image in images.astype(int):
        figure = np.abs(image - image[0, 0]).sum(axis=-1) > 60
        rows, columns = np.flatnonzero(figure.any(1)), np.flatnonzero(figure.any(0))
        box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        shares.append(figure.sum() / box)
    return float(np.mean(shares))
