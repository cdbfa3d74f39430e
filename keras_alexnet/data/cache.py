"""`DiskCache`: decoded images on disk, so that each file is decoded once."""

import hashlib
import io
import os
from collections.abc import Iterable

import numpy as np

from keras_alexnet.errors import UserError, warn
from keras_alexnet.files import made_folder

WHOLE = b"\x01"


class DiskCache:
    """A dictionary from numbers to arrays in one file, which may lack some of them.

    The file's name is a digest of everything that the arrays depend on: changed images, another
    size or another split of the folder get another file. A byte after each array marks it as
    whole. It is written last, so that a killed run leaves no partial image behind.

    Args:
        folder: The folder of the file, which is made if it does not exist.
        paths: The image files.
        shape: Shape of the arrays, which are uint8.
        settings: Other settings that the arrays depend on, as text.

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
                    "The folder of the cache must be writable.",
                    "Choose another folder, or change its permissions.",
                ) from error

    def get(self, number: int) -> np.ndarray | None:
        """Return an array, or `None` if the file lacks it."""
        with self._at(number, "rb") as file:
            record = file.read(self._length + 1)
        if record[self._length :] != WHOLE:
            return None
        return np.frombuffer(record, "uint8", self._length).reshape(self.shape)

    def __setitem__(self, number: int, array: np.ndarray) -> None:
        """Write an array; if the disk is full, warn and continue without it."""
        try:
            with self._at(number, "r+b") as file:
                file.write(array.tobytes() + WHOLE)
        except OSError as error:
            warn(
                f"The cache {self._path!r} keeps no more images: {error.strerror}. The images that "
                "it lacks are decoded again. Free some space on the disk."
            )

    def _at(self, number: int, mode: str) -> io.FileIO:
        """Open the file at an array's offset; every call has its own handle, for threads."""
        file = io.FileIO(self._path, mode)
        file.seek(number * (self._length + 1))
        return file


def _digest(paths: Iterable[str], shape: tuple[int, ...], settings: str) -> str:
    """Return a name for the arrays of these files, which changes when a file does."""
    digest = hashlib.sha256(repr((shape, settings)).encode())
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:  # the reader names the file when it comes to it
            continue
        digest.update(repr((os.path.abspath(path), status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()[:32]
