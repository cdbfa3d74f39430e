"""Damage to HDF5 files: to the numbers of their structures, whose checksums nobody looks at."""

import functools
import re

from fuzz import blind

SIGNATURE = re.compile(
    rb"\x89HDF\r\n\x1a\n|TREE|SNOD|HEAP|OHDR|OCHK|FRHP|FHDB|FHIB|BTHD|BTLF|\x01\0.\0\x01\0\0\0",
    re.S,
)
NEAR = 200  # bytes after a signature in which most of a structure lies
NOWHERE = (1 << 64) - 1
ENDS = {0: 40, 1: 44, 2: 28, 3: 28}  # where the superblock of each version has the file's end


@functools.lru_cache(64)
def places(content):
    """Return the bytes that are near a structure, and the words that may be addresses."""
    found = [match.start() for match in SIGNATURE.finditer(content)]
    near = {i for place in found for i in range(place, min(place + NEAR, len(content)))}
    addresses = [i for i in range(0, len(content) - 8, 8) if 0 < _word(content, i) < len(content)]
    return tuple(sorted(near)), tuple(addresses)


def _word(content, place):
    return int.from_bytes(content[place : place + 8], "little")


def _value(rng, content, addresses):
    """Return a number of 64 bits: an address of this file, one near it, or an extreme."""
    address = _word(content, rng.choice(addresses))
    near = address + rng.choice((-8, -1, 1, 4, 8, 16))
    return rng.choice((address, address, near, rng.choice(addresses), NOWHERE, blind.integer(rng)))


def _change(rng, changed, content):
    near, addresses = places(content)
    way = rng.randrange(6)
    if way == 0:
        place = rng.choice(addresses)
        value = _value(rng, content, addresses) & NOWHERE
        changed[place : place + 8] = value.to_bytes(8, "little")
        return
    place = rng.choice(near) if way < 5 else rng.randrange(len(changed))
    width = rng.choice((1, 1, 1, 2, 4, 8))
    place = min(place - place % width, len(changed) - width)
    old = int.from_bytes(changed[place : place + width], "little")
    step = rng.choice((-1, 1, 8, 1 << rng.randrange(8 * width)))
    value = rng.choice((old + step, old ^ 1 << rng.randrange(8), blind.integer(rng, width)))
    changed[place : place + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")


def damaged(rng, content, other):
    """Return a file with changes to its structures."""
    if not all(places(content)):  # something else was put in its place
        return blind.damaged(rng, content, other)
    if rng.random() < 0.1:
        moved = blind.damaged(rng, content, other)
        end = ENDS.get(moved[8], 40) if len(moved) > 100 else 0
        return moved[:end] + len(moved).to_bytes(8, "little") + moved[end + 8 :] if end else moved
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _change(rng, changed, content)
    return bytes(changed)
