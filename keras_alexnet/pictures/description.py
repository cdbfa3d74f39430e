"""`plot_description`: a picture of each layer's share of a model."""

from collections.abc import Sequence
from typing import Any

from keras_alexnet.errors import UserError
from keras_alexnet.pictures.figure import (
    BLUE,
    GREEN,
    LITERAL,
    ORANGE,
    legible,
    new_figure,
    save_figure,
)
from keras_alexnet.tables import sizes_text

LAYER, MODEL = 30, 60  # letters of the name of a layer and of a model, at most


def plot_description(description: Any, path: str) -> str:
    """Draw each layer's share of a model's parameters, neurons and multiply-adds.

    Where numbers depend on the size of the images and the model takes any, they have no bars.

    Args:
        description: What `describe` returns.
        path: The picture's file; its ending names the format.

    Returns:
        The path.

    Raises:
        UserError: If no layer has parameters or neurons, or matplotlib is not installed, or the
            file cannot be written.
    """
    layers = [layer for layer in description.layers if layer.parameters or layer.neurons]
    if not layers:
        raise UserError(
            f"Received the model {description.name!r}, whose layers have no parameters.",
            "A picture shows the layers with parameters or neurons.",
            "Describe a model that has a convolution or a dense layer.",
        )
    figure = new_figure(9, 1.2 + 0.42 * len(layers))
    axes = figure.subplots(1, 3, sharey=True)
    colours = {"parameters": BLUE, "neurons": ORANGE, "multiply-adds": GREEN}
    for axis, (measure, colour) in zip(axes, colours.items(), strict=True):
        attribute = measure.replace("-", "_")
        counts = [getattr(layer, attribute) for layer in layers]
        total = getattr(description, attribute)
        _draw_bars(axis, counts, total, colour)
        axis.set_title(f"{measure}\n{'(depends on image size)' if total is None else f'{total:,}'}")
    # The layers have numbers, because two calls of one layer have the same name.
    axes[0].set_yticks(range(len(layers)), [legible(x.name, LAYER) for x in layers], **LITERAL)
    axes[0].invert_yaxis()
    title = f"{legible(description.name, MODEL)}, {_input_text(description.input_shape)}"
    figure.suptitle(title, **LITERAL)
    return save_figure(figure, path)


def _draw_bars(axis, counts: Sequence[int | None], total: int | None, colour: str) -> None:
    """Draw a bar for each layer's share of a total, and the count beside it.

    Without a total there are no bars, and a question mark for each unknown count.
    """
    shares = [100 * (count or 0) / total if total else 0 for count in counts]
    bars = axis.barh(range(len(counts)), shares, color=colour)
    labels = ["?" if count is None else f"{count:,}" for count in counts]
    axis.bar_label(bars, labels, padding=3, fontsize=8)
    most = 1.6 * max(1, *shares)  # room for the count
    axis.set_xlim(0, most)
    # The last number must not touch the first one of the next panel.
    ticks = [tick for tick in axis.get_xticks() if tick <= min(100, 0.85 * most)]
    axis.set_xticks(ticks if total else [])
    axis.xaxis.set_major_formatter("{x:.0f} %")
    axis.spines[["top", "right"]].set_visible(False)


def _input_text(shape: Sequence[int | None]) -> str:
    """Return the shape of an input in words, such as "images of any size"."""
    if len(shape) != 3:
        return f"inputs of {sizes_text(shape)}"
    return "images of any size" if shape.count(None) > 1 else f"images of {sizes_text(shape)}"
