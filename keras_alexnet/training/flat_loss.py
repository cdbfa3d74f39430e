"""`FlatLossWarning`: warns when the loss has stayed at ln(classes)."""

import math
import threading
from collections.abc import Callable

import keras

from keras_alexnet.arguments import integer, number, optional_integer
from keras_alexnet.callback_copies import Copyable
from keras_alexnet.errors import warn
from keras_alexnet.short_repr import short_repr
from keras_alexnet.training.guessing import Figure, cross_entropies, has_penalties, penalties
from keras_alexnet.type_aliases import Logs


class FlatLossWarning(Copyable, keras.callbacks.Callback):
    """Warns, with remedies, if the loss after some steps is still that of a network that guesses.

    A network that gives each of n classes the same probability has a cross-entropy of ln(n): 2.303
    for 10 classes, 6.908 for 1000. A network that stalls stays at this value. The callback computes
    the mean loss over the last steps, and warns once if it is within `tolerance` of ln(n). It does
    not wait for the device and does not slow training.

    For each output of shape `(batch, classes)` it watches the logged metric that is the output's
    cross-entropy or, without one, the output's loss if that is a cross-entropy. The cross-entropies
    are `"categorical_crossentropy"` and `"sparse_categorical_crossentropy"`, and for one unit
    `"binary_crossentropy"`. The callback ignores other losses.

    - It subtracts penalties on the weights, such as L2, from the loss. It can read them only at the
      end of an epoch, and decides there. It cannot subtract the losses that layers add themselves
      (`add_loss`, activity regularizers); with them the cross-entropy seems higher.
    - A callback does not see the weights that `fit` takes for classes or images. They multiply the
      loss: a network that guesses scores ln(n) times their mean. Give this mean as `mean_weight`,
      or log the metric, which is not weighted. Balanced class weights have the mean 1.

    Args:
        steps: Number of steps before the callback decides; by default the greater of 300 and five
            times the number of classes.
        classes: Number of classes of a model with one output; by default that of its shape.
        tolerance: The largest distance from ln(n), as a share of ln(n).
        window: Number of the last steps to average over.
        say: Called with the text, possibly from another thread; the default is a `UserWarning`.
        mean_weight: Mean of the weights over the training images.

    Raises:
        UserError: (a `ValueError`) when training begins, if `classes` is `None` and the model has
            no output of shape `(batch, classes)`.

    Example:

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(10, "softmax")])
    >>> model.compile(keras.optimizers.SGD(0.0001), "sparse_categorical_crossentropy")
    >>> x, y = np.zeros((100, 2)), np.arange(100) % 10  # all images are the same
    >>> watch = FlatLossWarning(steps=20, window=10, say=lambda text: print(text[:23]))
    >>> _ = model.fit(x, y, batch_size=4, verbose=0, callbacks=[watch])
    The loss is still 2.303
    """

    __repr__ = short_repr("steps", "classes", "message")

    async_safe = True  # it reads only figures that Keras fetches for every callback

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
        self.tolerance = number("tolerance", tolerance, math.isfinite, "a finite number", remedy)
        self.window = integer("window", window, 1, remedy)
        self.say = say or warn
        positive = "a positive number"
        self.mean_weight = number("mean_weight", mean_weight, lambda x: x > 0, positive, remedy)
        self.message: str | None = None
        self._lock = threading.Lock()  # Keras calls from several threads
        self._sums: dict[Figure, _Sums] = {}
        self._watching = False

    def __getstate__(self):
        """Return the attributes without the lock."""
        return {**super().__getstate__(), "_lock": None}

    def __setstate__(self, state):
        """Set the attributes, with a new lock."""
        super().__setstate__({**state, "_lock": threading.Lock()})

    def on_train_begin(self, logs: Logs = None) -> None:
        """Find the figures that are cross-entropies, and their numbers of classes."""
        figures = cross_entropies(self.model, self.classes, self.mean_weight)
        self._sums = {figure: _Sums() for figure in figures}
        most = max(figure.classes for figure in figures)
        self._wanted = self.steps or max(300, 5 * most)
        self._done = 0
        self._penalized = has_penalties(self.model)
        self._watching = True
        self.message = None

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Begin new means, as Keras does, and note the rate, which JAX donates to the steps."""
        for sums in self._sums.values():
            sums.begin_epoch()
        self._rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Note the figures so far, and decide after enough steps."""
        if not self._watching:
            return
        with self._lock:
            for figure, sums in self._sums.items():
                if logs and figure.name in logs:
                    self._done = max(self._done, sums.add(batch + 1, float(logs[figure.name])))
            if self._watching and self._done >= self._wanted and not self._waits():
                self._decide(self._wanted)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Decide if that needs the weights, which can be read now."""
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
        # The rate is 0 when a warm-up begins.
        than = f" than {self._rate:.3g}" if self._rate else ""
        return (
            f"The {name}{of} is still {loss:.3f} after {steps} steps. That is "
            f"ln({figure.classes}), the score of a network that gives {figure.classes} classes the "
            "same probability: the network has not begun to learn. Try, in this order: "
            "initialization='robust' (published initial values stall on small data); another "
            f"learning rate, ten times smaller or larger{than}; inputs of the "
            "range that the network expects (print its preprocessor); labels that belong to their "
            "images, shuffled and counted from 0."
        )


class _Sums:
    """Sums of a figure over all steps so far; Keras logs means since the start of an epoch."""

    def __init__(self):
        self.sums: list[tuple[int, float]] = [(0, 0.0)]  # steps, and the sum over them
        self._before = (0, 0.0)

    def any(self) -> bool:
        return len(self.sums) > 1

    def begin_epoch(self) -> None:
        self._before = max(self.sums)

    def add(self, done: int, mean: float) -> int:
        """Note the mean over the steps of this epoch, and return the number of all steps."""
        steps, total = self._before
        self.sums.append((steps + done, total + done * mean))
        return steps + done

    def last(self, wanted: int, window: int) -> tuple[float, int]:
        """Return the mean over the last steps up to those wanted, and the number of all steps."""
        steps, total = min(sums for sums in self.sums if sums[0] >= wanted)
        first, before = max(sums for sums in self.sums if sums[0] <= max(0, steps - window))
        return (total - before) / (steps - first), steps
