"""Photos with their class and the five classes that a network finds most probable."""

from collections.abc import Sequence

from keras_alexnet.errors import UserError, escaped
from keras_alexnet.pictures.classification import readable
from keras_alexnet.pictures.figure import LITERAL, ORANGE, new_figure, save_figure

PHOTOS, COLUMNS, SIDE = 8, 4, 256  # of one picture, of a row; the pixels of a photo's side
SHADE = "#A9CFE6"  # a light blue, on which names can be read


def plot_panel(results: Sequence, classes: Sequence[tuple[str, str | None]], path: str) -> str:
    """Draw up to eight photos, each with its class and bars for the best classes under it.

    The bar of the right class is orange; where none is, the network has it not among its best.

    Args:
        results: What `classify` returns.
        classes: The (label, WordNet identifier) that each photo is of, as `named` gives it.
        path: The picture's file; its ending names the format.

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
            f"One picture shows 1 to {PHOTOS}.",
            "Choose some of them.",
        )
    rows, columns = -(-len(results) // COLUMNS), min(len(results), COLUMNS)
    figure = new_figure(2.5 * columns, 3.9 * rows + 0.3)
    axes = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=(2.2, 1.4) * rows)
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (result, own) in enumerate(zip(results, classes, strict=True)):
        row, column = divmod(number, COLUMNS)
        _draw_photo(axes[2 * row, column], result.path, own[0])
        _draw_bars(axes[2 * row + 1, column], result, own)
    best = max(len(result.guesses) for result in results)
    figure.suptitle(f"The best {best} classes of each photo; orange: the right one", fontsize=10)
    return save_figure(figure, path)


def _draw_photo(axis, path: str, label: str) -> None:
    from PIL import ImageOps

    axis.imshow(ImageOps.fit(readable(path), (SIDE, SIDE)))
    axis.set_title(_short(label, 30), fontsize=10, fontweight="bold", **LITERAL)


def _draw_bars(axis, result, own: tuple[str, str | None]) -> None:
    """Draw the bars with names on them and numbers behind, as long as the scores are large."""
    scores = [guess.score for guess in result.guesses]
    right = [(guess.name, guess.wordnet) == own for guess in result.guesses]
    colours = [ORANGE if one else SHADE for one in right]
    axis.barh(range(len(scores)), scores, color=colours, height=0.8)
    low, high = (0.0, 1.0) if result.probabilities else (min(0.0, *scores), max(scores))
    width = high - low or 1.0
    axis.set_xlim(low, low + 1.32 * width)  # room for the numbers
    axis.set_ylim(4.6, -0.6)  # also where there are fewer than five
    for place, guess in enumerate(result.guesses):
        weight = "bold" if right[place] else "normal"
        number = f"{100 * guess.score:.1f} %" if result.probabilities else f"{guess.score:.3g}"
        options = {"va": "center", "fontsize": 8, "fontweight": weight, **LITERAL}
        axis.text(low + 0.02 * width, place, _short(guess.name, 28), **options)
        axis.text(low + 1.32 * width, place, number, ha="right", **options)


def _short(name: str, most: int) -> str:
    name = escaped(name)
    return name if len(name) <= most else f"{name[: most - 3]}..."
