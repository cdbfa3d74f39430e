"""Parts of the machine for pickles: bytes, values, and the names that pickles may use."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile

MAX_STEPS = 200_000  # 16 layers take some 500, the state of an optimizer some thousands
MAX_BYTES = 1 << 20  # without the long strings, which stay where they are
BUFFER = 1 << 16
MAX_KEY = 1 << 31  # whole numbers below it cannot be made to collide as keys of a dictionary
OTHERWISE = "Save the weights alone, as a dictionary of arrays."


class Place(NamedTuple):
    """Where a long string of a pickle lies in the file.

    Args:
        offset: Its first byte.
        length: Its number of bytes.
        utf8: Whether each byte was written as a character, in UTF-8.
    """

    offset: int
    length: int
    utf8: bool = False


class Function(NamedTuple):
    """A function of ours that a pickle may call.

    Args:
        call: It is given the machine and the arguments, which are unchecked.
    """

    call: Callable[[Any, tuple], Any]


class Vocabulary(NamedTuple):
    """The names and persistent ids that the pickles of one format may use.

    Args:
        names: What (module, name) stands for: a `Function`, or any inert value. Any other name
            is an `Unknown`.
        persistent: Gives the value of a persistent id; without it there may be none.
        remedy: A sentence on the way to save a file that can be read.
    """

    names: Mapping[tuple[str, str], Any]
    persistent: Callable[[Any], Any] | None = None
    remedy: str = OTHERWISE


class Unknown(NamedTuple):
    """A class or function that a pickle names and no vocabulary lists: its name, and no more.

    Args:
        name: Module and name, as the pickle gives them.
    """

    name: str


class Stateful:
    """A value that a pickle may give a state to; made by a `Function`."""

    def set_state(self, state: Any) -> None:
        """Take from a state, which is unchecked, what is needed."""
        raise NotImplementedError


class Opaque(Stateful):
    """Stands for an object of an unknown class: nothing is imported, called or made for it.

    Training scripts keep such objects beside the weights: NumPy's numbers, options, sets.

    Attributes:
        name: The class or function that it would be made by.
        entries: What the pickle puts into it as into a dictionary.
    """

    def __init__(self, name: str):
        self.name = name
        self.entries: dict = {}

    def set_state(self, state: Any) -> None:
        """Drop the state: only the class knows its meaning."""


class Reader:
    """The bytes of a file from `start` to `stop` in turn: pickles, and what lies between them.

    All that is done with them together has its limits, so that the time is that of the file.

    Attributes:
        position: Byte of the file that comes next.
    """

    def __init__(self, file: CheckpointFile, start: int, stop: int):
        self._file, self._stop, self.position = file, stop, start
        self._buffer, self._start = b"", start
        self._steps = self._taken = 0

    @property
    def left(self) -> int:
        """Number of bytes to come."""
        return self._stop - self.position

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        self._taken += count
        if self._taken > MAX_BYTES:
            raise bad_pickle(f"has more than {MAX_BYTES} bytes", remedy=OTHERWISE)
        begin = self.position - self._start
        if begin + count > len(self._buffer):
            self._check(count)
            self._buffer = self._file.pread(self.position, min(self.left, max(count, BUFFER)))
            self._start, begin = self.position, 0
        self.position += count
        return self._buffer[begin : begin + count]

    def skip(self, count: int) -> int:
        """Pass over bytes; return where they begin."""
        self._check(count)
        self.position += count
        if self.position > self._start + len(self._buffer):
            self._buffer, self._start = b"", self.position
        return self.position - count

    def spend(self, count: int) -> None:
        """Count steps of work, and stop a pickle that asks for too many."""
        self._steps += count
        if self._steps > MAX_STEPS:
            raise bad_pickle(f"takes more than {MAX_STEPS} steps", remedy=OTHERWISE)

    def _check(self, count: int) -> None:
        if not 0 <= count <= self.left:
            raise bad_pickle("ends early")


def decoded(content: bytes, encoding: str) -> str:
    """Return text."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise bad_pickle(f"has the text {shown(content)}, which is no {encoding}") from error


def set_entry(target: dict, key: Any, value: Any) -> None:
    """Set an entry of a dictionary, or drop it if its key is neither text nor a small integer."""
    if type(key) is not str and not (type(key) is int and abs(key) < MAX_KEY):
        return  # other keys name no array, and hashing them could take very long
    if key in target:
        raise bad_pickle(f"has two entries for the key {shown(str(key))}")
    target[key] = value


def described(value: Any) -> str:
    """Say what kind of value this is; values themselves, which may be huge, are never printed."""
    if isinstance(value, Opaque):
        return f"an object of the class {shown(value.name)}"
    if isinstance(value, Unknown):
        return f"the name {shown(value.name)}"
    return f"a value of the kind {type(value).__name__}"


def bad_pickle(wrong: str, expected: str = "", remedy: str = "") -> CheckpointError:
    """Return the error for a pickle that is not as expected."""
    return CheckpointError(
        f"Its pickle {wrong}.",
        expected or "A dictionary of arrays was expected, as the format's own program writes it.",
        remedy or "Get the file again, or save it again with that program.",
    )
