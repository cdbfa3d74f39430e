"""`ImageReader`: image files as arrays of one size, and the list of files that it cannot read."""

import threading
from collections.abc import Sequence

import keras
import numpy as np

from keras_alexnet.data.bad_files import REMEDY, not_readable
from keras_alexnet.data.decoder import BadImage, decoded
from keras_alexnet.data.image_formats import why_passed_over
from keras_alexnet.data.resizers import RESIZINGS
from keras_alexnet.errors import UserError

__all__ = ["ImageReader"]


class ImageReader:
    """Reads image files as upright RGB squares, and lists the files that it cannot read.

    Args:
        size: Height and width of the arrays, in pixels.
        resizing: `"shorter_side"` or `"warp"`, as `image_folder` takes it.
        passed_over: Files without an image's ending, which are not read.
        unreadable: The path and the reason of files that are already known to be unreadable.
        remedy: A sentence that says what to do about a file that cannot be read.

    Attributes:
        bad: The path and the reason of every file that cannot be read, each once; those of
            `unreadable` come first.
        skipped: The path and the reason of the files of `passed_over` and of `bad`.
        failure: The error that ends training or evaluation, or `None`. It names the first file
            that a black image replaces.
    """

    def __init__(
        self,
        size: int,
        resizing: str = "shorter_side",
        passed_over: Sequence[str] = (),
        unreadable: Sequence[tuple[str, str]] = (),
        remedy: str = REMEDY,
    ):
        self.size = size
        self.bad = list(unreadable)
        self.skipped = [*((path, why_passed_over(path)) for path in passed_over), *unreadable]
        self.failure: UserError | None = None
        self._resized = RESIZINGS[resizing]
        self._remedy = remedy
        self._lock = threading.Lock()

    def read(self, path: str) -> np.ndarray:
        """Return an image as a uint8 array of shape `(size, size, 3)`, values 0 to 255.

        Raises:
            UserError: If the file cannot be read as an image; it names the file and the reason.
        """
        try:
            return np.asarray(self._resized(decoded(path), self.size))
        except BadImage as error:
            self._remember(path, str(error))
            raise not_readable(path, str(error), self._remedy) from error

    def _remember(self, path: str, reason: str) -> None:
        with self._lock:
            if all(path != known for known, _ in self.bad):
                self.bad.append((path, reason))
                self.skipped.append((path, reason))


class StopOnFailure(keras.callbacks.Callback):
    """Ends training or evaluation with a reader's error on a bad file.

    An error from before that training or evaluation does not count: the file may have been
    replaced since, and is read again.

    Args:
        reader: The reader of the images.
    """

    async_safe = True  # it reads no result, so JAX and PyTorch need not wait for one

    def __init__(self, reader: ImageReader):
        super().__init__()
        self.reader = reader

    def set_model(self, model):
        """Forget earlier errors; Keras calls this when a `fit` or `evaluate` starts."""
        super().set_model(model)
        self.reader.failure = None

    def on_train_batch_end(self, batch, logs=None):
        """Raise the reader's failure, if there is one."""
        if self.reader.failure is not None:
            raise self.reader.failure

    on_test_batch_end = on_train_batch_end


class ReadableBatches:
    """Batches whose iteration raises the error of the first file that a reader cannot read.

    It replaces an error inside the data set, with which TensorFlow prints its tracebacks.

    Args:
        data: Batches in which a black image replaces such a file.
        reader: The reader of the images.
    """

    def __init__(self, data, reader: ImageReader):
        self.data = data
        self.reader = reader

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.data)

    def __iter__(self):
        """Yield the batches."""
        for batch in self.data:
            if self.reader.failure is not None:
                raise self.reader.failure
            yield batch
