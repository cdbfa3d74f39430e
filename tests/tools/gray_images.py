"""A folder of images of one gray each, and the gray levels of batches."""

import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Two classes, each of ten images whose gray says which it is: 0 to 9, and 100 to 109."""
    for start, name in ((0, "cats"), (100, "dogs")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(10):
            save_gray(tmp_path / "images" / name / f"{number}.bmp", start + number)
    return tmp_path / "images"


def save_gray(path, level):
    """Save an image of one gray."""
    Image.new("RGB", (8, 8), (level,) * 3).save(path)


def batches(dataset):
    """Return the gray levels of every batch; the labels must be right."""
    levels = []
    for images, labels in dataset.as_numpy_iterator():
        assert (images == images[:, :1, :1, :1]).all()
        assert (labels == images[:, 0, 0, 0] // 100).all()
        levels.append(images[:, 0, 0, 0].tolist())
    return levels


def all_levels(dataset):
    """Return the gray levels of all images."""
    return [level for batch in batches(dataset) for level in batch]


def orders(dataset, epochs=3):
    """Return the gray levels of several epochs."""
    return [all_levels(dataset) for _ in range(epochs)]


LEVELS = [*range(10), *range(100, 110)]
