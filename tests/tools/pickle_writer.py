"""Writes pickles opcode by opcode, so that they can say what Python's own pickler never would."""

import struct
from typing import NamedTuple


class Named(NamedTuple):
    """A name that a pickle asks for."""

    module: str
    name: str


class Called(NamedTuple):
    """A call, and a state for what it returns."""

    function: object
    arguments: object
    state: object = None


class Persistent(NamedTuple):
    """A reference to something outside of the pickle."""

    identity: object


class Raw(bytes):
    """Opcodes as they are."""


class Text2(bytes):
    """A string of Python 2."""


class Long(int):
    """A long integer of Python 2."""


def pickled(value, protocol=2):
    """Return the pickle of a value."""
    return bytes([0x80, protocol]) + opcodes(value) + b"."


def opcodes(value):
    """Return the opcodes that push a value."""
    kinds = [kind for kind in WRITERS if isinstance(value, kind)]
    return WRITERS[kinds[0]](value)


def _joined(values):
    return b"".join(map(opcodes, values))


def _number(value):
    if -(1 << 31) <= value < 1 << 31:
        return struct.pack("<ci", b"J", value)
    return _long(value)


def _long(value):
    content = int(value).to_bytes((int(value).bit_length() + 8) // 8, "little", signed=True)
    return bytes([0x8A, len(content)]) + content


def _text2(value):
    if len(value) < 256:
        return b"U" + bytes([len(value)]) + value
    return struct.pack("<ci", b"T", len(value)) + value


def _text(value):
    content = value.encode()
    return struct.pack("<cI", b"X", len(content)) + content


def _called(value):
    state = b"" if value.state is None else opcodes(value.state) + b"b"
    return opcodes(value.function) + opcodes(value.arguments) + b"R" + state


WRITERS = {  # the first that fits
    Raw: bytes,
    Text2: _text2,
    Long: _long,
    Named: lambda value: f"c{value.module}\n{value.name}\n".encode(),
    Called: _called,
    Persistent: lambda value: opcodes(value.identity) + b"Q",
    type(None): lambda value: b"N",
    bool: lambda value: b"\x88" if value else b"\x89",
    int: _number,
    float: lambda value: struct.pack(">cd", b"G", value),
    str: _text,
    bytes: lambda value: struct.pack("<cI", b"B", len(value)) + value,
    tuple: lambda value: b"(" + _joined(value) + b"t",
    list: lambda value: b"](" + _joined(value) + b"e",
    dict: lambda value: b"}(" + b"".join(map(_joined, value.items())) + b"u",
}
