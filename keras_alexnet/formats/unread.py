"""`UnreadArray`, a tensor that cannot be read: it raises its error on reading, not earlier."""

from collections.abc import Callable

import numpy as np

from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, errors_about, quoted


class UnreadArray(StoredArray):
    """Stands for a tensor that cannot be read. A file may hold such tensors beside the weights.

    Args:
        path: The file.
        error: Why it cannot be read.
    """

    is_unread = True

    def __init__(self, path: str, error: CheckpointError):
        self.shape, self.dtype = (), np.dtype(object)
        self._path, self._error = path, error

    def require(self) -> None:
        """Raise the error."""
        raise self._error

    def from_axis(self, axis: int) -> "UnreadArray":
        """Return itself: its shape is not known."""
        return self

    def _rows(self, start: int, stop: int) -> np.ndarray:
        raise self._error.about(f"{self._path!r} cannot be read:") from self._error


def if_readable(path: str, name: str, make: Callable[..., StoredArray], *arguments) -> StoredArray:
    """Return the array that `make` makes, or an `UnreadArray` with the error that `make` raises.

    Args:
        path: The file.
        name: The name of the tensor, for the error.
        make: Returns the array.
        *arguments: The arguments of `make`.
    """
    try:
        with errors_about(f"Tensor {quoted(name)}:"):
            return make(*arguments)
    except CheckpointError as error:
        return UnreadArray(path, error)
