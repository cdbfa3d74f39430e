"""A machine for the opcodes of pickles that reads a pickle as data: it imports and calls nothing.

A restricted `pickle.Unpickler` of Python is not safe: eight bytes make it allocate gigabytes
(`LONG_BINPUT` with a large number), and tuples nested a million deep as the key of a dictionary
crash the process. Here each name in a pickle stands for a value that the caller lists, or only for
itself, and every opcode checks its operands.
"""

import struct
from collections.abc import Callable
from types import UnionType
from typing import Any

from keras_alexnet.formats.errors import quoted
from keras_alexnet.formats.pickle.names import is_harmful
from keras_alexnet.formats.pickle.values import (
    Function,
    LongString,
    Reader,
    Stateful,
    UnknownName,
    UnknownObject,
    Vocabulary,
    checked,
    decode_text,
    describe_value,
    invalid_pickle,
    set_entry,
)

MAX_MEMO = 100_000
MAX_TEXT = 4096
MAX_NAME = 256
MAX_LONG = 16  # bytes of an integer


class Machine:
    """Runs one pickle.

    Args:
        reader: The bytes of the pickle.
        vocabulary: The names and persistent ids that may occur in it.
    """

    def __init__(self, reader: Reader, vocabulary: Vocabulary):
        self._reader, self._vocabulary = reader, vocabulary
        self._stack: list = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Return the value of the pickle.

        Raises:
            CheckpointError: If the pickle has an unexpected opcode, name or operand.
        """
        while True:
            self.spend(1)
            code = self._reader.take(1)[0]
            if code == STOP:
                break
            if code not in OPCODES:
                raise invalid_pickle(f"The pickle has the opcode {code:#04x}.")
            operation, argument = OPCODES[code]
            operation(self, argument)
        if len(self._stack) != 1 or self._marks:
            raise invalid_pickle("The pickle does not end with exactly one value.")
        return self._stack[0]

    def spend(self, count: int) -> None:
        """Count steps of work."""
        self._reader.spend(count)

    def make_dict(self, pairs: list) -> dict:
        """Return the dictionary of a list of pairs."""
        self.spend(len(pairs))
        result: dict = {}
        for pair in pairs:
            if type(pair) not in (list, tuple) or len(pair) != 2:
                raise invalid_pickle("The pickle makes a dictionary of something else than pairs.")
            set_entry(result, *pair)
        return result

    def _unpack(self, layout: str) -> Any:
        return struct.unpack(layout, self._reader.take(struct.calcsize(layout)))[0]

    def _pop(self) -> Any:
        self._top(object)
        return self._stack.pop()

    def _pop_marked(self) -> list:
        if not self._marks:
            raise invalid_pickle("The pickle ends a group that it did not begin.")
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _top(self, kind: type | UnionType) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise invalid_pickle("The pickle takes more values than it made.")
        if not isinstance(self._stack[-1], kind):
            raise invalid_pickle(
                f"The pickle changes {describe_value(self._stack[-1])} as if it were another thing."
            )
        return self._stack[-1]

    # The operations of the opcodes, each with its argument from OPCODES. Python's `pickletools`
    # documents the opcodes.

    def _protocol(self, _: None) -> None:
        version = self._unpack("<B")
        if not 2 <= version <= 5:
            raise invalid_pickle(f"The pickle has protocol {version}.")

    def _frame(self, _: None) -> None:
        self._reader.take(8)  # the frame's length is not used: nothing is read ahead

    def _constant(self, value: Any) -> None:
        self._stack.append(value)

    def _empty(self, kind: Callable[[], Any]) -> None:
        self._stack.append(kind())

    def _number(self, layout: str) -> None:
        self._stack.append(self._unpack(layout))

    def _long(self, _: None) -> None:
        count = self._unpack("<B")
        if count > MAX_LONG:  # such as the state of a random number generator
            self._reader.take(count)
            self._stack.append(UnknownObject("builtins.int"))
            return
        self._stack.append(int.from_bytes(self._reader.take(count), "little", signed=True))

    def _text(self, argument: tuple[str, str | None]) -> None:
        """Push a string, or the position in the file of a long one.

        `argument` is the layout of its length, and its encoding if it is text.
        """
        layout, encoding = argument
        length = self._unpack(layout)
        if length > MAX_TEXT:
            offset = self._reader.skip(length)
            self._stack.append(LongString(offset, length, encoding == "utf-8"))
            return
        if length < 0:
            raise invalid_pickle("The pickle has a string of negative length.")
        content = self._reader.take(length)
        self._stack.append(decode_text(content, encoding) if encoding else content)

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
        target = self._top(list | UnknownObject)
        if type(target) is list:
            target.extend(values)

    def _add_items(self, _: None) -> None:
        self._pop_marked()  # of a set, which is not made: nothing is hashed

    def _set_item(self, _: None) -> None:
        value, key = self._pop(), self._pop()
        set_entry(self._entries(), key, value)

    def _set_items(self, _: None) -> None:
        values = self._pop_marked()
        target = self._entries()
        if len(values) % 2:
            raise invalid_pickle("The pickle has a key without a value.")
        for key, value in zip(values[::2], values[1::2], strict=True):
            set_entry(target, key, value)

    def _entries(self) -> dict:
        target = self._top(dict | UnknownObject)
        return target.entries if type(target) is UnknownObject else target

    def _put(self, layout: str | None) -> None:
        index = self._unpack(layout) if layout else len(self._memo)
        if index >= MAX_MEMO:
            raise invalid_pickle(f"The pickle stores a value under the number {index}.")
        self._memo[index] = self._top(object)

    def _get(self, layout: str) -> None:
        index = self._unpack(layout)
        if index not in self._memo:
            raise invalid_pickle(f"The pickle asks for the unknown value {index}.")
        self._stack.append(self._memo[index])

    def _global(self, _: None) -> None:
        self._name(self._line(), self._line())

    def _stack_global(self, _: None) -> None:
        name, module = (checked(self._pop(), str, "a name, a text") for _ in range(2))
        self._name(module, name)

    def _name(self, module: str, name: str) -> None:
        known = self._vocabulary.names
        if is_harmful(module, name):
            raise invalid_pickle(
                f"The pickle asks for {quoted(f'{module}.{name}')}.", remedy=self._vocabulary.remedy
            )
        self._stack.append(known.get((module, name), UnknownName(f"{module}.{name}")))

    def _line(self) -> str:
        line = bytearray()
        while (byte := self._reader.take(1)) != b"\n":
            line += byte
            if len(line) > MAX_NAME:
                raise invalid_pickle(f"The pickle has a name of more than {MAX_NAME} characters.")
        return decode_text(bytes(line), "utf-8")

    def _call_by_name(self, _: None) -> None:
        self._pop()  # keyword arguments, which no known function takes
        self._call(None)

    def _call(self, _: None) -> None:
        arguments, function = self._pop(), self._pop()
        if type(function) is UnknownName:
            self._stack.append(UnknownObject(function.name))
            return
        if type(function) is not Function or type(arguments) is not tuple:
            raise invalid_pickle(f"The pickle calls {describe_value(function)}.")
        self._stack.append(function.call(self, arguments))

    def _build(self, _: None) -> None:
        state = self._pop()
        if type(self._top(object)) is not dict:  # whose state is the versions of its layers
            self._top(Stateful).set_state(state)

    def _persistent(self, _: None) -> None:
        if self._vocabulary.persistent is None:
            raise invalid_pickle("The pickle refers to an object outside of it.")
        self._stack.append(self._vocabulary.persistent(self._pop()))


STOP = ord(".")
# Protocols 2 to 5, except opcodes that state dicts and arrays never need: OBJ, INST, EXT, POP, DUP.
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
    0x8F: (Machine._empty, lambda: UnknownObject("builtins.set")),
    0x90: (Machine._add_items, None),
    0x91: (Machine._marked, lambda _: UnknownObject("builtins.frozenset")),
    ord("b"): (Machine._build, None),
    ord("Q"): (Machine._persistent, None),
}
