"""`plot_panel`: photos with their class and the five most probable classes of a network."""

from collections.abc import Sequence

from keras_alexnet.errors import UserError
from keras_alexnet.pictures.figure import (
    LITERAL,
    ORANGE,
    least_score,
    legible,
    new_figure,
    read_image,
    save_figure,
    score_text,
)

PHOTOS, COLUMNS = 8, 4  # at most in one picture, and in one row
BARS = 5  # classes under each photo, as the paper has them
SIDE = 256  # pixels of a photo's side
SHADE = "#A9CFE6"  # a light blue, on which names are legible


def plot_panel(
    results: Sequence,
    classes: Sequence[tuple[str, str | None]],
    path: str,
    photos: Sequence | None = None,
) -> str:
    """Draw up to eight photos, each with its class and bars for the best classes below it.

    The bar of the right class is orange; if no bar is, the right class is not among the best.

    Args:
        results: What `classify` returns.
        classes: The class (label, WordNet identifier) of each photo, as `named` returns it.
        path: The picture's file; its ending names the format.
        photos: The photos as uint8 RGB arrays; `None` to read them from their files.

    Returns:
        The path.

    Raises:
        UserError: If there are no photos or too many, a photo cannot be read, matplotlib is not
            installed, or the file cannot be written.

    Reference:
        Krizhevsky, Sutskever, Hinton 2012, figure 4, on the left.
    """
    if not 0 < len(results) <= PHOTOS:
        raise UserError(
            f"Received {len(results)} photos to draw.",
            f"One picture shows 1 to {PHOTOS} photos.",
            f"Choose at most {PHOTOS} photos.",
        )
    from PIL import Image

    rows, columns = -(-len(results) // COLUMNS), min(len(results), COLUMNS)
    figure = new_figure(2.5 * columns, 3.9 * rows + 0.3)
    axes = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=(2.2, 1.4) * rows)
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (result, own) in enumerate(zip(results, classes, strict=True)):
        row, column = divmod(number, COLUMNS)
        photo = read_image(result.path) if photos is None else Image.fromarray(photos[number])
        _draw_photo(axes[2 * row, column], photo, own[0])
        _draw_bars(axes[2 * row + 1, column], result, own)
    best = max(len(result.guesses) for result in results)
    shown = "The best class" if best == 1 else f"The best {best} classes"
    between = "\n" if columns == 1 else " "
    figure.suptitle(f"{shown} of each image;{between}orange: the right one", fontsize=10)
    return save_figure(figure, path)


def _draw_photo(axis, photo, label: str) -> None:
    from PIL import ImageOps

    axis.imshow(ImageOps.fit(photo, (SIDE, SIDE)))
    axis.set_title(legible(label, 26), fontsize=10, fontweight="bold", **LITERAL)


def _draw_bars(axis, result, own: tuple[str, str | None]) -> None:
    """Draw bars as long as the scores, with names on them and numbers to their right."""
    scores = [guess.score for guess in result.guesses]
    right = [(guess.name, guess.wordnet) == own for guess in result.guesses]
    colours = [ORANGE if one else SHADE for one in right]
    low, high = (0.0, 1.0) if result.probabilities else (least_score(scores), max(scores))
    width = high - low or 1.0
    lengths = [score - low for score in scores]
    axis.barh(range(len(scores)), lengths, left=low, color=colours, height=0.8)
    axis.set_xlim(low, low + 1.32 * width)  # room for the numbers
    axis.set_ylim(4.6, -0.6)  # room for five bars, even if there are fewer
    for row, guess in enumerate(result.guesses):
        weight = "bold" if right[row] else "normal"
        number = score_text(guess.score, result.probabilities)
        options = {"va": "center", "fontsize": 8, "fontweight": weight, **LITERAL}
        axis.text(low + 0.02 * width, row, legible(guess.name, 28), **options)
        axis.text(low + 1.32 * width, row, number, ha="right", **options)
