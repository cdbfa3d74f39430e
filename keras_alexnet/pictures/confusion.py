"""`plot_confusion`: a picture of a confusion matrix."""

from collections.abc import Sequence

import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.pictures.figure import LITERAL, legible, new_figure, save_figure
from keras_alexnet.type_aliases import Tensor

NUMBERS, LABELS = 20, 40  # most classes with counts in the cells, and with names beside them
LETTERS = 32  # of a name, at most


def plot_confusion(confusion: Tensor, class_names: Sequence[str], path: str) -> str:
    """Draw a confusion matrix: a row for each true class, a column for each predicted class.

    The darker a cell, the larger its share of the row, so that classes with many and with few
    images look alike. Up to 20 classes have their counts in the cells, up to 40 their names beside
    them; of more classes the picture shows only the pattern, along their numbers.

    Args:
        confusion: Counts of shape `(classes, classes)`, such as `Evaluation.confusion`.
        class_names: The names of the classes, in order.
        path: The picture's file; its ending names the format.

    Returns:
        The path.

    Raises:
        UserError: If the matrix does not fit the names, or matplotlib is not installed, or the
            file cannot be written.
    """
    counts, classes = np.asarray(confusion), len(class_names)
    if counts.shape != (classes, classes):
        raise UserError(
            f"Received a matrix of shape {counts.shape} and {classes} names of classes.",
            "The matrix must have as many rows and columns as there are names.",
            "Give the names of all classes, in the order of the model's outputs.",
        )
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    names = [legible(name, LETTERS) for name in class_names] if classes <= LABELS else []
    # The layout makes room for the names beside the matrix, so that the cells keep their size.
    beside = 0.09 * max(map(len, names), default=4)
    side = max(1.5, 0.42 * classes) if classes <= NUMBERS else 8 if classes <= LABELS else 11.5
    width = max(side + beside + 1.8, 4.6)  # of the title of few classes with many images
    figure = new_figure(width, side + beside + 0.7)
    figure.set_layout_engine("compressed")  # the matrix is a square, whatever is beside it
    axis = figure.subplots()
    image = axis.imshow(shares, cmap="Blues", norm=_scale(classes), interpolation="auto")
    bar = figure.colorbar(image, ax=axis, shrink=0.7, label="share of the true class")
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axis.set_xlabel("predicted class")
    axis.set_ylabel("true class")
    right, images = int(np.trace(counts)), int(counts.sum())
    axis.set_title(f"{right:,} of {images:,} right ({100 * right / max(images, 1):.1f} %)")
    if names:
        axis.set_xticks(range(classes), names, rotation=90, **LITERAL)
        axis.set_yticks(range(classes), names, **LITERAL)
    if classes <= NUMBERS:
        _write_counts(axis, counts, shares)
    return save_figure(figure, path)


def _scale(classes: int):
    """Return the scale from shares to shades; of many classes small shares must show too."""
    from matplotlib.colors import Normalize, PowerNorm

    return Normalize(0, 1) if classes <= LABELS else PowerNorm(0.5, 0, 1)


def _write_counts(axis, counts, shares) -> None:
    """Write the counts above 0 into their cells, in white on dark ones."""
    size = 9 if counts.max() < 1000 else 7
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[row, column] > 0.5 else "black"
        text = f"{counts[row, column]:,}"
        axis.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)
