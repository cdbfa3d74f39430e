"""Damage that knows nothing of a format: bytes changed, and pieces taken out, put in and moved."""

import struct

# What counts and offsets are most often misread as: around zero, and around each width's ends.
EXTREMES = (
    *(0, 1, 2, 7, 8, 9, 255, 256, 1000),
    *((1 << bits) + step for bits in (7, 15, 16, 31, 32, 40, 62, 63, 64) for step in (-1, 0, 1)),
)
LAYOUTS = "BHIQ"
LONGEST = 1 << 16  # bytes of a mutant: a chunk doubled again and again stays small
ROOM = 1 << 9  # bytes of a piece that is moved


def integer(rng, width=8):
    """Return a number of so many bytes, most often one on which programs stumble."""
    number = rng.choice(EXTREMES) if rng.random() < 0.8 else rng.getrandbits(8 * width)
    return number & ((1 << 8 * width) - 1)


def piece(rng, content):
    """Return where a short piece of some bytes begins and ends."""
    start = rng.randrange(len(content))
    return start, min(len(content), start + 1 + int(ROOM ** rng.random()))


def flip(rng, content, _):
    """Change single bits."""
    changed = bytearray(content)
    for _ in range(1 << rng.randrange(4)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(rng, content, _):
    """Change bytes."""
    changed = bytearray(content)
    for _ in range(1 << rng.randrange(4)):
        changed[rng.randrange(len(changed))] = rng.choice(
            (0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256))
        )
    return bytes(changed)


def extreme(rng, content, _):
    """Put a number of 1 to 8 bytes, in either order, over what is there."""
    layout = rng.choice("<>") + rng.choice(LAYOUTS)
    packed = struct.pack(layout, integer(rng, struct.calcsize(layout)))
    place = rng.randrange(len(content))
    return content[:place] + packed + content[place + len(packed) :]


def delete(rng, content, _):
    """Take out a piece."""
    start, stop = piece(rng, content)
    return content[:start] + content[stop:]


def duplicate(rng, content, _):
    """Write a piece twice, or many times."""
    start, stop = piece(rng, content)
    return content[:stop] + content[start:stop] * rng.choice((1, 1, 2, 50)) + content[stop:]


def insert(rng, content, other):
    """Put in a piece of another file, or of nothing."""
    start, stop = piece(rng, other)
    place = rng.randrange(len(content) + 1)
    inserted = rng.choice((other[start:stop], bytes(stop - start), b"\xff" * (stop - start)))
    return content[:place] + inserted + content[place:]


def swap(rng, content, _):
    """Let two pieces change places."""
    a, b, c, d = sorted(rng.randrange(len(content) + 1) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def copy(rng, content, other):
    """Put a piece over what lies elsewhere."""
    start, stop = piece(rng, other)
    place = rng.randrange(len(content))
    return content[:place] + other[start:stop] + content[place + stop - start :]


def truncate(rng, content, _):
    """Cut the end off, or the beginning."""
    place = rng.randrange(len(content))
    return content[place:] if rng.random() < 0.1 else content[:place]


def splice(rng, content, other):
    """Go on with the end of another file."""
    return content[: rng.randrange(len(content))] + other[rng.randrange(len(other)) :]


def append(rng, content, other):
    """Put another file, or a part of it, behind or in front."""
    more = other[rng.choice((0, rng.randrange(len(other)))) :]
    return rng.choice((content + more, more + content))


WAYS = (flip, overwrite, extreme, delete, duplicate, insert, swap, copy, truncate, splice, append)


def damaged(rng, content, other):
    """Return a file with one damage, of any kind; `other` lends pieces."""
    if not content or not other:
        return content + other
    return rng.choice(WAYS)(rng, content, other)[:LONGEST]
