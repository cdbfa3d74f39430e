"""`plot_classified`: images beside the best classes that a network gives them."""

import os
from collections.abc import Sequence

from keras_alexnet.errors import UserError, escaped
from keras_alexnet.pictures.figure import (
    BLUE,
    LITERAL,
    check_picture,
    new_figure,
    read_image,
    save_figure,
    score_text,
)

SIDE = 400  # pixels of the longer side of an image
MOST = 40  # images in one picture


def check_drawable(images: int, path: str) -> None:
    """Raise unless one picture can show so many images and be written; call it before the work."""
    check_picture(path)
    if images > MOST:
        raise UserError(
            f"Received {images} images to draw.",
            f"One picture shows at most {MOST} images.",
            "Give fewer images at a time, or leave the picture out.",
        )


def plot_classified(results: Sequence, path: str) -> str:
    """Draw each image with bars for its best classes beside it.

    Args:
        results: What `classify` returns.
        path: The picture's file; its ending names the format.

    Returns:
        The path.

    Raises:
        UserError: If there are too many images or one cannot be read, or matplotlib is not
            installed, or the file cannot be written.
    """
    check_drawable(len(results), path)
    figure = new_figure(8.5, 0.3 + 2.3 * len(results))
    rows = figure.subplots(len(results), 2, squeeze=False, width_ratios=(1, 1.6))
    for (left, right), result in zip(rows, results, strict=True):
        image = read_image(result.path)
        image.thumbnail((SIDE, SIDE))
        left.imshow(image)
        left.set_title(_name(result.path), fontsize=9, **LITERAL)
        left.set_axis_off()
        _draw_bars(right, result)
    return save_figure(figure, path)


def _draw_bars(axis, result) -> None:
    scores = [guess.score for guess in result.guesses]
    rows = range(len(scores))
    shades = [BLUE, *["#80B8D9"] * (len(scores) - 1)]  # the first is the network's answer
    bars = axis.barh(rows, scores, color=shades, height=0.7)
    labels = [score_text(score, result.probabilities) for score in scores]
    axis.bar_label(bars, labels, padding=4, fontsize=9)
    axis.set_yticks(rows, [escaped(g.name) for g in result.guesses], fontsize=9, **LITERAL)
    axis.invert_yaxis()
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.set_xticks([])
    axis.tick_params(left=False)
    if result.probabilities:
        axis.set_xlim(0, 1.18)  # 1, and room for the number to its right
    else:
        axis.margins(x=0.2)


def _name(path: str) -> str:
    """Return a file's name in at most 40 ASCII letters, which every font has."""
    name = ascii(os.path.basename(path))[1:-1]
    return name if len(name) <= 40 else f"{name[:28]}...{name[-9:]}"
