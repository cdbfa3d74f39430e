"""`plot_classified`: images beside the best classes that a network gives them."""

import os
from collections.abc import Sequence

from keras_alexnet.errors import UserError
from keras_alexnet.pictures.figure import (
    BLUE,
    LITERAL,
    check_picture,
    least_score,
    legible,
    new_figure,
    read_image,
    save_figure,
    score_text,
)

SIDE = 400  # pixels of the longer side of an image
MOST = 40  # images in one picture
TITLE, LETTERS = 90, 32  # letters of a title, and of a class, at most


def check_drawable(images: int, path: str) -> None:
    """Raise unless one picture can show so many images and be written; call it before the work."""
    check_picture(path)
    if not 0 < images <= MOST:
        raise UserError(
            f"Received {images} images to draw.",
            f"One picture shows 1 to {MOST} images.",
            f"Give at most {MOST} images at a time, or leave the picture out.",
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
    most = max(len(result.guesses) for result in results)
    figure = new_figure(8.5, 0.3 + max(2.3, 0.22 * most + 0.4) * len(results))
    titles = _titles([result.path for result in results])
    rows = figure.subplots(len(results), 2, squeeze=False, width_ratios=(1, 1.6))
    for (left, right), result, title in zip(rows, results, titles, strict=True):
        image = read_image(result.path)
        image.thumbnail((SIDE, SIDE))
        left.imshow(image)
        left.set_anchor("NW")
        left.set_axis_off()
        # The title goes over both halves, so the layout must not make the left one as wide as it.
        # A blank one keeps its height free.
        left.set_title(" ", loc="left", fontsize=9)
        options = {"x": 0, "horizontalalignment": "left", "fontsize": 9, **LITERAL}
        left.set_title(legible(title, TITLE), **options).set_in_layout(False)
        _draw_bars(right, result)
    return save_figure(figure, path)


def _draw_bars(axis, result) -> None:
    scores = [guess.score for guess in result.guesses]
    low = 0.0 if result.probabilities else least_score(scores)
    rows = range(len(scores))
    shades = [BLUE, *["#80B8D9"] * (len(scores) - 1)]  # the first is the network's answer
    bars = axis.barh(rows, [score - low for score in scores], left=low, color=shades, height=0.7)
    labels = [score_text(score, result.probabilities) for score in scores]
    axis.bar_label(bars, labels, padding=4, fontsize=9)
    names = [legible(guess.name, LETTERS) for guess in result.guesses]
    axis.set_yticks(rows, names, fontsize=9, **LITERAL)
    axis.set_ylim(max(len(scores), 5) - 0.4, -0.6)  # room for five bars, even if there are fewer
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.set_xticks([])
    axis.tick_params(left=False)
    if result.probabilities:
        axis.set_xlim(0, 1.18)  # 1, and room for the number to its right
    else:
        axis.margins(x=0.2)


def _titles(paths: Sequence[str]) -> list[str]:
    """Return the names of files, with as many of their folders as tell all of them apart."""
    parts = [os.path.abspath(path).split(os.sep) for path in paths]
    files = len(set(map(tuple, parts)))
    count = 1
    while len({tuple(each[-count:]) for each in parts}) < files:
        count += 1
    return [os.sep.join(each[-count:]) for each in parts]
