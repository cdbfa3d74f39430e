"""`TrainingCurve`: a callback that records loss and accuracy in parts of an epoch."""

import keras

from keras_alexnet.training.history import read_rows, write_rows

POINTS = 20  # for each epoch: enough for a curve of few epochs, with a mean over many images each
MEASURES = ("loss", "accuracy")  # of the training images


class TrainingCurve(keras.callbacks.Callback):
    """Records loss and accuracy on the training images, 20 points for each epoch.

    Each point is the mean over the steps since the point before. Its epoch is that of the middle of
    these steps: 0.5 is the middle of the first epoch. At the end of every epoch all points so far
    are written into a table with the columns `epoch`, `loss` and `accuracy`.

    Args:
        path: The table, a CSV file.

    Example:

    >>> import keras, numpy as np, os, tempfile
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> curve = TrainingCurve(os.path.join(tempfile.mkdtemp(), "curve.csv"))
    >>> x, y = np.ones((8, 3)), np.ones((8, 1))
    >>> _ = model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[curve])
    >>> curve.points["epoch"]
    [0.25, 0.75, 1.25, 1.75]
    """

    async_safe = True  # it reads only figures that Keras fetches for every callback

    def __init__(self, path: str):
        super().__init__()
        self.path = path
        self.rows: list[dict[str, float]] = []
        self._means: dict[int, dict[str, float]] = {}  # since the start of the epoch, by steps

    @property
    def points(self) -> dict[str, list[float]]:
        """The points so far by column: `epoch`, `loss` and, if it is measured, `accuracy`."""
        return {name: [row[name] for row in self.rows] for name in (self.rows or [{}])[0]}

    def resume(self, epochs: int) -> None:
        """Read the points of the epochs that are done; there are none without the file."""
        self.rows = [row for row in read_rows(self.path) if row["epoch"] < epochs]

    def on_epoch_begin(self, epoch, logs=None):
        """Forget the steps of the epoch before."""
        self._means = {}

    def on_train_batch_end(self, batch, logs=None):
        """Note the means that Keras logs: those over the steps of the epoch so far."""
        measured = [name for name in MEASURES if name in (logs or {})]
        self._means[batch + 1] = {name: float(logs[name]) for name in measured}

    def on_epoch_end(self, epoch, logs=None):
        """Add the points of the epoch, and write all."""
        steps = len(self._means)
        ends = sorted({-(-steps * number // POINTS) for number in range(1, POINTS + 1)} - {0})
        for start, end in zip([0, *ends], ends, strict=False):
            before, after = self._means.get(start, {}), self._means[end]
            means = {
                name: (end * after[name] - start * before.get(name, 0.0)) / (end - start)
                for name in after
            }
            self.rows.append({"epoch": epoch + (start + end) / (2 * steps), **means})
        write_rows(self.path, self.rows)
