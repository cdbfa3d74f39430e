"""`RunState` saves the state with which a killed run continues; `StateCallback` reads it."""

import math
import os
import re
import time

import keras
import numpy as np

from keras_alexnet.files import remove_leftovers
from keras_alexnet.training.archive import load_state, save_state
from keras_alexnet.training.generators import generator_states, set_generator_states
from keras_alexnet.training.history import read_rows, write_rows
from keras_alexnet.type_aliases import Logs

__all__ = ["RunState"]

# The first and the last columns of the history; Keras sorts the columns by name.
FIRST = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
LAST = ("learning_rate", "seconds")


class RunState(keras.callbacks.Callback):
    """Saves in a folder the state that an interrupted `fit` needs to continue, and its history.

    At the end of every epoch it writes `history.csv`, a row for each epoch so far, and then the
    state of training as one file, `state-00003.npz` after three epochs: the weights, the
    optimizer's variables and the states of random seeds, such as those of dropout, which Keras's
    own weight files leave out. It writes each file under a temporary name and renames it, and the
    name of the state has the epoch. So a run that is killed at any moment loses the current epoch
    at most, and never trains an epoch twice. Then it removes the older state. The last state stays,
    for more epochs.

    Give it to `fit` as the last of the callbacks: the state includes the changes that the others
    make at the end of an epoch, such as the learning rate. It does not include anything outside
    the model: the order of the images must follow from the number of the epoch.

    Args:
        folder: The folder, which must exist. A `fit` without `resume` removes the states of an
            earlier one there, and begins a new history.

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

    async_safe = True  # it reads no results of batches, so Keras need not wait for them

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

    def resume(self, model: keras.Model) -> int:
        """Load the newest state into a compiled model, and return the number of epochs done.

        Args:
            model: The model, built and compiled as for the interrupted run.

        Returns:
            The number of epochs done, for `fit(initial_epoch=...)`; 0 if there is no state.

        Raises:
            UserError: If the state cannot be read or belongs to another model or optimizer.
        """
        self._continues = True
        epoch = self.epochs_done()
        self._forget()
        if epoch:
            rows = [{**row, "epoch": int(row["epoch"])} for row in read_rows(self.history_path)]
            load_state(model, self._path(epoch))
            self._generators = generator_states()
            self.rows = [row for row in rows if row["epoch"] <= epoch]
            if len(self.rows) < len(rows):  # killed after the row and before the state
                self._write_history()
        remove_leftovers(self.folder)
        return epoch

    def go_on(self) -> None:
        """Let the next `fit` continue the one before, as after a `resume`."""
        self._continues = True
        self._generators = generator_states()

    def epochs_done(self) -> int:
        """Return the number of epochs of the newest state in the folder; 0 without one."""
        return max(self._states(), default=0) if os.path.isdir(self.folder) else 0

    @property
    def path(self) -> str | None:
        """The file of the newest state; `None` without one."""
        epoch = self.epochs_done()
        return self._path(epoch) if epoch else None

    def discard(self) -> None:
        """Remove the state, after which no epoch can follow. The history stays."""
        for path in self._states().values():
            os.remove(path)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Remove the states of an earlier run, unless this one continues it."""
        if not self._continues:
            remove_leftovers(self.folder)
            self.discard()
            self._forget()
        self._continues = False  # the next `fit` needs another `resume`

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Start the clock, and note the learning rate of the epoch."""
        set_generator_states(self._generators)  # `fit` has drawn from PyTorch's before
        self._generators = {}
        self._start = time.perf_counter()
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self._rate = float(f"{rate:.6g}")  # 0.001, not 0.0010000000474974513

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write the history, then the state: `resume` can drop a row, but not restore one."""
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
        """Return the paths of the states in the folder by their numbers of epochs."""
        matches = [re.fullmatch(r"state-(\d+)\.npz", name) for name in os.listdir(self.folder)]
        return {int(match[1]): os.path.join(self.folder, match[0]) for match in matches if match}

    def _columns(self) -> list[str]:
        names = dict.fromkeys(name for row in self.rows for name in row)
        others = [name for name in names if name not in FIRST + LAST]
        return [*(name for name in FIRST if name in names), *others, *(LAST if names else ())]

    def _write_history(self) -> None:
        write_rows(self.history_path, self.rows, self._columns())


class StateCallback(keras.callbacks.Callback):
    """Base of callbacks that read the state of a run at the end of an epoch."""

    async_safe = True  # it reads no results of batches, so Keras need not wait for them

    def __init__(self, state: RunState):
        super().__init__()
        self.state = state
