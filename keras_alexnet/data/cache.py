"""Decoded images kept on disk, so that a file is decoded once."""

import hashlib
import io
import os
import warnings
from collections.abc import Iterable

import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.files import made_folder

WHOLE = b"\x01"


class DiskCache:
    """Arrays by number, kept in one file; used as a dictionary that may have lost some.

    The file's name is a digest of all that the arrays depend on: changed images, another size or
    another part of the folder get a file of their own. Each array is followed by a byte that says
    it is whole, written last: a run that was killed leaves no half image behind.

    Args:
        folder: Where the file lies; made if it does not exist.
        paths: The files that the arrays are made of.
        shape: Shape of the arrays, which are uint8.
        settings: What else the arrays depend on.

    Raises:
        UserError: If the folder cannot be made or written to.
    """

    def __init__(self, folder: str, paths: Iterable[str], shape: tuple[int, ...], settings: str):
        self.shape = shape
        self._length = int(np.prod(shape))
        with made_folder(folder):
            self._path = os.path.join(folder, f"{_digest(paths, shape, settings)}.images")
            try:
                open(self._path, "ab").close()
            except OSError as error:
                raise UserError(
                    f"Received the cache {folder!r}, where {self._path!r} cannot be written: "
                    f"{error.strerror}.",
                    "A folder was expected in which files can be made.",
                    "Choose another, or change its permissions.",
                ) from error

    def get(self, number: int) -> np.ndarray | None:
        """Return an array, or `None` if it is not there."""
        with self._at(number, "rb") as file:
            record = file.read(self._length + 1)
        if record[self._length :] != WHOLE:
            return None
        return np.frombuffer(record, "uint8", self._length).reshape(self.shape)

    def __setitem__(self, number: int, array: np.ndarray) -> None:
        """Keep an array; if the disk is full, warn and go on without."""
        try:
            with self._at(number, "r+b") as file:
                file.write(array.tobytes() + WHOLE)
        except OSError as error:
            warnings.warn(f"The cache keeps no more images: {error.strerror}.", stacklevel=2)

    def _at(self, number: int, mode: str) -> io.FileIO:
        """Open the file at an array's place: every thread has a place of its own."""
        file = io.FileIO(self._path, mode)
        file.seek(number * (self._length + 1))
        return file


def _digest(paths: Iterable[str], shape: tuple[int, ...], settings: str) -> str:
    """Return a name for the arrays made of these files as they are now."""
    digest = hashlib.sha256(repr((shape, settings)).encode())
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:  # it will be met, and named, when it is read
            continue
        digest.update(repr((os.path.abspath(path), status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()[:32]
