"""Damage to tar archives: to what is in them, and to their headers, with checksums mended."""

import functools

from fuzz import blind, pickles

BLOCK = 512
# name, mode, size, time, checksum, type, link, magic, version, user, prefix: first byte, bytes
FIELDS = ((0, 100), (100, 8), (124, 12), (136, 12), (148, 8), (156, 1), (157, 100), (257, 6),
          (263, 2), (265, 32), (345, 155))  # fmt: skip
CHECKSUM = slice(148, 156)
VALUES = (b"", b"pickle", b"tensors", b"storages", b"sys_info", b"../a", b"/etc/passwd", b"L", b"x",
          b"0", b"2", b"5", b"S", b"g", b"77777777777", b"00000000000", b"00000001000", b"-1", b"9",
          b"\x80" + bytes(11), b"\xff" * 12, b"00000000001 ")  # fmt: skip


@functools.lru_cache(64)
def members(content):
    """Return the members of a whole archive as (header, content)."""
    found, position = [], 0
    while any(header := content[position : position + BLOCK]):
        size = int(header[124:135], 8)
        begin = position + BLOCK
        found.append((header, content[begin : begin + size]))
        position = begin + -(-size // BLOCK) * BLOCK
    return tuple(found)


def _summed(header):
    """Return a header with its checksum."""
    changed = bytearray(header)
    changed[CHECKSUM] = b" " * 8
    changed[CHECKSUM] = b"%06o\0 " % sum(changed)
    return bytes(changed)


def _header(rng, header):
    start, length = rng.choice(FIELDS)
    value = rng.choice((*VALUES, blind.damaged(rng, header[start : start + length], b"0"))).ljust(
        length, b"\0"
    )
    return header[:start] + value[:length] + header[start + length :]


def _member(rng, header, content, other):
    """Return a member with a change to its header or its content, the size mended."""
    if rng.random() < 0.35:
        changed = _header(rng, header)
        return (_summed(changed) if rng.random() < 0.9 else changed), content
    damage = pickles.damaged if rng.random() < 0.7 else blind.damaged
    content = damage(rng, content, other)
    return _summed(header[:124] + b"%011o\0" % len(content) + header[136:]), content


def damaged(rng, content, other):
    """Return an archive that was written anew, with changes."""
    parts = list(members(content))
    for _ in range(rng.choice((1, 1, 1, 2))):
        i, k = rng.randrange(len(parts)), rng.randrange(len(parts))
        way = rng.randrange(12)
        if way == 0 and len(parts) > 1:
            del parts[i]
        elif way == 1:
            parts.insert(i, parts[k])
        elif way == 2:
            parts[i], parts[k] = parts[k], parts[i]
        else:
            parts[i] = _member(rng, *parts[i], other)
    written = b"".join(
        header + content + bytes(-len(content) % BLOCK) for header, content in parts
    ) + bytes(2 * BLOCK)
    return written + bytes(-len(written) % (20 * BLOCK)) * (rng.random() < 0.9)
