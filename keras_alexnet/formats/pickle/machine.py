"""Reads a pickle as data: a machine for its opcodes that imports, calls and hashes nothing.

Python's own `pickle.Unpickler` cannot be made safe by choosing what it imports: eight bytes make
it take gigabytes of memory (`LONG_BINPUT` with a large number), and tuples nested a million deep as
a dictionary's key crash the process. Here a name in a pickle stands for one of a few values that
the caller lists, or for nothing but itself, and every opcode checks what it is applied to.
"""

import struct
from collections.abc import Callable
from types import UnionType
from typing import Any

from keras_alexnet.formats.errors import shown
from keras_alexnet.formats.pickle.names import is_harmful
from keras_alexnet.formats.pickle.values import (
    Function,
    Opaque,
    Place,
    Reader,
    Stateful,
    Unknown,
    Vocabulary,
    bad_pickle,
    decoded,
    described,
    set_entry,
)

MAX_MEMO = 100_000
MAX_TEXT = 4096
MAX_NAME = 256
MAX_LONG = 16  # bytes of a whole number


class Machine:
    """Runs one pickle, up to its end.

    Args:
        reader: Where it is read from.
        vocabulary: What may occur in it.
    """

    def __init__(self, reader: Reader, vocabulary: Vocabulary):
        self._reader, self._vocabulary = reader, vocabulary
        self._stack: list = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Return the value that the pickle describes.

        Raises:
            CheckpointError: If the pickle holds anything that is not expected in it.
        """
        while True:
            self.spend(1)
            code = self._reader.take(1)[0]
            if code == STOP:
                break
            if code not in OPCODES:
                raise bad_pickle(f"has the opcode {code:#04x}")
            operation, argument = OPCODES[code]
            operation(self, argument)
        if len(self._stack) != 1 or self._marks:
            raise bad_pickle("ends with another number of values than one")
        return self._stack[0]

    def spend(self, count: int) -> None:
        """Count steps of work."""
        self._reader.spend(count)

    def make_dict(self, pairs: list) -> dict:
        """Return a dictionary of the pairs in a list."""
        self.spend(len(pairs))
        result: dict = {}
        for pair in pairs:
            if type(pair) not in (list, tuple) or len(pair) != 2:
                raise bad_pickle("makes a dictionary of something else than pairs")
            set_entry(result, *pair)
        return result

    def _unpack(self, layout: str) -> Any:
        return struct.unpack(layout, self._reader.take(struct.calcsize(layout)))[0]

    def _pop(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise bad_pickle("takes more values than it made")
        return self._stack.pop()

    def _pop_marked(self) -> list:
        if not self._marks:
            raise bad_pickle("ends a group that it did not begin")
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _top(self, kind: type | UnionType) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise bad_pickle("takes more values than it made")
        if not isinstance(self._stack[-1], kind):
            raise bad_pickle(f"changes {described(self._stack[-1])} as if it were another thing")
        return self._stack[-1]

    # The opcodes, each with the argument that OPCODES has for it. Their meaning: pickletools.

    def _protocol(self, _: None) -> None:
        version = self._unpack("<B")
        if not 2 <= version <= 5:
            raise bad_pickle(f"has protocol {version}")

    def _frame(self, _: None) -> None:
        self._reader.take(8)  # its length does not matter: nothing is read ahead on its word

    def _constant(self, value: Any) -> None:
        self._stack.append(value)

    def _empty(self, kind: Callable[[], Any]) -> None:
        self._stack.append(kind())

    def _number(self, layout: str) -> None:
        self._stack.append(self._unpack(layout))

    def _long(self, _: None) -> None:
        count = self._unpack("<B")
        if count > MAX_LONG:  # such as the state of a random generator
            self._reader.take(count)
            self._stack.append(Opaque("builtins.int"))
            return
        self._stack.append(int.from_bytes(self._reader.take(count), "little", signed=True))

    def _text(self, argument: tuple[str, str | None]) -> None:
        """Push a string, or the place in the file of a long one.

        `argument` is the layout of its length, and its encoding, if it is text.
        """
        layout, encoding = argument
        length = self._unpack(layout)
        if length > MAX_TEXT:
            place = self._reader.skip(length)
            self._stack.append(Place(place, length, encoding == "utf-8"))
            return
        if length < 0:
            raise bad_pickle("has a string of negative length")
        content = self._reader.take(length)
        self._stack.append(decoded(content, encoding) if encoding else content)

    def _mark(self, _: None) -> None:
        self._marks.append(len(self._stack))

    def _marked(self, make: Callable[[list], Any]) -> None:
        self._stack.append(make(self._pop_marked()))

    def _tuple(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self._stack.append(tuple(reversed(values)))

    def _append(self, _: None) -> None:
        self._extend([self._pop()])

    def _appends(self, _: None) -> None:
        self._extend(self._pop_marked())

    def _extend(self, values: list) -> None:
        target = self._top(list | Opaque)
        if type(target) is list:
            target.extend(values)

    def _add_items(self, _: None) -> None:
        self._pop_marked()  # of a set: nothing is hashed

    def _set_item(self, _: None) -> None:
        value, key = self._pop(), self._pop()
        set_entry(self._entries(), key, value)

    def _set_items(self, _: None) -> None:
        values = self._pop_marked()
        target = self._entries()
        if len(values) % 2:
            raise bad_pickle("has a key without a value")
        for key, value in zip(values[::2], values[1::2], strict=True):
            set_entry(target, key, value)

    def _entries(self) -> dict:
        target = self._top(dict | Opaque)
        return target.entries if type(target) is Opaque else target

    def _put(self, layout: str | None) -> None:
        index = self._unpack(layout) if layout else len(self._memo)
        if index >= MAX_MEMO:
            raise bad_pickle(f"remembers a value under the number {index}")
        self._memo[index] = self._top(object)

    def _get(self, layout: str) -> None:
        index = self._unpack(layout)
        if index not in self._memo:
            raise bad_pickle(f"asks for the value {index}, which it did not remember")
        self._stack.append(self._memo[index])

    def _global(self, _: None) -> None:
        self._name(self._line(), self._line())

    def _stack_global(self, _: None) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise bad_pickle("gives a name that is no text")
        self._name(module, name)

    def _name(self, module: str, name: str) -> None:
        known = self._vocabulary.names
        if is_harmful(module, name):
            raise bad_pickle(
                f"asks for {shown(f'{module}.{name}')}", remedy=self._vocabulary.remedy
            )
        self._stack.append(known.get((module, name), Unknown(f"{module}.{name}")))

    def _line(self) -> str:
        line = bytearray()
        while (byte := self._reader.take(1)) != b"\n":
            line += byte
            if len(line) > MAX_NAME:
                raise bad_pickle(f"has a name of more than {MAX_NAME} characters")
        return decoded(bytes(line), "utf-8")

    def _call_by_name(self, _: None) -> None:
        self._pop()  # arguments by name, which no known function takes
        self._call(None)

    def _call(self, _: None) -> None:
        arguments, function = self._pop(), self._pop()
        if type(function) is Unknown:
            self._stack.append(Opaque(function.name))
            return
        if type(function) is not Function or type(arguments) is not tuple:
            raise bad_pickle(f"calls {described(function)}")
        self._stack.append(function.call(self, arguments))

    def _build(self, _: None) -> None:
        state = self._pop()
        if type(self._top(object)) is dict:
            return  # `_metadata` of a state dict: versions of layers
        self._top(Stateful).set_state(state)

    def _persistent(self, _: None) -> None:
        if self._vocabulary.persistent is None:
            raise bad_pickle("refers to something outside of it")
        self._stack.append(self._vocabulary.persistent(self._pop()))


STOP = ord(".")
# Protocols 2 to 5 without what state dicts and arrays never need (OBJ, INST, EXT, POP, DUP ...).
OPCODES: dict[int, tuple[Callable[[Machine, Any], None], Any]] = {
    0x80: (Machine._protocol, None),
    0x95: (Machine._frame, None),
    ord("N"): (Machine._constant, None),
    0x88: (Machine._constant, True),
    0x89: (Machine._constant, False),
    ord("]"): (Machine._empty, list),
    ord("}"): (Machine._empty, dict),
    ord(")"): (Machine._empty, tuple),
    ord("J"): (Machine._number, "<i"),
    ord("K"): (Machine._number, "<B"),
    ord("M"): (Machine._number, "<H"),
    ord("G"): (Machine._number, ">d"),
    0x8A: (Machine._long, None),
    ord("U"): (Machine._text, ("<B", "latin-1")),  # Python 2's strings, which may be bytes
    ord("T"): (Machine._text, ("<i", "latin-1")),
    ord("X"): (Machine._text, ("<I", "utf-8")),
    0x8C: (Machine._text, ("<B", "utf-8")),
    0x8D: (Machine._text, ("<Q", "utf-8")),
    ord("C"): (Machine._text, ("<B", None)),
    ord("B"): (Machine._text, ("<I", None)),
    0x8E: (Machine._text, ("<Q", None)),
    0x96: (Machine._text, ("<Q", None)),  # BYTEARRAY8: arrays in protocol 5
    ord("("): (Machine._mark, None),
    ord("t"): (Machine._marked, tuple),
    0x85: (Machine._tuple, 1),
    0x86: (Machine._tuple, 2),
    0x87: (Machine._tuple, 3),
    ord("a"): (Machine._append, None),
    ord("e"): (Machine._appends, None),
    ord("s"): (Machine._set_item, None),
    ord("u"): (Machine._set_items, None),
    ord("q"): (Machine._put, "<B"),
    ord("r"): (Machine._put, "<I"),
    0x94: (Machine._put, None),
    ord("h"): (Machine._get, "<B"),
    ord("j"): (Machine._get, "<I"),
    ord("c"): (Machine._global, None),
    0x93: (Machine._stack_global, None),
    ord("R"): (Machine._call, None),
    0x81: (Machine._call, None),  # NEWOBJ: a class instead of a function
    0x92: (Machine._call_by_name, None),  # NEWOBJ_EX
    0x8F: (Machine._empty, lambda: Opaque("builtins.set")),
    0x90: (Machine._add_items, None),
    0x91: (Machine._marked, lambda _: Opaque("builtins.frozenset")),
    ord("b"): (Machine._build, None),
    ord("Q"): (Machine._persistent, None),
}
