"""The state of a run: what training needs to go on after being killed, as if nothing had been."""

import csv
import math
import os
import re
import time

import keras
import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.files import remove_leftovers, written_whole
from keras_alexnet.training.archive import load_state, save_state
from keras_alexnet.training.generators import generator_states, set_generator_states

# The order of the columns; Keras's own is that of the alphabet, with schedules in the midst.
FIRST = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
LAST = ("learning_rate", "seconds")


class RunState(keras.callbacks.Callback):
    """Keeps in a folder what an interrupted `fit` needs to go on, and its history as a table.

    At the end of every epoch it writes `history.csv`, a row for each epoch so far, and then the
    state of training as one file, `state-00003.npz` after three epochs: the weights, the
    optimizer's variables and the states of the random seeds of dropout and the like, which Keras's
    own weight files leave out. Both files are written beside and renamed, and the epoch stands in
    the name, so a run that is killed at any moment loses the current epoch at most and never
    trains one twice. Then the older state is removed. The last one stays, for more epochs.

    Give it to `fit` as the last of the callbacks: what the others change at the end of an epoch,
    such as the learning rate, belongs to the state. What lies outside the model does not: the order
    of the images must follow from the number of the epoch.

    Args:
        folder: Where to write; it must exist. A `fit` that starts without `resume` removes the
            states that an earlier one left there, and begins a history of its own.

    Example:

    >>> import keras, numpy as np, os, tempfile
    >>> def build():
    ...     model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     return model
    >>> folder, x, y = tempfile.mkdtemp(), np.ones((8, 3)), np.ones((8, 1))
    >>> _ = build().fit(x, y, epochs=2, verbose=0, callbacks=[RunState(folder)])
    >>> model, state = build(), RunState(folder)  # in another process, say
    >>> state.resume(model)
    2
    >>> _ = model.fit(x, y, initial_epoch=2, epochs=5, verbose=0, callbacks=[state])
    >>> state.history["epoch"]
    [1, 2, 3, 4, 5]
    >>> sorted(os.listdir(folder))
    ['history.csv', 'state-00005.npz']
    """

    async_safe = True  # it looks at no batch, so JAX and PyTorch need not wait for one

    def __init__(self, folder: str):
        super().__init__()
        self.folder = folder
        self.history_path = os.path.join(folder, "history.csv")
        self.rows: list[dict[str, float]] = []
        self._continues = False
        self._generators: dict[str, np.ndarray] = {}

    @property
    def history(self) -> dict[str, list[float]]:
        """The figures of every epoch so far by column: `epoch`, `loss`, ..., `seconds`."""
        return {name: [row.get(name, math.nan) for row in self.rows] for name in self._columns()}

    def resume(self, model) -> int:
        """Load the newest state into a compiled model and return the epoch to go on from.

        Args:
            model: The model as it was built and compiled for the run that was interrupted.

        Returns:
            How many epochs are done, for `fit(initial_epoch=...)`; 0 if there is no state.

        Raises:
            UserError: If the state cannot be read or belongs to another model or optimizer.
        """
        self._continues = True
        epoch = self.epochs_done()
        self._forget()
        if epoch:
            rows = _read_history(self.history_path)
            load_state(model, self._path(epoch))
            self._generators = generator_states()
            self.rows = [row for row in rows if row["epoch"] <= epoch]
            if len(self.rows) < len(rows):  # killed after the row and before the state
                self._write_history()
        remove_leftovers(self.folder)
        return epoch

    def epochs_done(self) -> int:
        """Return how many epochs the newest state in the folder has behind it; 0 without one."""
        return max(self._states(), default=0) if os.path.isdir(self.folder) else 0

    @property
    def path(self) -> str | None:
        """The file of the newest state; `None` without one."""
        epoch = self.epochs_done()
        return self._path(epoch) if epoch else None

    def discard(self) -> None:
        """Remove the state: no epoch can follow. The history stays."""
        for path in self._states().values():
            os.remove(path)

    def on_train_begin(self, logs=None):
        """Forget the states and the history of an earlier run, unless this one continues it."""
        if not self._continues:
            remove_leftovers(self.folder)
            self.discard()
            self._forget()
        self._continues = False  # nor does a `fit` after this one, without another `resume`

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock, and note the learning rate that the epoch is trained with."""
        set_generator_states(self._generators)  # the start of `fit` has drawn from PyTorch's
        self._generators = {}
        self._start = time.perf_counter()
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self._rate = float(f"{rate:.6g}")  # 0.001, and not all digits of the float32 beside it

    def on_epoch_end(self, epoch, logs=None):
        """Write the history and then the state: a row too many can be dropped, one less cannot."""
        seconds = time.perf_counter() - self._start
        figures = {**(logs or {}), "learning_rate": self._rate, "seconds": round(seconds, 3)}
        self.rows.append({"epoch": epoch + 1, **figures})
        self._write_history()
        older = self._states()
        save_state(self.model, self._path(epoch + 1))
        for done, path in older.items():
            if done != epoch + 1:
                os.remove(path)

    def _forget(self) -> None:
        self.rows = []
        self._generators = {}

    def _path(self, epochs: int) -> str:
        return os.path.join(self.folder, f"state-{epochs:05}.npz")

    def _states(self) -> dict[int, str]:
        """Return the path of each state in the folder by the number of epochs it has seen."""
        matches = [re.fullmatch(r"state-(\d+)\.npz", name) for name in os.listdir(self.folder)]
        return {int(match[1]): os.path.join(self.folder, match[0]) for match in matches if match}

    def _columns(self) -> list[str]:
        names = dict.fromkeys(name for row in self.rows for name in row)
        others = [name for name in names if name not in FIRST + LAST]
        return [*(name for name in FIRST if name in names), *others, *(LAST if names else ())]

    def _write_history(self) -> None:
        with (
            written_whole(self.history_path) as beside,
            open(beside, "w", newline="", encoding="utf-8") as file,
        ):
            table = csv.DictWriter(file, self._columns(), restval="nan", lineterminator="\n")
            table.writeheader()
            table.writerows(self.rows)


def _read_history(path: str) -> list[dict[str, float]]:
    """Return the rows of a history, none if there is no file; epochs are whole numbers."""
    if not os.path.exists(path):
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            texts = list(csv.DictReader(file))
        rows = [{name: float(text) for name, text in row.items()} for row in texts]
        return [{**row, "epoch": int(row["epoch"])} for row in rows]
    except (OSError, ValueError, KeyError, TypeError, OverflowError, csv.Error) as error:
        raise UserError(
            f"The history {path!r} cannot be read: {error}.",
            "A table of numbers was expected, a row for each epoch, as the run wrote it.",
            "Restore it, or remove it to go on without the rows so far.",
        ) from error
