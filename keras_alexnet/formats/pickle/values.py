"""What the pickle machine works on: the bytes of a file, the values, and the names it allows."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile

MAX_STEPS = 200_000  # 16 layers take about 500, the state of an optimizer some thousands
MAX_BYTES = 1 << 20  # without the long strings, which stay in the file
BUFFER = 1 << 16
MAX_KEY = 1 << 31  # smaller integers cannot be made to collide as keys of a dictionary
SAVE_AGAIN = "Download the file again, or save it again with the program that it is from."
SAVE_ARRAYS = "Save the weights alone, as a dictionary of arrays."


class LongString(NamedTuple):
    """A long string of a pickle, which stays in the file.

    Args:
        offset: Its first byte.
        length: Its number of bytes.
        utf8: Whether it is text in UTF-8, with a character for each byte.
    """

    offset: int
    length: int
    utf8: bool = False


class Function(NamedTuple):
    """A function of this package that replaces one that a pickle calls.

    Args:
        call: Function of the machine and the arguments, which nobody has checked.
    """

    call: Callable[[Any, tuple], Any]


class Vocabulary(NamedTuple):
    """The names and persistent ids that the pickles of one format may use.

    Args:
        names: The replacement of each (module, name): a `Function`, or any inert value. Every
            other name becomes an `UnknownName`.
        persistent: Returns the value of a persistent id; `None` if there must be none.
        remedy: A sentence on how to save a file that can be read.
    """

    names: Mapping[tuple[str, str], Any]
    persistent: Callable[[Any], Any] | None = None
    remedy: str = SAVE_ARRAYS


class UnknownName(NamedTuple):
    """The name of a class or function that the vocabulary does not list.

    Args:
        name: Module and name, as the pickle gives them.
    """

    name: str


class Stateful:
    """A value that accepts a state from a pickle; a `Function` makes it."""

    def set_state(self, state: Any) -> None:
        """Read a state, which nobody has checked."""
        raise NotImplementedError


class UnknownObject(Stateful):
    """Stands for an object of an unknown class. Nothing is imported, called or made for it.

    Training scripts save such objects beside the weights: NumPy's scalars, options, sets.

    Attributes:
        name: Name of the class or function that would make it.
        entries: The items that the pickle sets in it as in a dictionary.
    """

    def __init__(self, name: str):
        self.name = name
        self.entries: dict = {}

    def set_state(self, state: Any) -> None:
        """Ignore the state: only the class knows its meaning."""


class Reader:
    """The bytes of a file from `start` to `stop`, in order: pickles, and the data between them.

    All pickles together have a limit of bytes and of steps, so that a small file takes little time.

    Attributes:
        position: The next byte of the file.
    """

    def __init__(self, file: CheckpointFile, start: int, stop: int):
        self._file, self._stop, self.position = file, stop, start
        self._buffer, self._start = b"", start
        self._steps = self._taken = 0

    @property
    def left(self) -> int:
        """Number of bytes that are not read yet."""
        return self._stop - self.position

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        self._taken += count
        if self._taken > MAX_BYTES:
            raise invalid_pickle(f"The pickle has more than {MAX_BYTES} bytes.", remedy=SAVE_ARRAYS)
        begin = self.position - self._start
        if begin + count > len(self._buffer):
            self._check(count)
            self._buffer = self._file.pread(self.position, min(self.left, max(count, BUFFER)))
            self._start, begin = self.position, 0
        self.position += count
        return self._buffer[begin : begin + count]

    def skip(self, count: int) -> int:
        """Skip bytes, and return the position of the first one."""
        self._check(count)
        self.position += count
        if self.position > self._start + len(self._buffer):
            self._buffer, self._start = b"", self.position
        return self.position - count

    def spend(self, count: int) -> None:
        """Count steps of work, and refuse a pickle that takes too many."""
        self._steps += count
        if self._steps > MAX_STEPS:
            raise invalid_pickle(
                f"The pickle takes more than {MAX_STEPS} steps.", remedy=SAVE_ARRAYS
            )

    def _check(self, count: int) -> None:
        if not 0 <= count <= self.left:
            raise invalid_pickle("The pickle ends early.")


def decode_text(content: bytes, encoding: str) -> str:
    """Return bytes of a pickle as text."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise invalid_pickle(
            f"The text {quoted(content)} in the pickle is not {encoding}."
        ) from error


def set_entry(target: dict, key: Any, value: Any) -> None:
    """Set an entry of a dictionary; drop an entry whose key is neither text nor a small integer."""
    if type(key) is not str and not (type(key) is int and abs(key) < MAX_KEY):
        return  # other keys name no array, and could take very long to hash
    if key in target:
        raise invalid_pickle(f"The pickle has two entries for the key {quoted(str(key))}.")
    target[key] = value


def describe_value(value: Any) -> str:
    """Return the kind of a value in words. The value itself, which may be huge, is not printed."""
    if isinstance(value, UnknownObject):
        return f"an object of the class {quoted(value.name)}"
    if isinstance(value, UnknownName):
        return f"the name {quoted(value.name)}"
    return f"a value of type {type(value).__name__}"


def checked(value: Any, kind: type, name: str) -> Any:
    """Return a value of a pickle, whose type must be exactly `kind`; `name` is for the error."""
    if type(value) is not kind:
        raise invalid_pickle(f"The pickle has {describe_value(value)} in place of {name}.")
    return value


def invalid_pickle(received: str, remedy: str = SAVE_AGAIN) -> CheckpointError:
    """Return the error for a pickle with unexpected content."""
    expected = (
        "The pickle must hold a dictionary of arrays, as the program of its format writes it."
    )
    return CheckpointError(received, expected, remedy)
