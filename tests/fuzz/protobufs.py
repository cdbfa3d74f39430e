"""Damage to protocol buffers, field by field, with the lengths around them right or wrong."""

import copy
import functools

from fuzz import blind
from protobuf_writer import FIXED32, FIXED64, LENGTH, VARINT, tag, varint

WIDTHS = {FIXED64: 8, FIXED32: 4}
DEPTH = 6
NUMBERS = (*range(1, 16), 100, 0, (1 << 29) - 1, 1 << 29)


def long_varint(value, more):
    """Return a whole number with so many groups of seven zero bits at its end: as good, but odd."""
    content = bytearray(varint(value))
    for _ in range(more):
        content[-1] |= 0x80
        content.append(0)
    return bytes(content)


def _number(content, position):
    value = shift = 0
    while True:
        byte = content[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


@functools.lru_cache(256)
def parsed(content, depth=DEPTH):
    """Return the fields of a message as (number, wire type, value); or nothing, if it is none."""
    fields, position = [], 0
    try:
        while position < len(content):
            tag, position = _number(content, position)
            number, wire = tag >> 3, tag & 7
            if not 1 <= number <= 200 or wire not in (VARINT, LENGTH, *WIDTHS):
                return ()
            if wire == VARINT:
                value, position = _number(content, position)
            else:
                length = WIDTHS.get(wire)
                if length is None:
                    length, position = _number(content, position)
                value, position = content[position : position + length], position + length
                if position > len(content):
                    return ()
                value = parsed(value, depth - 1) or value if wire == LENGTH and depth else value
            fields.append((number, wire, value))
    except IndexError:
        return ()
    return tuple(fields)


def _message(fields):
    """Return fields as lists that can be changed."""
    return [
        [number, wire, _message(value) if type(value) is tuple else value]
        for number, wire, value in fields
    ]


def _places(message):
    for i, entry in enumerate(message):
        yield message, i
        if type(entry) is list and type(entry[2]) is list:
            yield from _places(entry[2])


def encoded(message):
    """Return a message; bytes among its fields stand for themselves."""
    return b"".join(entry if type(entry) is bytes else _field(*entry) for entry in message)


def _field(number, wire, value):
    content = _content(value)
    return tag(number, wire) + (varint(len(content)) if wire == LENGTH else b"") + content


def _content(value):
    """Return what a field holds: a whole number, bytes, or a message's fields."""
    if type(value) is int:
        return varint(value)
    return encoded(value) if type(value) is list else value


def _lie(rng, number, wire, value):
    """Return a field whose length is not that of what it holds, or is written in a strange way."""
    content = _content(value)
    if wire != LENGTH:
        return long_varint(number << 3 | wire, rng.randrange(12)) + content
    length = rng.choice((len(content) + 1, max(len(content) - 1, 0), blind.integer(rng)))
    return tag(number, LENGTH) + long_varint(length, rng.choice((0, 0, 9))) + content


def _pieces(rng, number, value):
    """Return the same elements, in several fields."""
    width = rng.choice((4, 4, 8))
    parts = [value[i : i + width] for i in range(0, len(value), width)]
    if rng.random() < 0.5:
        half = rng.randrange(len(parts) + 1)
        return [[number, LENGTH, b"".join(part)] for part in (parts[:half], parts[half:])]
    return [[number, FIXED32 if width == 4 else FIXED64, part] for part in parts]


def _change(rng, message, i, places):
    """Change a field that is no longer to be trusted."""
    number, _, value = message[i]
    way = rng.randrange(9)
    if way == 0:
        del message[i]
    elif way == 1:
        message[i:i] = [message[i]] * rng.choice((1, 1, 1, 300))
    elif way == 2:
        other, k = rng.choice(places)
        if k < len(other):
            other[k], message[i] = copy.deepcopy(message[i]), copy.deepcopy(other[k])
    elif way == 3:
        message[i][0] = rng.choice(NUMBERS)
    elif way == 4:
        message[i] = _lie(rng, *message[i])
    elif way == 5 and type(value) is bytes:
        message[i : i + 1] = _pieces(rng, number, value)
    elif way == 6:
        message[i] = tag(number, rng.randrange(8)) + _content(value)
    elif type(value) is int:
        message[i][2] = blind.integer(rng) if rng.random() < 0.7 else rng.randrange(20)
    elif type(value) is bytes:
        message[i][2] = blind.damaged(rng, value, value or b"conv1")
    else:
        value.append([rng.choice(NUMBERS), VARINT, blind.integer(rng)])


def damaged(rng, content, other):
    """Return a file with changes to its fields."""
    message = _message(parsed(content))
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = [(inside, i) for inside, i in _places(message) if type(inside[i]) is list]
        if places:
            weights = [1 if type(inside[i][2]) is list else 2 for inside, i in places]
            _change(rng, *rng.choices(places, weights)[0], places)
    return encoded(message)[: blind.LONGEST]
