"""Reads one file as a model would be loaded from it, and says what is wrong with how that went."""

import importlib
import sys
import zlib
from collections.abc import Callable

import numpy as np

from keras_alexnet.checkpoints import naming
from keras_alexnet.formats import sniffing
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.opening import Contents, open_checkpoint

LONGEST = 1500  # characters of a message
ALIASES = {"conv2d": "conv1", "dense": "fc6"}
Arrays = dict[str, tuple[str, tuple[int, ...], int]]  # type, shape, and checksum of each
Read = tuple[str, Arrays]  # with the name of the format
for row in sniffing.FORMATS:  # which are otherwise imported when they are needed, and not before
    importlib.import_module(f"keras_alexnet.formats.{row.read.split(':')[0]}")


class Wrong(Exception):
    """What must not happen."""


def read(path: str) -> Read:
    """Read all arrays of a file, whole, row by row, and with the axes of size 1 taken off."""
    with open_checkpoint(path) as contents:
        _check_texts(contents)
        values = {name: _read(array) for name, array in contents.arrays.items()}
        _recognise(contents)
    return contents.format, values


def judged(path: str, reader: Callable[[str], Read]) -> Read | None:
    """Return what was read from a file; or nothing, if it was refused.

    Raises:
        Wrong: If it was neither refused in the package's own words, nor loaded.
    """
    try:
        return reader(path)
    except CheckpointError as error:
        _check_refusal(error, path)
        return None


def _recognise(contents: Contents) -> None:
    """Look whose names these are; it may be nobody's."""
    try:
        naming.find_dialect(contents.arrays, ALIASES)
    except CheckpointError as error:
        _check_words(error)


def _check_texts(contents: Contents) -> None:
    texts = [*contents.arrays, *contents.metadata, *contents.metadata.values()]
    if not all(type(text) is str for text in texts):
        raise Wrong("A name, or what the file says about itself, is no text.")
    for text in texts:
        text.encode("utf-8")  # half a character could not be printed


def _read(array) -> tuple[str, tuple[int, ...], int]:
    """Return what tells an array from others, once it was read in every way there is."""
    whole = array.read()
    if type(whole) is not np.ndarray or whole.dtype != array.dtype or whole.shape != array.shape:
        raise Wrong(f"{array} is read as {whole.dtype} {whole.shape}.")
    if whole.dtype.kind not in "fiu" or not whole.dtype.isnative:
        raise Wrong(f"{array} holds no numbers.")
    if whole.shape:
        middle = len(whole) // 2
        for start, stop in ((0, middle), (middle, len(whole))):
            _compare(array.read(start, stop), whole[start:stop], array)
    ones = next((i for i, n in enumerate(array.shape) if n != 1), max(len(array.shape) - 1, 0))
    _compare(array.from_axis(ones).read(), whole.reshape(array.shape[ones:]), array)
    return str(whole.dtype), whole.shape, zlib.crc32(whole)


def _compare(part: np.ndarray, expected: np.ndarray, array) -> None:
    if part.shape != expected.shape or zlib.crc32(part) != zlib.crc32(expected):
        raise Wrong(f"{array} is read differently in parts.")


def _check_refusal(error: CheckpointError, path: str) -> None:
    """Raise unless an error is about the file, and not about a lack of memory."""
    _check_words(error)
    if repr(path) not in str(error):
        raise Wrong(f"The message does not name the file: {error}")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            raise Wrong(f"Too much memory was asked for: {error}")
        cause = cause.__cause__


def _check_words(error: CheckpointError) -> None:
    """Raise unless a message is sentences that are safe to print."""
    text = str(error)
    if not (text.isascii() and text.isprintable() and text.endswith(".") and len(text) < LONGEST):
        raise Wrong(f"The message is {text[:LONGEST]!r}.")


class Guard:
    """Sees what the interpreter does while it is armed, and forbids all but reading one file.

    It cannot be taken off again, as `sys.addaudithook` says: so only in a process of its own.
    """

    HARMLESS = frozenset({"builtins.id", "object.__getattr__", "sys._getframe"})

    def __init__(self, path: str):
        self._path = path
        self._armed = False
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def __enter__(self) -> None:
        """Begin to watch."""
        self.seen.clear()
        self._armed = True

    def __exit__(self, *error) -> None:
        """Stop watching."""
        self._armed = False

    def _hook(self, event: str, arguments: tuple) -> None:
        if not self._armed or event in self.HARMLESS:
            return
        if event == "open" and arguments[0] == self._path and arguments[2] & 3 == 0:
            return
        self._armed = False  # to be able to say it
        self.seen.append(f"{event} {arguments!r:.200}")
        self._armed = True
        raise Wrong(f"Forbidden: {self.seen[-1]}")
