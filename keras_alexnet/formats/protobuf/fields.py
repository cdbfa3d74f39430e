"""The fields of protocol buffers in a file: number, wire type and position of each.

The encoding: https://protobuf.dev/programming-guides/encoding
"""

from typing import NamedTuple

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.files import CheckpointFile

MAX_FIELDS = 100_000  # in the messages of a file that are read; an AlexNet has about 200
MAX_VARINT = 10  # bytes of 64 bits, 7 in each
LAST_NUMBER = (1 << 29) - 1  # of a field
WINDOW = 4096  # bytes read at a time
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # wire types; 3 and 4 are groups, 6 and 7 unused
FIXED = {FIXED64: 8, FIXED32: 4}


class Field(NamedTuple):
    """A field of a message.

    Args:
        number: Its number, which identifies it.
        wire: Its wire type.
        start: Byte of the file where its content begins.
        stop: Byte after its content.
        value: The value of a varint; 0 for other wire types.
    """

    number: int
    wire: int
    start: int
    stop: int
    value: int

    @property
    def size(self) -> int:
        """Number of bytes of its content."""
        return self.stop - self.start


class FieldReader:
    """Reads and counts fields anywhere in a file.

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
            CheckpointError: If the field goes on after `stop`, or its number or wire type is
                invalid, or the file has too many fields.
        """
        self._left -= 1
        if self._left < 0:
            raise CheckpointError(
                f"The file has more than {MAX_FIELDS} fields.",
                f"A file with the weights of a network must have at most {MAX_FIELDS} fields.",
                "Load a file that holds nothing but the weights.",
            )
        tag, start = self.varint(position, stop)
        number, wire = tag >> 3, tag & 7
        if not 1 <= number <= LAST_NUMBER:
            raise CheckpointError(
                f"The field at byte {position} has the number {number}.",
                f"The number of a field must be 1 to {LAST_NUMBER}.",
            )
        if wire == VARINT:
            value, end = self.varint(start, stop)
            return Field(number, wire, start, end, value)
        if wire == LENGTH:
            length, start = self.varint(start, stop)
        elif wire in FIXED:
            length = FIXED[wire]
        else:
            raise CheckpointError(
                f"The field at byte {position} has the wire type {wire}.",
                "The wire type must be 0, 1, 2 or 5.",
            )
        if length > stop - start:
            raise CheckpointError(
                f"The field at byte {position} has {length} bytes, and its message ends after "
                f"{stop - start}.",
                "Every field must end inside its message.",
            )
        return Field(number, wire, start, start + length, 0)

    def varint(self, position: int, stop: int) -> tuple[int, int]:
        """Return the number at `position`, which has 7 bits in each byte, and the byte after it."""
        value = 0
        for count, i in enumerate(range(position, min(position + MAX_VARINT, stop))):
            byte = self._byte(i)
            value |= (byte & 0x7F) << (7 * count)
            if byte < 0x80:
                if value >> 64:
                    break
                return value, i + 1
        if stop - position < MAX_VARINT:
            raise CheckpointError(
                f"The field at byte {position} is cut in the middle of a number.",
                "Every field must be complete.",
            )
        raise CheckpointError(
            f"The field at byte {position} has a number of more than 64 bits.",
            "A number must have at most 64 bits.",
        )

    def _byte(self, position: int) -> int:
        if not 0 <= position - self._start < len(self._window):
            self._window = self.file.pread(position, min(WINDOW, self.file.size - position))
            self._start = position
        return self._window[position - self._start]
