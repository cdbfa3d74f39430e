"""Damage to .npy files: to the header, in words that NumPy might have written, and behind it."""

import re

from fuzz import blind, pickles

NUMBER = re.compile(rb"\d+L?")
TYPES = tuple(
    (order + kind).encode()
    for order in ("<", ">", "|", "=", "")
    for kind in ("f4", "f8", "f2", "i8", "u1", "u2", "O", "V0", "V4", "U1", "S4", "c8", "b1", "f16")
)
SIZES = (b"0", b"1", b"2", b"3", b"6", b"-1", b"True", b"2.0", b"6L", b"1099511627776", b"9" * 19,
         b"9" * 30, b"0, 4611686018427387904", b"1, 1, 1, 1, 1, 1, 1, 6", b"")  # fmt: skip
PLACES = {b"\1\0": 10, b"\2\0": 12, b"\3\0": 12}  # where headers of each version begin


def header(descr, shape):
    """Return all that stands in front of an array's numbers."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text


def _header(rng, header, other):
    """Return a header with one change."""
    way = rng.randrange(6)
    if way == 0:
        return re.sub(rb"'descr': '[^']*'", b"'descr': '" + rng.choice(TYPES) + b"'", header)
    if way == 1:
        return header.replace(*rng.choice(((b"False", b"True"), (b"True", b"False"))))
    if way == 2:
        return blind.damaged(rng, header, other)
    if way == 3:
        return header.rstrip(b" \n") + rng.choice((b"", b"\n", b" " * 20_000, b"\0", b"()"))
    found = list(NUMBER.finditer(header, header.find(b"shape")))
    if not found:
        return header.replace(b"()", b"(" + rng.choice(SIZES) + b")")
    chosen = rng.choice(found)
    return header[: chosen.start()] + rng.choice(SIZES) + header[chosen.end() :]


def damaged(rng, content, other):
    """Return a .npy file with changes to its header, its numbers, or its pickle."""
    start = PLACES.get(content[6:8], 10)
    length = int.from_bytes(content[8:start], "little")
    version = content[6:8]
    header, numbers = content[start : start + length], content[start + length :]
    if pickles.segments(numbers) and rng.random() < 0.8:
        numbers = pickles.damaged(rng, numbers, other)
    elif rng.random() < 0.8:
        header = _header(rng, header, other)
    if rng.random() < 0.2:
        numbers = blind.damaged(rng, numbers, other)
    if rng.random() < 0.1:
        version = rng.choice((*PLACES, b"\4\0", b"\1\1"))
    length = len(header) if rng.random() < 0.9 else blind.integer(rng, 4)
    width = 2 if version == b"\1\0" else 4
    counted = (length & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    return content[:6] + version + counted + header + numbers
