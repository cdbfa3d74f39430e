"""The fields of protocol buffers in a file: which lies where, by its number and wire type.

The encoding: https://protobuf.dev/programming-guides/encoding
"""

from typing import NamedTuple

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.files import CheckpointFile

MAX_FIELDS = 100_000  # in a whole file, those in messages not entered aside; AlexNet has about 200
MAX_VARINT = 10  # bytes of 64 bits, 7 in each
LAST_NUMBER = (1 << 29) - 1  # of a field
WINDOW = 4096  # bytes read at a time
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # wire types; 3 and 4 are groups, 6 and 7 nothing
FIXED = {FIXED64: 8, FIXED32: 4}


class Field(NamedTuple):
    """A field of a message.

    Args:
        number: Its number, which stands for its name.
        wire: Its wire type.
        start: Byte of the file where its content begins.
        stop: Byte after its content.
        value: The number that a varint is; 0 in other fields.
    """

    number: int
    wire: int
    start: int
    stop: int
    value: int


class Walk:
    """Reads fields in a file, wherever asked, and counts them.

    Args:
        file: The open file.
    """

    def __init__(self, file: CheckpointFile):
        self.file = file
        self._left = MAX_FIELDS
        self._window, self._start = b"", 0

    def field(self, position: int, stop: int) -> Field:
        """Return the field at `position` of a message that ends at `stop`.

        Raises:
            CheckpointError: If it does not end there, or is of a kind that networks do not have.
        """
        self._left -= 1
        if self._left < 0:
            raise CheckpointError(
                f"The file has more than {MAX_FIELDS} fields.",
                "A network's weights were expected, each array in a few fields.",
            )
        tag, start = self.varint(position, stop)
        number, wire = tag >> 3, tag & 7
        if not 1 <= number <= LAST_NUMBER:
            raise damaged(position, f"has the number {number}", f"1 to {LAST_NUMBER} was")
        if wire == VARINT:
            value, end = self.varint(start, stop)
            return Field(number, wire, start, end, value)
        if wire == LENGTH:
            length, start = self.varint(start, stop)
        elif wire in FIXED:
            length = FIXED[wire]
        else:
            raise damaged(position, f"has the wire type {wire}", "0, 1, 2 or 5 was")
        if length > stop - start:
            raise damaged(
                position,
                f"has {length} bytes, and what it is part of ends after {stop - start}",
                "All of it was",
            )
        return Field(number, wire, start, start + length, 0)

    def varint(self, position: int, stop: int) -> tuple[int, int]:
        """Return a number of 7 bits in each byte, and the position after it."""
        value = 0
        for count, place in enumerate(range(position, min(position + MAX_VARINT, stop))):
            byte = self._byte(place)
            value |= (byte & 0x7F) << (7 * count)
            if byte < 0x80:
                if value >> 64:
                    break
                return value, place + 1
        if stop - position < MAX_VARINT:
            raise damaged(position, "is cut in the middle of a number", "All of it was")
        raise damaged(position, "has a number of more than 64 bits", "At most 64 bits were")

    def _byte(self, position: int) -> int:
        if not 0 <= position - self._start < len(self._window):
            self._window = self.file.pread(position, min(WINDOW, self.file.size - position))
            self._start = position
        return self._window[position - self._start]


def damaged(position: int, wrong: str, expected: str) -> CheckpointError:
    """Return the error for a field that is not as it must be."""
    return CheckpointError(f"The field at byte {position} {wrong}.", f"{expected} expected.")
