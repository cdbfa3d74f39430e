"""`BenchmarkCallback`: step times inside `fit`, `evaluate` and `predict`."""

import functools
import time

import keras

from keras_alexnet.arguments import boolean, file_path, integer, optional_integer
from keras_alexnet.benchmarking.devices import peak_memory, synchronize
from keras_alexnet.benchmarking.environment import environment
from keras_alexnet.benchmarking.report import Report
from keras_alexnet.benchmarking.timings import Timings
from keras_alexnet.callback_copies import Copyable
from keras_alexnet.errors import UserError, warn
from keras_alexnet.short_repr import short_repr
from keras_alexnet.type_aliases import Logs, PathLike


class BenchmarkCallback(Copyable, keras.callbacks.Callback):
    """Times the steps of `fit`, `evaluate` and `predict` without slowing them.

    A step ends when the device has computed it, not when Keras has dispatched it. Where Keras
    dispatches steps ahead (JAX, TensorFlow), the callback waits in Keras's own thread for
    callbacks, beside the training, and so does not slow it. The time of a step begins at the end of
    the step before; at the start of an epoch, at its own beginning. The report keeps the first
    step, which traces and compiles, and the warm-up apart, and leaves out steps with fewer images.

    On PyTorch, the report also has the time that the device waited for input: from the end of a
    step until Keras had the next batch. On TensorFlow and JAX, Keras fetches the batch inside the
    step, and `waits` is `None`.

    Every `fit`, `evaluate` and `predict` begins new timings, also after one that was interrupted.
    The report has the last call of each kind with one model; validation inside `fit` is `"test"`.

    Args:
        batch_size: Images per batch, for images per second; `None` if unknown.
        images: Images per epoch, which show whether the last batch has fewer; `None` if every
            batch is full.
        warm_up: Number of steps after the first that are not measured.
        path: The `.json` or `.csv` file for the report at the end of training or measuring.
        verbose: Whether to print the report at the end. With too few steps for a report, a
            `UserWarning` replaces it, also if there is only a `path`.

    Raises:
        UserError: (a `ValueError`) from `report()` if no step was measured.

    Example:

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> timer = BenchmarkCallback(batch_size=8, images=100, verbose=False)
    >>> x, y = np.ones((100, 4)), np.ones((100, 1))
    >>> _ = model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[timer])
    >>> train = timer.report()["train"]  # 13 steps an epoch: the last has 4 images
    >>> len(train.warm_up), len(train.seconds), len(train.partial)
    (3, 20, 2)
    """

    __repr__ = short_repr("batch_size", "images", "warm_up")

    async_safe = True  # it waits for results itself, in Keras's thread for callbacks

    def __init__(
        self,
        batch_size: int | None = None,
        images: int | None = None,
        warm_up: int = 3,
        path: PathLike | None = None,
        verbose: bool = True,
    ):
        super().__init__()
        remedy = "Leave it out if it is unknown."
        self.batch_size = optional_integer("batch_size", batch_size, 1, remedy)
        self.images = optional_integer("images", images, 1, remedy)
        self.warm_up = integer("warm_up", warm_up, 0, "Leave it out for 3 steps.")
        self.path = None if path is None else file_path("path", path)
        self.verbose = boolean("verbose", verbose)
        self._steps: dict[str, _StepTimes] = {}
        self._training = False
        self._timed = None  # the model of the steps
        self._environment: dict | None = None  # for a copy, which has no model
        self._begin("train", "test", "predict")

    def report(self) -> Report:
        """Return the timings so far, with the environment and the peak memory."""
        timings = [
            steps.timings(name, self.batch_size, self.warm_up)
            for name, steps in self._steps.items()
            if len(steps.seconds) > self.warm_up
        ]
        if not timings:
            most = max((s.first is not None) + len(s.seconds) for s in self._steps.values())
            raise UserError(
                f"Received {most} steps for a report.",
                f"A report needs more than {1 + self.warm_up} steps: the first and those of the "
                "warm-up do not count.",
                "Train for longer, or give a smaller `warm_up`.",
            )
        return Report(tuple(timings), self._environment or environment(self.model), peak_memory())

    def __getstate__(self):
        """Return the attributes without the model, but with its entries in the report."""
        entries = self._environment or (self.model and environment(self.model))
        return {**super().__getstate__(), "_timed": None, "_environment": entries}

    def set_model(self, model: keras.Model) -> None:
        """Take the model from Keras when a `fit`, `evaluate` or `predict` begins."""
        super().set_model(model)
        self._training = False  # an interruption may have ended the last call
        self._environment = None
        if model is not self._timed:
            self._timed = model
            self._begin("train", "test", "predict")

    def _on_batch_begin(self, kind, batch, logs=None):
        """Note the time at which Keras has the batch."""
        self._steps[kind].begin(batch)

    def _on_batch_end(self, kind, batch, logs=None):
        """Note the time at which the device has computed the step."""
        self._steps[kind].end(batch, logs)

    on_train_batch_begin = functools.partialmethod(_on_batch_begin, "train")
    on_train_batch_end = functools.partialmethod(_on_batch_end, "train")
    on_test_batch_begin = functools.partialmethod(_on_batch_begin, "test")
    on_test_batch_end = functools.partialmethod(_on_batch_end, "test")
    on_predict_batch_begin = functools.partialmethod(_on_batch_begin, "predict")
    on_predict_batch_end = functools.partialmethod(_on_batch_end, "predict")

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begin new timings; those of validation belong to the training."""
        self._training = True
        self._begin("train", "test")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Compute the durations of the steps."""
        self._steps["train"].close(self._full_steps())

    def on_train_end(self, logs: Logs = None) -> None:
        """Print and write the report."""
        self._training = False
        self._finish()

    def on_test_begin(self, logs: Logs = None) -> None:
        """Begin new timings, unless this is a validation inside `fit`."""
        if not self._training:
            self._begin("test")

    def on_test_end(self, logs: Logs = None) -> None:
        """Compute the durations; in `evaluate`, print and write the report."""
        self._steps["test"].close(None if self._training else self._full_steps())
        self._finish()

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Begin new timings."""
        self._begin("predict")

    def on_predict_end(self, logs: Logs = None) -> None:
        """Compute the durations; print and write the report."""
        self._steps["predict"].close(self._full_steps())
        self._finish()

    def _begin(self, *kinds: str) -> None:
        self._steps.update((name, _StepTimes()) for name in kinds)

    def _full_steps(self) -> int | None:
        """Return the number of full batches of an epoch, `None` if all are full."""
        if self.images is None or self.batch_size is None:
            return None
        return self.images // self.batch_size

    def _finish(self) -> None:
        if self._training or not (self.verbose or self.path):
            return
        try:
            report = self.report()
        except UserError as error:
            warn(str(error))
            return
        if self.path is not None:
            report.save(self.path)
        if self.verbose:
            print(f"\n{report}")


class _StepTimes:
    """The times of one kind of step. Begins come in order; ends may come from several threads."""

    def __init__(self):
        self.first: float | None = None
        self.seconds: list[float] = []
        self.waits: list[float | None] = []
        self.partial: list[float] = []
        self._begins: list[tuple[int, float]] = []
        self._ends: dict[int, float] = {}

    def begin(self, batch: int) -> None:
        self._begins.append((batch, time.perf_counter()))

    def end(self, batch: int, logs) -> None:
        synchronize((logs or {}).get("outputs"))  # of `predict`; Keras waits for other results
        self._ends[batch] = time.perf_counter()

    def close(self, full_steps: int | None) -> None:
        """Compute the seconds per batch of an epoch's steps."""
        before = None
        # With steps_per_execution=n a step begins at batch b and ends at b + n - 1.
        for (batch, begun), (last, ended) in zip(
            self._begins, sorted(self._ends.items()), strict=False
        ):
            batches = last - batch + 1
            seconds = (ended - (begun if before is None else before)) / batches
            wait = None if before is None else max(0.0, begun - before) / batches
            if self.first is None:
                self.first = seconds * batches
            elif full_steps is not None and last >= full_steps:
                self.partial.append(seconds * batches)
            else:
                self.seconds.append(seconds)
                self.waits.append(wait)
            before = ended
        self._begins, self._ends = [], {}

    def timings(self, name: str, images: int | None, warm_up: int) -> Timings:
        waits = None
        if keras.backend.backend() == "torch":  # the others fetch the batch inside the step
            waits = tuple(wait or 0.0 for wait in self.waits[warm_up:])
        return Timings(
            name,
            self.first,
            tuple(self.seconds[:warm_up]),
            tuple(self.seconds[warm_up:]),
            images,
            waits,
            tuple(self.partial),
        )
