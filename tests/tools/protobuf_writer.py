"""Writes protocol buffers field by field, so that they can say what no library would write."""

import numpy as np

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


def varint(value):
    """Return a whole number with 7 bits in each byte; a negative one as its 64 bits."""
    value &= (1 << 64) - 1
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*content, value])


def tag(number, wire):
    """Return what stands in front of a field."""
    return varint(number << 3 | wire)


def field(number, value):
    """Return a field: a whole number, a NumPy number of fixed size, or a text or message."""
    if isinstance(value, np.floating):
        wire = {4: FIXED32, 8: FIXED64}[value.itemsize]
        return tag(number, wire) + value.tobytes()
    if isinstance(value, int):
        return tag(number, VARINT) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return tag(number, LENGTH) + varint(len(content)) + content


def fields(number, values):
    """Return a repeated field, each value in a field of its own."""
    return b"".join(field(number, value) for value in values)


def packed(number, values):
    """Return a repeated field of whole numbers in one piece."""
    return field(number, b"".join(map(varint, values)))


def in_pieces(number, content, size):
    """Return a packed field in several pieces, as a writer may who adds to a message."""
    return fields(number, [content[i : i + size] for i in range(0, len(content), size)])
