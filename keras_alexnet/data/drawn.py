"""A small data set that needs no download: shapes and textures drawn with Pillow."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["CLASS_NAMES", "drawn_images"]

SIZE = 256  # the side from which the 2012 network's 224 x 224 crops are cut (paper, section 2)
TURN = 0.3  # largest turn of figures and stripes, in radians
MIN_CONTRAST = 220  # smallest distance of the two colours in RGB; black to white is 442


def drawn_images(count: int, seed: int = 0, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Draw images of ten kinds of shapes and textures in random colours, positions and sizes.

    Args:
        count: Number of images, divided evenly among the classes in `CLASS_NAMES`.
        seed: The same seed draws the same images.
        size: Height and width in pixels; the images are drawn at 256 and shrunk.

    Returns:
        Images, uint8 RGB of shape `(count, size, size, 3)`, and int32 labels of shape `(count,)`,
        in random order.

    Example:

    >>> images, labels = drawn_images(20, seed=1, size=32)
    >>> images.shape, images.dtype, sorted(set(labels.tolist()))
    ((20, 32, 32, 3), dtype('uint8'), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(CLASS_NAMES)).astype("int32")
    images = np.stack([np.asarray(_drawn(int(label), rng, size)) for label in labels])
    return images, labels


def _drawn(label: int, rng: np.random.Generator, size: int):
    from PIL import Image, ImageDraw

    ground, figure = _two_colours(rng)
    image = Image.new("RGB", (SIZE, SIZE), ground)
    _PAINTERS[label](ImageDraw.Draw(image), rng, figure)
    return image if size == SIZE else image.resize((size, size), Image.Resampling.BILINEAR)


def _two_colours(rng) -> list[tuple[int, int, int]]:
    while True:
        pair = rng.integers(0, 256, (2, 3))
        if np.linalg.norm(pair[0] - pair[1]) >= MIN_CONTRAST:
            return [(int(red), int(green), int(blue)) for red, green, blue in pair]


def _pose(rng) -> tuple[float, float, float, float]:
    """Return a centre, a radius and an angle; the figure stays inside the image.

    Figures are large, colours strong, turns small and textures coarse, so that a network of 60
    million parameters learns the ten classes from 1,120 images, in minutes. A linear classifier
    does not: which of the two colours is the lighter one is left to chance.
    """
    radius = rng.uniform(0.34, 0.45) * SIZE
    x, y = rng.uniform(radius, SIZE - radius, 2)
    return x, y, radius, rng.uniform(-TURN, TURN)


def _around(x, y, angle, radii) -> list[tuple[float, float]]:
    """Return one point per radius, turned evenly around the centre."""
    step = 2 * math.pi / len(radii)
    return [
        (x + radius * math.cos(angle + i * step), y + radius * math.sin(angle + i * step))
        for i, radius in enumerate(radii)
    ]


def _circle(draw, rng, colour):
    x, y, radius, _ = _pose(rng)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _ring(draw, rng, colour):
    x, y, radius, _ = _pose(rng)
    width = round(radius * 0.3)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=width)


def _bar(draw, rng, colour):
    x, y, radius, angle = _pose(rng)
    along = (radius * math.cos(angle), radius * math.sin(angle))
    ends = (x - along[0], y - along[1], x + along[0], y + along[1])
    draw.line(ends, fill=colour, width=round(radius * 0.6))


def _triangle(draw, rng, colour):
    x, y, radius, angle = _pose(rng)
    draw.polygon(_around(x, y, angle, [radius] * 3), fill=colour)


def _star(draw, rng, colour):
    x, y, radius, angle = _pose(rng)
    draw.polygon(_around(x, y, angle, [radius, radius * 0.4] * 5), fill=colour)


def _cross(draw, rng, colour):
    x, y, radius, angle = _pose(rng)
    width = round(radius * 0.45)
    ends = _around(x, y, angle, [radius] * 4)
    draw.line((ends[0], ends[2]), fill=colour, width=width)
    draw.line((ends[1], ends[3]), fill=colour, width=width)


def _stripes(draw, rng, colour):
    # Nearly horizontal, because rings have lines in all directions.
    period, angle = rng.uniform(24, 40), rng.uniform(-TURN, TURN)
    along = (SIZE * math.cos(angle), SIZE * math.sin(angle))
    for offset in np.arange(rng.uniform(0, period) - SIZE, SIZE, period):
        x = SIZE / 2 - offset * math.sin(angle)
        y = SIZE / 2 + offset * math.cos(angle)
        ends = (x - along[0], y - along[1], x + along[0], y + along[1])
        draw.line(ends, fill=colour, width=round(period / 2))


def _checks(draw, rng, colour):
    side = rng.uniform(26, 40)
    left, top = rng.uniform(-40, 0, 2)
    count = int(SIZE / side) + 4
    for row in range(count):
        for column in range(row % 2, count, 2):
            x, y = left + column * side, top + row * side
            draw.rectangle((x, y, x + side, y + side), fill=colour)


def _dots(draw, rng, colour):
    step = rng.uniform(28, 44)
    left, top = rng.uniform(-step, 0, 2)
    radius = step * rng.uniform(0.22, 0.28)  # a fifth of the image, where checks are half of it
    for x in np.arange(left, SIZE + step, step):
        for y in np.arange(top, SIZE + step, step):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _rings(draw, rng, colour):
    (x, y), period = rng.uniform(0.35, 0.65, 2) * SIZE, rng.uniform(24, 40)
    for radius in np.arange(period, 2 * SIZE, period):
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, outline=colour, width=round(period / 2))


_PAINTERS = (
    _circle,
    _ring,
    _bar,
    _triangle,
    _star,
    _cross,
    _stripes,
    _checks,
    _dots,
    _rings,
)
CLASS_NAMES = tuple(painter.__name__[1:] for painter in _PAINTERS)
