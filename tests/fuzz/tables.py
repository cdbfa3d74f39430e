"""Damage to JSON: to the table of a safetensors file, and to a text alone."""

import copy
import json

from fuzz import blind

VALUES = (
    *(-1, 0, 1, 7, 255, 1 << 31, 1 << 62, 1 << 64, 1.5, 1e308, 10**4000),
    *(True, None, "", "F32", "BF16", "F8_E4M3", "I64", "U8", "\ud800", "\x1b[2J", "a" * 3000),
    *([], {}, [0, 0], [0, 24], [2, 3], [1 << 40, 1 << 40], [0] * 9, {"a": "b"}),
)
TEXTS = (
    b"NaN",
    b"-Infinity",
    b"1" * 5000,
    b"[" * 50_000,
    b'{"a":' * 5000,
    b'"\\ud800"',
    b"\0",
    b" ",
)


def _places(value):
    """Give (container, key) of everything that is inside of a value."""
    keys = list(value) if type(value) is dict else range(len(value))
    for key in keys:
        yield value, key
        if type(value[key]) in (dict, list):
            yield from _places(value[key])


def _change(rng, table):
    places = list(_places(table))
    if not places:
        return
    container, key = rng.choice(places)
    way = rng.randrange(6)
    if way == 0:
        del container[key]
    elif way == 1 and type(container) is dict:
        container[rng.choice(("", "a", "dtype", "shape", "data_offsets", "__metadata__"))] = (
            container.pop(key)
        )
    elif way == 2:
        other, place = rng.choice(places)
        value = copy.deepcopy(container[key])
        container[key] = copy.deepcopy(other[place])
        other[place] = value
    elif way == 3 and type(container[key]) is int:
        container[key] = max(container[key] + rng.choice((-4, -1, 1, 4)), 0)
    else:
        container[key] = copy.deepcopy(rng.choice(VALUES))  # which may be changed next


def text(rng, content, other):
    """Return a text in JSON with changes to its values, or to its letters."""
    try:
        table = json.loads(content)
    except (ValueError, RecursionError):  # something else was put in its place
        return blind.damaged(rng, content, other)
    for _ in range(rng.choice((1, 1, 2, 3))):
        _change(rng, table)
    written = json.dumps(table).encode()
    if rng.random() < 0.2:
        place = rng.randrange(len(written) + 1)
        written = written[:place] + rng.choice(TEXTS) + written[place:]
    if rng.random() < 0.1:
        written = blind.damaged(rng, written, other)
    if rng.random() < 0.1:  # all names twice
        written = b"{" + written.strip()[1:-1] + b"," + written.strip()[1:]
    return written


def damaged(rng, content, other):
    """Return a safetensors file with changes to its table, whose length is right or wrong."""
    length = int.from_bytes(content[:8], "little")
    table, numbers = content[8 : 8 + length], content[8 + length :]
    if rng.random() < 0.9:
        table = text(rng, table, other)
    if rng.random() < 0.2:
        numbers = blind.damaged(rng, numbers, other)
    length = len(table)
    if rng.random() < 0.15:
        length = rng.choice((length + 1, length - 1, length + len(numbers), blind.integer(rng)))
    return length.to_bytes(8, "little") + table + numbers
