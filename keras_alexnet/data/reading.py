"""Reads image files into equal arrays, and remembers those that could not be read."""

import threading
from collections.abc import Sequence

import keras
import numpy as np

from keras_alexnet.data.batches import file_batches
from keras_alexnet.data.decoding import BadImage, decoded
from keras_alexnet.data.image_formats import why_passed_over
from keras_alexnet.data.labelled import LabelledFiles
from keras_alexnet.data.order import EpochOrder
from keras_alexnet.data.resizing import RESIZINGS
from keras_alexnet.errors import UserError, explain


class ImageReader:
    """Reads image files into upright RGB squares, and remembers the files it could not read.

    Args:
        size: Height and width of the arrays, in pixels.
        resizing: `"shorter_side"` or `"warp"`, as `image_folder` takes it.
        passed_over: Files that are not read, as they do not end as images do.

    Attributes:
        bad: The path and the reason of every file that could not be read, each once.
        skipped: The path and the reason of the files passed over, and those of `bad`.
        failure: The error of the first of them since a `StopOnFailure` began, or `None`.
    """

    def __init__(self, size: int, resizing: str = "shorter_side", passed_over: Sequence[str] = ()):
        self.size = size
        self.bad: list[tuple[str, str]] = []
        self.skipped = [(path, why_passed_over(path)) for path in passed_over]
        self.failure: UserError | None = None
        self._resized = RESIZINGS[resizing]
        self._lock = threading.Lock()

    def read(self, path: str) -> np.ndarray:
        """Return an image as a uint8 array of shape `(size, size, 3)`, values 0 to 255.

        Raises:
            UserError: If the file cannot be read as an image; it names the file and the reason.
        """
        try:
            return np.asarray(self._resized(decoded(path), self.size))
        except BadImage as error:
            failure = UserError(
                explain(
                    f"The image {path!r} cannot be read: {error}.",
                    "Every file in the folder must be a whole image.",
                    "Replace or remove it, and start again.",
                )
            )
            self._remember(path, str(error), failure)
            raise failure from error

    def _remember(self, path: str, reason: str, failure: UserError) -> None:
        with self._lock:
            if all(path != known for known, _ in self.bad):
                self.bad.append((path, reason))
                self.skipped.append((path, reason))
            self.failure = self.failure or failure

    def dataset(self, files: LabelledFiles, batch_size: int, shuffle: bool = False, seed: int = 0):
        """Return a `tf.data.Dataset` of (images, labels), in which bad files are black images.

        It is for `fit` and `evaluate` with `StopOnFailure`, which raises the reader's failure in
        their stead: raised inside the data set, TensorFlow would print it with its tracebacks.
        """
        order = EpochOrder(len(files), seed) if shuffle else None
        return file_batches(files, self, batch_size, order, bad_images="black")


class StopOnFailure(keras.callbacks.Callback):
    """Ends training or evaluation with the error of a reader that met a bad file.

    What the reader met before that training or evaluation began is forgotten: the file may have
    been replaced, and is read again.

    Args:
        reader: The reader of the images.
    """

    async_safe = True  # it looks at no result, so JAX and PyTorch need not wait for one

    def __init__(self, reader: ImageReader):
        super().__init__()
        self.reader = reader

    def set_model(self, model):
        """Take the model, which Keras gives when a `fit` or `evaluate` begins."""
        super().set_model(model)
        self.reader.failure = None

    def on_train_batch_end(self, batch, logs=None):
        """Raise the reader's failure, if there is one."""
        if self.reader.failure is not None:
            raise self.reader.failure

    on_test_batch_end = on_train_batch_end
