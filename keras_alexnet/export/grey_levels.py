"""`clear_of_ties`: photos of which every program that resizes them makes the same grey levels."""

import numpy as np

DISTANCE = 5e-3  # of a new pixel from the middle of two grey levels, where photos shrink
ROUNDS = 100  # after which a photo is taken as it is; most need less than ten


def clear_of_ties(photo: np.ndarray, size: int, method: str) -> np.ndarray:
    """Return a photo in which no pixel lies halfway between two grey levels once it is resized.

    Such a pixel becomes one of the two levels, as the order of a float32 sum has it: programs that
    are all right differ there. Here some old pixel under it is changed by one level, until no such
    pixel is left.

    Args:
        photo: uint8 `(rows, columns, channels)`.
        size: As in `SquareResize`.
        method: As in `SquareResize`.

    Example:

    >>> stripes = np.array([[[0], [1], [0], [1]]] * 4, "uint8")  # halves make 0.5
    >>> cleared = clear_of_ties(stripes, 2, "warp")
    >>> int((cleared != stripes).sum())  # one for each of the four new pixels
    4
    """
    rows, columns = photo.shape[:2]
    if (rows, columns) == (size, size):
        return photo
    target = (size, size)
    if method == "shorter_side":
        target = size * rows // min(rows, columns), size * columns // min(rows, columns)
    down, across = (
        _triangles(old, new, size, antialias=method == "shorter_side")
        for old, new in zip((rows, columns), target, strict=True)
    )
    clearing = _Clearing(photo, down, across)
    # Where a photo grows, each old pixel is in many new ones, which cannot all be as far.
    distance = DISTANCE * min(1, rows / target[0], columns / target[1])
    any(clearing.is_clear(distance) for _ in range(ROUNDS))
    return clearing.pixels.transpose(1, 2, 0).astype("uint8")


class _Clearing:
    """The pixels of a photo, and those that they are resized to.

    Args:
        photo: The photo.
        down: Weights `(new rows, old rows)`.
        across: Weights `(new columns, old columns)`.
    """

    def __init__(self, photo: np.ndarray, down: np.ndarray, across: np.ndarray):
        self.pixels = photo.transpose(2, 0, 1).astype("int16")
        self.down, self.across = down, across
        self.resized = down @ (self.pixels @ across.T)
        self.random = np.random.default_rng(0)

    def is_clear(self, distance: float) -> bool:
        """Return whether all new pixels have a distance; if not, change old ones for the others."""
        rest = self.resized % 1 - 0.5
        near = np.nonzero(np.abs(rest) < distance)
        channel, row, column = near
        old = channel, self._chosen(self.down)[row], self._chosen(self.across)[column]
        step = np.where(rest[near] < 0, -1, 1)
        # An old pixel under several of them changes once.
        places, first = np.unique(np.stack(old), axis=1, return_index=True)
        self._change(tuple(places), step[first])
        return not channel.size

    def _change(self, old: tuple[np.ndarray, ...], step: np.ndarray) -> None:
        """Add steps to old pixels, or take them away at the ends of the range of grey levels."""
        before = self.pixels[old]
        step = np.where((before + step < 0) | (before + step > 255), -step, step)
        self.pixels[old] = before + step
        for number, pixels in enumerate(self.resized):
            here = old[0] == number
            _, rows, columns = (index[here] for index in old)
            pixels += (self.down[:, rows] * step[here]) @ self.across[:, columns].T

    def _chosen(self, weights: np.ndarray) -> np.ndarray:
        """Return for each new row an old one that has weight in it, another one each time."""
        return (weights * self.random.random(weights.shape[1])).argmax(axis=1)


def _triangles(source: int, target: int, size: int, antialias: bool) -> np.ndarray:
    """Return the weights `(size, source)` of the old pixels in the central new ones of an axis."""
    cut = target - size
    first = cut // 2 + cut % 4 // 3  # half a pixel goes to the even offset
    reach = max(source / target, 1) if antialias else 1
    centres = (np.arange(size) + first + 0.5)[:, None] * source / target
    weights = np.maximum(0, 1 - np.abs(np.arange(source) + 0.5 - centres) / reach)
    return weights / weights.sum(axis=1, keepdims=True)
