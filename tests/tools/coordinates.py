"""Images that say where each of their pixels stands, so that a window tells where it was cut."""

import dataclasses

import numpy as np

from helpers import to_numpy


def coordinate_images(count, rows=256, columns=256, dtype="uint8"):
    """Return images whose channels are row, column and number of the image (modulo 256)."""
    images = np.empty((count, rows, columns, 3), dtype)
    images[..., 0] = np.arange(rows)[:, None]
    images[..., 1] = np.arange(columns)
    images[..., 2] = (np.arange(count) % 256)[:, None, None]
    return images


@dataclasses.dataclass(frozen=True)
class Places:
    """Where windows were cut: first row, first column, mirrored or not, each an array."""

    tops: np.ndarray
    lefts: np.ndarray
    mirrored: np.ndarray

    def __len__(self):
        return len(self.tops)


def read_places(windows):
    """Return the places of windows at least 2 wide, each checked to be an exact window.

    Every pixel is compared, so a window that is shifted, stretched, mixed from two images or
    mirrored in part does not pass.
    """
    windows = to_numpy(windows) if hasattr(windows, "shape") else np.asarray(windows)
    count, height, width, _ = windows.shape
    corner, end = windows[:, 0, 0].astype(int), windows[:, 0, -1].astype(int)
    mirrored = corner[:, 1] > end[:, 1]
    places = Places(corner[:, 0], np.minimum(corner[:, 1], end[:, 1]), mirrored)
    columns = places.lefts[:, None] + np.arange(width)
    columns = np.where(mirrored[:, None], columns[:, ::-1], columns)
    rows = places.tops[:, None] + np.arange(height)
    expected = np.empty(windows.shape, windows.dtype)
    expected[..., 0] = rows[:, :, None]
    expected[..., 1] = columns[:, None, :]
    expected[..., 2] = (np.arange(count) % 256)[:, None, None]
    np.testing.assert_array_equal(windows, expected)
    return places
