"""Training that has not begun to learn is told so in words."""

import math
import threading
import warnings
from collections.abc import Callable

import keras

from keras_alexnet.errors import UserError, explain


class FlatLossWarning(keras.callbacks.Callback):
    """Says in words what to try if the loss is still that of guessing after some steps.

    A network that gives each of n classes the same probability has a cross-entropy of ln(n): 2.303
    for 10 classes, 6.908 for 1000. One that stalls stays there, and nothing in its loss says why.
    The callback takes the mean over the last steps and, where it is within `tolerance` of ln(n),
    warns once. It does not wait for the device and does not slow training.

    Args:
        steps: Steps that the network is given to leave the plateau; by default 300, and five for
            each class where that is more.
        classes: How many there are; by default what the model's output says.
        tolerance: How near to ln(n) counts as there, as a share of it.
        window: How many of the last steps the mean is taken over.
        say: Called with the text; by default it is a `UserWarning`. Keras may call from another
            thread.

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

    async_safe = True  # of each step it looks at the figure that Keras has fetched for all

    def __init__(
        self,
        steps: int | None = None,
        classes: int | None = None,
        tolerance: float = 0.01,
        window: int = 50,
        say: Callable[[str], object] | None = None,
    ):
        super().__init__()
        self.steps = steps
        self.classes = classes
        self.tolerance = tolerance
        self.window = window
        self.say = say or _warn
        self.message: str | None = None
        self._lock = threading.Lock()  # Keras has several threads for callbacks
        self._totals: list[tuple[int, float]] = []
        self._watching = False

    def on_train_begin(self, logs=None):
        """Find out how many classes there are, and what guessing scores."""
        self._count = self.classes or _classes(self.model)
        self._guessing = math.log(self._count)
        self._wanted = self.steps or max(300, 5 * self._count)
        self._totals = [(0, 0.0)]
        self._watching = True
        self.message = None

    def on_epoch_begin(self, epoch, logs=None):
        """Begin a new mean, as Keras does, and note the rate, which JAX lends out in between."""
        self._before = max(self._totals)
        self._rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def on_train_batch_end(self, batch, logs=None):
        """Note the loss so far, and after enough steps decide."""
        if not self._watching or "loss" not in (logs or {}):
            return
        done = batch + 1
        steps, total = self._before
        with self._lock:
            self._totals.append((steps + done, total + done * float(logs["loss"])))
            if self._watching and steps + done >= self._wanted:
                self._watching = False
                self._decide()

    def _decide(self) -> None:
        steps, total = min(t for t in self._totals if t[0] >= self._wanted)
        first, before = max(t for t in self._totals if t[0] <= max(0, steps - self.window))
        loss = (total - before) / (steps - first)
        if abs(loss - self._guessing) <= self.tolerance * self._guessing:
            self.message = self._text(loss, steps)
            self.say(self.message)

    def _text(self, loss: float, steps: int) -> str:
        return (
            f"The loss is still {loss:.3f} after {steps} steps. That is ln({self._count}), what a "
            f"network scores that gives {self._count} classes the same probability: it has not "
            "begun to learn. Try, in this order: initialization='robust' (published initial "
            "values stall on small data); another learning rate, ten times smaller or larger than "
            f"{self._rate:.3g}; inputs of the range that the network expects (print its "
            "preprocessor); labels that belong to their images, shuffled and counted from 0."
        )


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=2)


def _classes(model) -> int:
    """Return how many classes a model tells apart; one output stands for two."""
    shape = getattr(model, "output_shape", None)
    if isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[1], int):
        return max(2, shape[1])
    raise UserError(
        explain(
            f"Received a model with outputs of shape {shape}.",
            "One output of shape (batch, classes) was expected.",
            "Say how many classes there are: FlatLossWarning(classes=10).",
        )
    )
