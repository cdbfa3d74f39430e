"""The records of the epochs of a run, beside `history.csv`."""

import importlib.util
import json
import math
import os

import keras

from keras_alexnet.errors import UserError
from keras_alexnet.files import written_whole
from keras_alexnet.training.state import RunState, StateCallback


def check_logger(log: str | None) -> None:
    """Raise unless what a log needs is installed.

    Raises:
        UserError: If TensorBoard is not installed.
    """
    if log != "tensorboard":
        return
    needed = ("tensorflow", "tensorboard")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"Received log='tensorboard', but {' and '.join(missing)} cannot be imported.",
            "TensorBoard's files need the packages tensorflow and tensorboard.",
            f"Run `pip install {' '.join(missing)}`, or choose log='jsonl' (--log jsonl).",
        )


def loggers_of(log: str | None, state: RunState) -> list[keras.callbacks.Callback]:
    """Return the callbacks of a log. Give them to `fit` after the state.

    Args:
        log: `"tensorboard"` for Keras's callback, which writes into the folder `tensorboard`;
            `"jsonl"` for `history.jsonl`; `"csv"` or `None` for no more than `history.csv`.
        state: The state of the run.
    """
    if log == "tensorboard":
        folder = os.path.join(state.folder, "tensorboard")
        return [keras.callbacks.TensorBoard(folder, write_graph=False)]
    return [JsonLines(state)] if log == "jsonl" else []


class JsonLines(StateCallback):
    """Writes `history.jsonl`: the rows of `history.csv`, a JSON object on each line.

    Figures that are not finite are null.

    Args:
        state: The state of the run. Give the callback to `fit` after it.
    """

    def on_epoch_end(self, epoch, logs=None):
        """Write the rows of all epochs so far, whole or not at all."""
        path = os.path.join(self.state.folder, "history.jsonl")
        with written_whole(path) as beside, open(beside, "w", encoding="utf-8") as file:
            for row in self.state.rows:
                figures = {name: x if math.isfinite(x) else None for name, x in row.items()}
                file.write(json.dumps(figures) + "\n")
