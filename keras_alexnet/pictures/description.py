"""`plot_description`: a picture of each layer's share of a model."""

from keras_alexnet.errors import escaped
from keras_alexnet.pictures.figure import BLUE, GREEN, LITERAL, ORANGE, new_figure, save_figure
from keras_alexnet.tables import sizes_text


def plot_description(description, path: str) -> str:
    """Draw each layer's share of a model's parameters, neurons and multiply-adds."""
    layers = [layer for layer in description.layers if layer.parameters or layer.neurons]
    measures = [
        ("parameters", description.parameters, BLUE),
        ("neurons", description.neurons, ORANGE),
        ("multiply-adds", description.multiply_adds, GREEN),
    ]
    figure = new_figure(9, 1.2 + 0.42 * len(layers))
    axes = figure.subplots(1, 3, sharey=True)
    for axis, (measure, total, colour) in zip(axes, measures, strict=True):
        attribute = measure.replace("-", "_")
        counts = [getattr(layer, attribute) or 0 for layer in layers]
        shares = [100 * count / total if total else 0 for count in counts]
        # Bars have numbers, because two calls of one layer have the same name.
        names = [escaped(layer.name) for layer in layers]
        bars = axis.barh(range(len(layers)), shares, color=colour)
        axis.set_yticks(range(len(layers)), names, **LITERAL)
        axis.bar_label(bars, [f"{count:,}" for count in counts], padding=3, fontsize=8)
        axis.set_title(f"{measure}\n{total:,}" if total else f"{measure}\n(size unknown)")
        axis.set_xlim(0, 1.6 * max(*shares, 1))
        axis.xaxis.set_major_formatter("{x:.0f} %")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    size = sizes_text(description.input_shape)
    figure.suptitle(f"{escaped(description.name)}, images of {size}", **LITERAL)
    return save_figure(figure, path)
