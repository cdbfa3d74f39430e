"""`FileSequence`: batches of images without TensorFlow, which threads read ahead."""

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import keras
import numpy as np

from keras_alexnet.data.batch_reader import ArrayReader, BatchReader

AHEAD = 2  # batches that are read while the model computes


class FileSequence(keras.utils.PyDataset):
    """Batches of (images, labels) by number, in the order of each epoch.

    `fit`, `evaluate` and `predict` take it on every backend. A new epoch starts when the last one
    has been read in full, as `EpochOrder` counts it, and with every loop over the batches.

    The threads read ahead only if the batches are requested in order: pass `shuffle=False` to
    `fit`, which otherwise requests them at random.

    Args:
        reader: A `BatchReader` or an `ArrayReader`.
        batch_size: Images per batch; the last may have fewer.
        order: An `EpochOrder`; `None` for the order of the files.
    """

    # Set by `image_folder`, as on a `tf.data.Dataset`.
    class_names: list[str]
    file_paths: list[str]
    class_weight: dict[int, float]
    skipped: list[tuple[str, str]]

    def __init__(self, reader: BatchReader | ArrayReader, batch_size: int, order=None):
        super().__init__()  # one worker, because the threads below read ahead in order
        self._reader = reader
        self._count = len(reader)
        self._batch_size = batch_size
        self._order = order
        self._parts = os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(self._parts)
        self._lock = threading.Lock()  # in case a user sets more workers
        self._pending: dict[int, list[Future]] = {}
        self._numbers: np.ndarray | None = None
        self._next = 0

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-self._count // self._batch_size)

    def __iter__(self):
        """Yield the batches of an epoch."""
        self.on_epoch_end()
        for index in range(len(self)):
            yield self[index]

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a batch of the current epoch.

        Raises:
            UserError: If a file cannot be read and `bad_images` is `"stop"`.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"Received batch {index} of {len(self)}.")
        with self._lock:
            parts = self._read_ahead(index)
        images, labels, failures = zip(*(part.result() for part in parts), strict=True)
        batch = np.concatenate(images), np.concatenate(labels), next(filter(None, failures), None)
        if not len(batch[1]):
            batch = self._reader.instead_of(self._numbers_of(index))
        if batch[2] is not None:
            raise batch[2]
        return batch[0], batch[1] if self._order is None else self._order.hand_out(batch[1])

    def on_epoch_end(self) -> None:
        """Start an epoch with the next batch that is requested."""
        for future in (future for part in self._pending.values() for future in part):
            future.cancel()
        self._pending = {}
        self._numbers = None

    def _read_ahead(self, index: int) -> list[Future]:
        """Return a batch's futures; if it is the next in order, start reading those after it."""
        if self._numbers is None:
            left_out = len(self._reader.left_out)
            self._numbers = self._order.start(left_out) if self._order else np.arange(self._count)
            self._next = 0
        last = min(index + AHEAD, len(self) - 1) if index == self._next else index
        for number in range(index, last + 1):
            if number not in self._pending:
                parts = np.array_split(self._numbers_of(number), self._parts)
                submitted = (self._threads.submit(self._reader.read, part) for part in parts)
                self._pending[number] = list(submitted)
        self._next = index + 1
        return self._pending.pop(index)

    def _numbers_of(self, index: int) -> np.ndarray:
        """Return the numbers of a batch's files."""
        assert self._numbers is not None
        return self._numbers[index * self._batch_size : (index + 1) * self._batch_size]
