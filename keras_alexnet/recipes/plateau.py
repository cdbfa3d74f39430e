"""`ReduceOnPlateau`: a smaller rate when the validation error stops improving."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_alexnet.arguments import integer, number
from keras_alexnet.callback_copies import Copyable
from keras_alexnet.short_repr import short_repr
from keras_alexnet.type_aliases import Logs


class ReduceOnPlateau(Copyable, keras.callbacks.ReduceLROnPlateau):
    """Reduces the learning rate when the validation error stops improving, a few times.

    It is `keras.callbacks.ReduceLROnPlateau` with the paper's numbers (a tenth, three times) and
    two additions: it stops after a number of reductions, and `resume` gives it the epochs before an
    interruption, so that it reduces the rate when the uninterrupted run would have.

    Args:
        monitor: The logged figure to monitor at the end of each epoch.
        factor: Multiplies the rate at each reduction.
        times: The largest number of reductions.
        patience: Number of epochs without improvement before a reduction. The paper's authors
            reduced the rate by hand; 5 is this package's choice.
        **kwargs: The other arguments of `keras.callbacks.ReduceLROnPlateau`; its `min_delta` is
            0.0001, which is five images of ImageNet's validation set.

    Raises:
        UserError: (a `ValueError`) if `times` is not an integer of at least 1, or `patience` not
            one of at least 0.

    Reference:
        Krizhevsky, Sutskever, Hinton, NIPS 2012, section 5.

    Example:

    >>> import keras, numpy as np
    >>> from keras_alexnet import paper_optimizer
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(paper_optimizer(0.01), "mse")
    >>> x = np.zeros((4, 1))  # the loss is 0 from the first epoch on
    >>> callback = ReduceOnPlateau("loss", patience=2)
    >>> history = model.fit(x, x, epochs=9, verbose=0, callbacks=[callback]).history
    >>> [f"{rate:.4g}" for rate in history["learning_rate"][::2]]
    ['0.01', '0.01', '0.001', '0.0001', '1e-05']
    """

    __repr__ = short_repr("monitor", "factor", "times", "patience", "reductions")

    def __init__(
        self,
        monitor: str = "val_accuracy",
        factor: float = 0.1,
        times: int = 3,
        patience: int = 5,
        **kwargs: Any,
    ):
        self.times = integer("times", times, 1, "The paper's authors reduced the rate three times.")
        number("factor", factor, lambda factor: 0 < factor < 1, "above 0 and below 1", "Give 0.1.")
        patience = integer("patience", patience, 0, "Leave it out for 5 epochs.")
        super().__init__(monitor=monitor, factor=factor, patience=patience, **kwargs)
        self.reductions = 0
        self._given: Mapping[str, Sequence[float]] = {}  # for the next `fit`
        self._past: Mapping[str, Sequence[float]] = {}

    def resume(self, history: Mapping[str, Sequence[float]]) -> None:
        """Take the epochs of an interrupted run; call it before each `fit` that continues the run.

        Args:
            history: The figures of the epochs so far by name, with `"learning_rate"` among them:
                `history.history` of `fit`, or the columns of a run's `history.csv`.
        """
        self._given = history

    def on_train_begin(self, logs: Logs = None) -> None:
        """Start from the beginning, or with the history that `resume` took."""
        super().on_train_begin(logs)
        self.reductions = 0
        self._past, self._given = self._given, {}

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Reduce the rate on a plateau, and add it to the figures of the epoch."""
        past, self._past = self._past, {}
        if past.get("learning_rate"):
            self._replay(past["learning_rate"][0], past.get(self.monitor, ()))
        logs = {} if logs is None else logs
        before = _number(self.model.optimizer.learning_rate)
        if self.reductions == self.times:
            logs["learning_rate"] = before
            return
        super().on_epoch_end(epoch, logs)
        self.reductions += _number(self.model.optimizer.learning_rate) < before

    def _replay(self, first_rate: float, figures: Sequence[float]) -> None:
        """Repeat earlier epochs: only now does Keras know whether the figure is to rise or fall."""
        optimizer = self.model.optimizer
        reached = _number(optimizer.learning_rate)
        optimizer.learning_rate = first_rate
        for epoch, figure in enumerate(figures):
            self.on_epoch_end(epoch, {self.monitor: figure})
        optimizer.learning_rate = reached


def _number(rate) -> float:
    return float(keras.ops.convert_to_numpy(rate))
