"""Warns when the loss has stayed at ln(classes)."""

import threading
import warnings
from collections.abc import Callable

import keras

from keras_alexnet.arguments import integer, optional_integer
from keras_alexnet.callback_copies import Copyable
from keras_alexnet.short_repr import short_repr
from keras_alexnet.training.guessing import Figure, cross_entropies, has_penalties, penalties


class FlatLossWarning(Copyable, keras.callbacks.Callback):
    """Says in words what to try if the loss is still that of guessing after some steps.

    A network that gives each of n classes the same probability has a cross-entropy of ln(n): 2.303
    for 10 classes, 6.908 for 1000. One that stalls stays there, and nothing in its loss says why.
    The callback takes the mean over the last steps and, where it is within `tolerance` of ln(n),
    warns once. It does not wait for the device and does not slow training.

    Of each output of shape `(batch, classes)` it watches a metric that is its cross-entropy, where
    one is logged, else its loss, where that is one. Either is `"categorical_crossentropy"` or
    `"sparse_categorical_crossentropy"`, for one unit `"binary_crossentropy"`. It says nothing of
    other losses.

    - Penalties on the weights, such as L2, are subtracted from the loss. They can be read at the
      end of an epoch only, and so it decides there. What layers add themselves (`add_loss`,
      activity regularizers) it cannot tell from the cross-entropy, which then seems higher.
    - A callback does not see the weights that `fit` gives to classes or images, and these multiply
      the loss: guessing scores ln(n) times their mean. Give it as `mean_weight`, or have the
      metric logged, which is not weighted. Balanced class weights have the mean 1.

    Args:
        steps: Steps that the network is given to leave the plateau; by default 300, and five for
            each class where that is more.
        classes: How many there are, of a model with one output; by default what its shape says.
        tolerance: How near to ln(n) counts as there, as a share of it.
        window: How many of the last steps the mean is taken over.
        say: Called with the text; by default it is a `UserWarning`. Keras may call from another
            thread.
        mean_weight: Mean of the weights over the training images.

    Raises:
        UserError: (a `ValueError`) when training begins, if the number of classes is not given and
            the model has no output of shape `(batch, classes)`.

    Example:

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(10, "softmax")])
    >>> model.compile(keras.optimizers.SGD(0.0001), "sparse_categorical_crossentropy")
    >>> x, y = np.zeros((100, 2)), np.arange(100) % 10  # nothing to tell the classes apart by
    >>> watch = FlatLossWarning(steps=20, window=10, say=lambda text: print(text[:23]))
    >>> _ = model.fit(x, y, batch_size=4, verbose=0, callbacks=[watch])
    The loss is still 2.303
    """

    __repr__ = short_repr("steps", "classes", "message")

    async_safe = True  # of each step it looks at the figures that Keras has fetched for all

    def __init__(
        self,
        steps: int | None = None,
        classes: int | None = None,
        tolerance: float = 0.01,
        window: int = 50,
        say: Callable[[str], object] | None = None,
        mean_weight: float = 1.0,
    ):
        super().__init__()
        remedy = "Leave it out for the default."
        self.steps = optional_integer("steps", steps, 1, remedy)
        self.classes = optional_integer("classes", classes, 1, remedy)
        self.tolerance = tolerance
        self.window = integer("window", window, 1, remedy)
        self.say = say or _warn
        self.mean_weight = mean_weight
        self.message: str | None = None
        self._lock = threading.Lock()  # Keras has several threads for callbacks
        self._sums: dict[Figure, _Sums] = {}
        self._watching = False

    def __getstate__(self):
        """Return the attributes without the lock."""
        return {**super().__getstate__(), "_lock": None}

    def __setstate__(self, state):
        """Take over attributes, with a new lock."""
        super().__setstate__({**state, "_lock": threading.Lock()})

    def on_train_begin(self, logs=None):
        """Find out which figures are cross-entropies, and of how many classes."""
        figures = cross_entropies(self.model, self.classes, self.mean_weight)
        self._sums = {figure: _Sums() for figure in figures}
        most = max(figure.classes for figure in figures)
        self._wanted = self.steps or max(300, 5 * most)
        self._done = 0
        self._penalized = has_penalties(self.model)
        self._watching = True
        self.message = None

    def on_epoch_begin(self, epoch, logs=None):
        """Begin new means, as Keras does, and note the rate, which JAX lends out in between."""
        for sums in self._sums.values():
            sums.begin_epoch()
        self._rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def on_train_batch_end(self, batch, logs=None):
        """Note the figures so far, and after enough steps decide."""
        if not self._watching:
            return
        with self._lock:
            for figure, sums in self._sums.items():
                if figure.name in (logs or {}):
                    self._done = max(self._done, sums.add(batch + 1, float(logs[figure.name])))
            if self._watching and self._done >= self._wanted and not self._waits():
                self._decide(self._wanted)

    def on_epoch_end(self, epoch, logs=None):
        """Decide where that takes the weights, which can be read now."""
        if self._watching and self._done >= self._wanted:
            self._decide(self._done, penalties(self.model))

    def _watched(self) -> list[Figure]:
        """Return the best figure of each output that is logged."""
        best: dict[str, Figure] = {}
        for figure, sums in self._sums.items():
            if sums.any():
                best.setdefault(figure.output, figure)
        return list(best.values())

    def _waits(self) -> bool:
        return self._penalized and any(figure.penalized for figure in self._watched())

    def _decide(self, wanted: int, penalty: float = 0.0) -> None:
        self._watching = False
        texts = []
        for figure in self._watched():
            mean, steps = self._sums[figure].last(wanted, self.window)
            loss = (mean - penalty * figure.penalized) / figure.factor
            if abs(loss - figure.guessing) <= self.tolerance * figure.guessing:
                texts.append(self._text(figure, loss, steps))
        if texts:
            self.message = "\n".join(texts)
            self.say(self.message)

    def _text(self, figure: Figure, loss: float, steps: int) -> str:
        bare = figure.factor == 1.0 and not (figure.penalized and self._penalized)
        name = "loss" if bare else "cross-entropy"
        of = f" of the output {figure.output!r}" if figure.output else ""
        return (
            f"The {name}{of} is still {loss:.3f} after {steps} steps. That is "
            f"ln({figure.classes}), what a network scores that gives {figure.classes} classes the "
            "same probability: it has not begun to learn. Try, in this order: "
            "initialization='robust' (published initial values stall on small data); another "
            f"learning rate, ten times smaller or larger than {self._rate:.3g}; inputs of the "
            "range that the network expects (print its preprocessor); labels that belong to their "
            "images, shuffled and counted from 0."
        )


class _Sums:
    """Sums of a figure over all steps so far, from the means since the beginning of an epoch."""

    def __init__(self):
        self.sums: list[tuple[int, float]] = [(0, 0.0)]  # steps, and the sum over them
        self._before = (0, 0.0)

    def any(self) -> bool:
        return len(self.sums) > 1

    def begin_epoch(self) -> None:
        self._before = max(self.sums)

    def add(self, done: int, mean: float) -> int:
        """Note the mean over the steps of this epoch, and return how many there were in all."""
        steps, total = self._before
        self.sums.append((steps + done, total + done * mean))
        return steps + done

    def last(self, wanted: int, window: int) -> tuple[float, int]:
        """Return the mean over the last steps up to those wanted, and how many these are."""
        steps, total = min(sums for sums in self.sums if sums[0] >= wanted)
        first, before = max(sums for sums in self.sums if sums[0] <= max(0, steps - window))
        return (total - before) / (steps - first), steps


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=2)
