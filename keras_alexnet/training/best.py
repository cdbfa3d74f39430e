"""`BestWeights` and `EarlyStopping`: callbacks that follow the held-out loss of a run."""

import math
import os
import re
from collections.abc import Mapping, Sequence

import keras

from keras_alexnet.errors import UserError
from keras_alexnet.files import written_whole
from keras_alexnet.training.state import RunState, StateCallback

LOSS = "val_loss"


def best_epoch(history: Mapping[str, Sequence[float]]) -> int:
    """Return the number of the epoch with the lowest held-out loss, the first of equal ones.

    It is 0 if no epoch has a finite one.

    >>> best_epoch({"val_loss": [0.9, 0.5, float("nan"), 0.5]})
    2
    """
    losses = [loss if math.isfinite(loss) else math.inf for loss in history.get(LOSS, ())]
    lowest = min(losses, default=math.inf)
    return losses.index(lowest) + 1 if lowest < math.inf else 0


def is_over(history: Mapping[str, Sequence[float]], patience: int | None) -> bool:
    """Return whether the held-out loss has not fallen for as many epochs as `patience`.

    >>> is_over({"val_loss": [0.9, 0.5, 0.7, 0.6]}, patience=2)
    True
    """
    return patience is not None and len(history.get(LOSS, ())) - best_epoch(history) >= patience


class EarlyStopping(StateCallback):
    """Ends the training when the held-out loss has not fallen for `patience` epochs.

    It counts all epochs of the run, also those before an interruption. Keras's own `EarlyStopping`
    forgets these.

    Args:
        state: The state of the run. Give the callback to `fit` after it.
        patience: Number of epochs without a lower held-out loss.
    """

    def __init__(self, state: RunState, patience: int):
        super().__init__(state)
        self.patience = patience

    def on_epoch_end(self, epoch, logs=None):
        """Stop if the loss has not fallen for long enough."""
        self.model.stop_training |= is_over(self.state.history, self.patience)


class BestWeights(StateCallback):
    """Keeps the weights of the epoch with the lowest held-out loss, beside the state of a run.

    It writes `best-00003.weights.h5` for the third epoch before the state of that epoch, and
    removes the older file after it: a run that is killed at any moment finds the weights of its
    best epoch.

    Args:
        state: The state of the run. Give the callback to `fit` before it.
    """

    def on_epoch_begin(self, epoch, logs=None):
        """Remove the weights of epochs that are not the best."""
        self.discard(but=best_epoch(self.state.history))

    def on_epoch_end(self, epoch, logs=None):
        """Write the weights if the loss is lower than those of all epochs before."""
        losses = [*self.state.history.get(LOSS, ()), (logs or {}).get(LOSS, math.nan)]
        if best_epoch({LOSS: losses}) == len(losses):
            with written_whole(self._path(epoch + 1)) as beside:
                _without_optimizer(self.model).save_weights(beside)

    def restore(self, model) -> int:
        """Set the weights of a model to those of the best epoch, and return its number.

        If no epoch has a finite loss, the model stays as it is, and the number is 0.

        Raises:
            UserError: If the file of the weights cannot be read.
        """
        epoch = best_epoch(self.state.history)
        if epoch:
            path = self._path(epoch)
            try:
                _without_optimizer(model).load_weights(path)
            except (OSError, ValueError, KeyError) as error:
                raise UserError(
                    f"The weights {path!r} of the best epoch cannot be read: {error}.",
                    "The file must be there and whole, as the run wrote it.",
                    "Restore it from a copy, or begin again with overwrite=True (--overwrite).",
                ) from error
        return epoch

    def discard(self, but: int = 0) -> None:
        """Remove the weights of all epochs but one."""
        for name in os.listdir(self.state.folder):
            match = re.fullmatch(r"best-(\d+)\.weights\.h5", name)
            if match and int(match[1]) != but:
                os.remove(os.path.join(self.state.folder, name))

    def _path(self, epoch: int) -> str:
        return os.path.join(self.state.folder, f"best-{epoch:05}.weights.h5")


def _without_optimizer(model) -> keras.Model:
    """Return a model of the same layers: Keras writes the optimizer's variables of a compiled one.

    Those of another phase would not fit, and they are twice as large as the weights.
    """
    return keras.Model(model.inputs, model.outputs)
