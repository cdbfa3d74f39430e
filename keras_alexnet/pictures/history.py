"""`plot_history`: loss and accuracy over the epochs of a training."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.pictures.figure import BLUE, ORANGE, new_figure, save_figure


def plot_history(
    history: Mapping[str, Sequence[float]],
    path: str,
    curve: Mapping[str, Sequence[float]] | None = None,
) -> str:
    """Draw loss and accuracy over the epochs, of the training and of the held-out images.

    A dotted line marks the epoch with the lowest held-out loss: if that loss rises again after it
    while the training loss falls further, the network overfits.

    Args:
        history: The figures of each epoch by name, as in `keras.callbacks.History` and the table
            that training writes: `loss` and, if they were measured, `accuracy`, `val_loss` and
            `val_accuracy`. `epoch` numbers the epochs; without it they count from 1.
        path: The picture's file; its ending names the format.
        curve: `epoch`, which has fractions, `loss` and `accuracy` of the training images at many
            points of each epoch, as `TrainingCurve` records them. They are drawn in place of the
            history's means over whole epochs.

    Returns:
        The path.

    Raises:
        UserError: If there are no epochs, or matplotlib is not installed, or the file cannot be
            written.
    """
    if not len(history.get("loss", ())):
        raise UserError(
            f"Received a history with the figures {sorted(history)}.",
            "A history must have the loss of at least one epoch.",
            "Draw the `history` of `fit` after its first epoch.",
        )
    epochs = np.array(history.get("epoch", range(1, len(history["loss"]) + 1)))
    measures = [name for name in ("loss", "accuracy") if name in history]
    figure = new_figure(5.2 * len(measures), 3.8)
    panels = figure.subplots(1, len(measures), squeeze=False)[0]
    for axis, name in zip(panels, measures, strict=True):
        _draw(axis, epochs, history, name, curve or {})
    _mark_best(figure.axes, epochs, history)
    return save_figure(figure, path)


def _draw(axis, epochs, history, name, curve) -> None:
    """Draw a measure of the training images, and of the held-out ones if there is one."""
    # The training loss is a mean over steps in which the network still changes, with dropout. So
    # it may lie above the held-out loss, which is measured after the epoch and without dropout.
    highest = 1.0 if name == "accuracy" else 0.0
    training = (curve["epoch"], curve[name]) if name in curve else (epochs, history[name])
    lines = [(*training, "training", BLUE)]
    if f"val_{name}" in history:
        lines.append((epochs, history[f"val_{name}"], "held out", ORANGE))
    for x, y, label, colour in lines:
        values = np.array(y, "float64")
        values[~np.isfinite(values)] = np.nan  # a gap in the line
        style = "-" if len(values) > 50 else "o-"
        axis.plot(x, values, style, markersize=3, color=colour, label=label)
        highest = max([highest, *values[~np.isnan(values)]])
    axis.set_title(name, loc="left")
    axis.set_xlabel("epoch")
    axis.xaxis.get_major_locator().set_params(integer=True)
    if len(epochs) == 1 and name not in curve:  # matplotlib would show fractions of the epoch
        axis.set_xticks(epochs)
    axis.set_ylim(0, 1.05 * highest or 1)
    if name == "accuracy":
        axis.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)


def _mark_best(axes, epochs, history) -> None:
    """Mark the epoch of the lowest held-out loss in all panels, if there are two epochs or more."""
    losses = np.array(history.get("val_loss", []), "float64")
    if len(epochs) < 2 or not np.isfinite(losses).any():
        return
    best = epochs[np.nanargmin(np.where(np.isfinite(losses), losses, np.nan))]
    for axis in axes:
        axis.axvline(best, color="0.35", linestyle=":", linewidth=1.2, zorder=0)
    note = f"lowest held-out loss: epoch {best:.0f}"
    axes[0].set_title(note, loc="right", fontsize=9, color="0.35")
