"""`BatchReader`: batches of images; bad files end the batch, are skipped or become black.

`ArrayReader`: the same for images in memory.
"""

import numpy as np

from keras_alexnet.data.bad_files import nothing_left
from keras_alexnet.data.labelled_files import LabelledFiles
from keras_alexnet.errors import UserError

Batch = tuple[np.ndarray, np.ndarray, UserError | None]


class BatchReader:
    """Reads files by number.

    Args:
        files: The files and their labels.
        reader: An `ImageReader`.
        bad_images: `"stop"`: a file that cannot be read ends the batch with an error. `"skip"`:
            the batch is smaller. `"black"`: a black image replaces the file, and `StopOnFailure`
            raises the error, because an error from inside a data set comes with TensorFlow's
            tracebacks.
        cache: A dictionary, or an object with its methods, for the images by number.

    Attributes:
        left_out: The numbers of the files that were skipped.
    """

    def __init__(self, files: LabelledFiles, reader, bad_images: str, cache=None):
        self.files = files
        self.size = reader.size
        self.left_out: set[int] = set()
        self._reader = reader
        self._bad_images = bad_images
        self._cache = cache
        self._labels = np.array(files.labels, "int32")

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.files)

    def read(self, numbers: np.ndarray) -> Batch:
        """Return images, labels, and the error that ends the iteration or `None`."""
        images = np.zeros((len(numbers), self.size, self.size, 3), "uint8")
        good = np.ones(len(numbers), bool)
        for row, number in enumerate(numbers.tolist()):
            try:
                images[row] = self._image(number)
            except UserError as error:
                if self._bad_images == "stop":
                    return images, self._labels[numbers], error
                if self._bad_images == "skip":
                    good[row] = False
                    self.left_out.add(number)
                else:
                    self._reader.failure = self._reader.failure or error
        if good.all():
            return images, self._labels[numbers], None
        return images[good], self._labels[numbers[good]], None

    def instead_of(self, numbers: np.ndarray) -> Batch:
        """Return the next readable image after the given files as a batch of one, like `read`.

        It replaces a batch without any readable image, because a batch must not be empty. If no
        file can be read at all, the error says so.
        """
        for number in (int(numbers[-1]) + 1 + np.arange(len(self.files))) % len(self.files):
            batch = self.read(np.array([number]))
            if len(batch[1]):
                return batch
        return *batch[:2], nothing_left(len(self.files), *self._reader.bad[0])

    def _image(self, number: int) -> np.ndarray:
        kept = None if self._cache is None else self._cache.get(number)
        if kept is not None:
            return kept
        image = self._reader.read(self.files.paths[number])
        if self._cache is not None:
            self._cache[number] = image
        return image


class ArrayReader:
    """Reads images in memory by number, as `BatchReader` reads files.

    Args:
        images: The images, uint8 of shape `(count, size, size, 3)`.
        labels: Their labels, int32.
    """

    left_out: frozenset[int] = frozenset()  # none is ever skipped

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        self.size = images.shape[1]
        self._images = images
        self._labels = labels

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._images)

    def read(self, numbers: np.ndarray) -> Batch:
        """Return images, labels, and no error."""
        return self._images[numbers], self._labels[numbers], None

    def instead_of(self, numbers: np.ndarray) -> Batch:
        """Return the batch itself, because no image in memory is ever left out."""
        return self.read(numbers)
