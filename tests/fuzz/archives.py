"""Damage to zip archives: to what is in them, with its checksums mended, and to their records."""

import functools
import io
import struct
import zipfile
import zlib
from typing import NamedTuple

from fuzz import arrays, blind, hdf5, pickles, tables

# The records of an archive: how each is packed, and its numbers. One letter, one number: "4H" would
# hide the widths.
LOCAL = "<4sHHHHHLLLHH", "sign need flags method time date crc packed size names extras"
ENTRY = (
    "<4sHHHHHHLLLHHHHHLL",
    "sign made need flags method time date crc packed size names extras comments disk inner outer "
    "place",
)
END = "<4sHHHHLLH", "sign disk first here count length start comments"
END64 = "<4sQHHLLQQQQ", "sign rest made need disk first here count length start"
LOCATOR = "<4sLQL", "sign disk place disks"
INSIDE = {".pkl": pickles.damaged, ".npy": arrays.damaged, ".h5": hdf5.damaged, "json": tables.text}
NAMES = (
    *(b"", b"archive/data.pkl", b"archive/data/0", b"archive/data/../0", b"/etc/passwd", b"\xff"),
    *(b"a\0b", b"archive/constants.pkl", b"b.npy", b"model.weights.h5", b"a/", b"n" * 3000),
)
EXTRA64 = 0x0001
BOMBS = (20 << 20, 70 << 20)  # bytes, below and beyond what is still read


@functools.lru_cache(64)
def members(content):
    """Return the members of a whole archive as (name, content, method)."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return tuple(
            (info.filename.encode(), archive.read(info), info.compress_type)
            for info in archive.infolist()
        )


def record(form, **values):
    """Return a record as a dictionary that can be changed; what is not given is zero."""
    layout, names = form
    return {"": layout} | dict.fromkeys(names.split(), 0) | values


def packed(fields):
    """Return the bytes of a record; numbers that are too large are cut."""
    layout, sign, *numbers = fields.values()
    widths = [struct.calcsize("<" + letter) for letter in layout.removeprefix("<4s")]
    cut = [number & ((1 << 8 * width) - 1) for number, width in zip(numbers, widths, strict=True)]
    return struct.pack(layout, sign, *cut)


class Bomb(NamedTuple):
    """A member that is all zeros behind a few bytes, as it is in an archive."""

    stored: bytes
    crc: int
    size: int


@functools.cache
def bombs():
    """Return members that look like large arrays, and take a thousandth of their size."""
    return tuple(map(_bomb, BOMBS))


def _bomb(size):
    header = arrays.header("<f4", (size // 4,))
    squeezed, stored, crc = zlib.compressobj(9, wbits=-15), b"", 0
    for block in (header, *[bytes(1 << 20)] * (size >> 20)):
        stored += squeezed.compress(block)
        crc = zlib.crc32(block, crc)
    return Bomb(stored + squeezed.flush(), crc, len(header) + size)


def _rearranged(rng, parts, other):
    """Return the members with one of them changed: what is in it, or which they are."""
    parts = list(parts)
    i = rng.randrange(len(parts))
    name, content, method = parts[i]
    way = rng.randrange(12)
    if way == 0:
        del parts[i]
    elif way == 1:
        parts.insert(rng.randrange(len(parts)), parts[i])
    elif way == 2:
        parts[i] = (rng.choice((*NAMES, blind.damaged(rng, name, b"data"))), content, method)
    elif way == 3:
        k = rng.randrange(len(parts))
        parts[i], parts[k] = (name, *parts[k][1:]), (parts[k][0], content, method)
    elif way == 4:
        parts[i] = (name, content, 8 - method)
    elif way == 5:
        parts[i] = (name, rng.choice((b"big", b"", bytes(1 << 16), *bombs())), method)
    else:
        ending = next((end for end in INSIDE if name.decode("latin-1").endswith(end)), None)
        inside = INSIDE.get(ending, blind.damaged)
        lent = next((c for n, c, _ in members(other) if n.endswith(name[-4:])), content)
        if type(content) is bytes:
            parts[i] = (name, inside(rng, content, lent), method)
    return parts


def records(parts, large):
    """Return the records of an archive in order, and the bytes between them; CRCs are right."""
    front, directory, position = [], [], 0
    for name, content, method in parts:
        if type(content) is bytes:
            stored = zlib.compress(content, wbits=-15) if method else content
            content = Bomb(stored, zlib.crc32(content), len(content))
        elif not method:
            method = zipfile.ZIP_DEFLATED
        stored, crc, size = content
        common = {"method": method, "crc": crc, "packed": len(stored), "size": size}
        common |= {"names": len(name)}
        local = record(LOCAL, sign=b"PK\x03\x04", **common)
        entry = record(ENTRY, sign=b"PK\x01\x02", place=position, **common)
        front += [local, name, stored]
        position += 30 + len(name) + len(stored)
        extra = b""
        if large:
            extra = struct.pack("<2H3Q", EXTRA64, 24, size, len(stored), entry["place"])
            entry |= dict.fromkeys(("packed", "size", "place"), 0xFFFFFFFF)
        entry["extras"] = len(extra)
        directory += [entry, name, extra]
    length = sum(46 if type(part) is dict else len(part) for part in directory)
    counts = {"here": len(parts), "count": len(parts), "length": length, "start": position}
    tail = []
    if large:
        tail.append(record(END64, sign=b"PK\x06\x06", rest=44, **counts))
        tail.append(record(LOCATOR, sign=b"PK\x06\x07", place=position + length, disks=1))
        counts = {"here": 0xFFFF, "count": 0xFFFF, "length": 0xFFFFFFFF, "start": 0xFFFFFFFF}
    tail.append(record(END, sign=b"PK\x05\x06", **counts))
    return front + directory + tail


def _lie(rng, written):
    """Put a wrong number into one of the records, or the one of another."""
    known = [part for part in written if type(part) is dict]
    chosen = rng.choice(known)
    field = rng.choice([name for name in chosen if name not in ("", "sign")])
    others = [part[field] for part in known if field in part]
    near = max(chosen[field] + rng.choice((-30, -1, 1, 30)), 0)
    chosen[field] = rng.choice((blind.integer(rng), rng.choice(others), near, near))


def damaged(rng, content, other):
    """Return an archive that was written anew, with changes."""
    parts = members(content)
    for _ in range(rng.choice((0, 1, 1, 1, 1, 2))):
        parts = _rearranged(rng, parts, other) or parts
    written = records(parts, large=rng.random() < 0.2)
    if rng.random() < 0.1:
        for part in written:
            if type(part) is dict and "crc" in part:
                part["crc"] = 0
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
        _lie(rng, written)
    return b"".join(packed(part) if type(part) is dict else part for part in written)
