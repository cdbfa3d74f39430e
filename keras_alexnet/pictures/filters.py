"""`plot_filters`: a picture of the filters of the first convolution; how smooth they are."""

import keras
import numpy as np

from keras_alexnet.arguments import choice
from keras_alexnet.errors import UserError, escaped
from keras_alexnet.pictures.figure import LITERAL, new_figure, save_figure
from keras_alexnet.type_aliases import Scaling

ROBUST = 99.5  # the percentile of a filter's magnitudes that is drawn as black or white
PIXELS = 36  # least side of a filter in the picture
SCALINGS = ("filter", "common")
LINE, GAP = 2, 18  # pixels between filters, and between towers


def plot_filters(
    source: keras.Model | keras.layers.Layer, path: str, scaling: Scaling = "filter"
) -> str:
    """Draw the filters of the first convolution as small images.

    A weight of 0 is middle grey, so that the signs are visible. A network with two towers, whose
    second convolution has two groups, has the filters of each tower in separate rows, like the two
    times 48 in figure 3 of the paper.

    Args:
        source: A model, or its first convolution; only a model shows how many towers there are.
        path: The picture's file; its ending names the format.
        scaling: `"filter"` gives every filter the full contrast, so that its pattern is visible
            however small it is; `"common"` draws all on one scale, so that filters which have
            learned little stay grey. Both clip the largest weights, one in 200.

    Returns:
        The path.

    Raises:
        UserError: If there is no convolution with 1 or 3 input channels, or matplotlib is not
            installed, or the file cannot be written.

    Reference:
        Krizhevsky, Sutskever, Hinton 2012, figure 3.
    """
    remedy = "Leave it out to give every filter the full contrast."
    choice("scaling", scaling, SCALINGS, remedy)
    layer, towers = _first_convolution(source)
    tiles = _shades(keras.ops.convert_to_numpy(layer.kernel).astype("float64"), scaling)
    grid = _grid(tiles, towers)
    height, width = grid.shape[:2]
    figure = new_figure(8, 8 * height / width + 0.45)
    axis = figure.subplots()
    axis.imshow(grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_axis_off()
    size = " x ".join(map(str, layer.kernel.shape[:2]))
    scaled = "each at its own contrast" if scaling == "filter" else "all on one scale"
    of_towers = f", tower by tower ({towers})" if towers > 1 else ""
    title = f"{escaped(layer.name)}: {len(tiles)} filters of {size}, {scaled}{of_towers}"
    axis.set_title(title, fontsize=9, **LITERAL)
    return save_figure(figure, path)


def filter_smoothness(source: keras.Model | keras.layers.Layer) -> float:
    """Return the mean correlation of neighbouring weights in the filters of the first convolution.

    For each filter it is the mean of `w * v` over all pairs of weights that are neighbours in a row
    or a column, divided by the mean of `w²`. Initial noise has about 0, a filter of one colour 1.

    Args:
        source: A model, or its first convolution, as `plot_filters` takes it.

    Raises:
        UserError: If there is no convolution with 1 or 3 input channels.
    """
    layer, _ = _first_convolution(source)
    kernel = keras.ops.convert_to_numpy(layer.kernel).astype("float64")
    axes = (0, 1, 2)
    rows = (kernel[1:] * kernel[:-1]).mean(axes)
    columns = (kernel[:, 1:] * kernel[:, :-1]).mean(axes)
    square = (kernel**2).mean(axes)
    return float(np.mean((rows + columns) / 2 / np.where(square > 0, square, 1.0)))


def _first_convolution(source):
    """Return the first convolution and the number of towers that it feeds."""
    convolutions = [layer for layer in _layers(source) if isinstance(layer, keras.layers.Conv2D)]
    if not convolutions or convolutions[0].kernel.shape[2] not in (1, 3):
        received = f"Received {source.name!r}, which has no convolution."
        if convolutions:
            channels = convolutions[0].kernel.shape[2]
            received = f"The first convolution of {source.name!r} has {channels} input channels."
        raise UserError(
            received,
            "The first convolution must have 1 input channel, drawn in grey, or 3, in colour.",
            "Give a model of images, or its first convolution.",
        )
    return convolutions[0], convolutions[1].groups if len(convolutions) > 1 else 1


def _layers(source):
    if isinstance(source, keras.Model):
        for layer in source.layers:
            yield from _layers(layer)
    else:
        yield source


def _shades(kernel: np.ndarray, scaling: str) -> np.ndarray:
    """Return the filters as images of 0 to 1, in which a weight of 0 is 0.5."""
    filters = np.moveaxis(kernel, -1, 0)
    axes = (1, 2, 3) if scaling == "filter" else None
    limits = np.percentile(np.abs(filters), ROBUST, axis=axes, keepdims=True)
    limits = np.where(limits > 0, limits, 1.0)  # filters of zeros are grey
    return np.clip(0.5 + filters / (2 * limits), 0, 1)


def _grid(tiles: np.ndarray, towers: int) -> np.ndarray:
    """Return tiles in equal rows, with white lines between them and gaps between towers."""
    factor = -(-PIXELS // max(tiles.shape[1:3]))
    tiles = tiles.repeat(factor, axis=1).repeat(factor, axis=2)
    tiles = np.pad(tiles, ((0, 0), (0, LINE), (0, LINE), (0, 0)), constant_values=1)
    columns = _columns(len(tiles) // towers)
    missing = -len(tiles) % columns  # of the last row
    tiles = np.pad(tiles, ((0, missing), (0, 0), (0, 0), (0, 0)), constant_values=1)
    rows = tiles.reshape(-1, columns, *tiles.shape[1:])  # row, column, y, x, channel
    lines = [np.concatenate(list(row), axis=1) for row in rows]
    gap = np.ones((GAP, *lines[0].shape[1:]))
    ends = range(len(lines) // towers, len(lines), len(lines) // towers) if towers > 1 else ()
    for end in reversed(ends):
        lines.insert(end, gap)
    return np.concatenate(lines)[:-LINE, :-LINE]


def _columns(count: int) -> int:
    """Return the most columns up to 16 that fill all rows; 16 if those would be 4 or less."""
    columns = max(number for number in range(1, min(16, count) + 1) if count % number == 0)
    return columns if columns > 4 else min(16, count)
