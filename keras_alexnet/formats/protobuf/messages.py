"""Messages of protocol buffers in a file: texts, numbers and arrays; arrays are left in place.

Nothing is generated from a description, and messages are entered only where a reader asks, so that
no nesting in a file makes a program nest.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_alexnet.formats.arrays import DecodedArray, FileArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.protobuf.fields import (
    FIXED,
    LENGTH,
    MAX_VARINT,
    VARINT,
    Field,
    Walk,
    damaged,
)
from keras_alexnet.formats.shapes import checked_shape

MAX_TEXT = 4096  # bytes
MAX_INTEGERS = 64  # of a repeated field: the sizes of an array, at most 32 in Caffe


class Message:
    """The fields of one message; of a field given several times, all.

    Args:
        walk: What reads them.
        start: Byte of the file where it begins.
        stop: Byte after it; the whole file by default.

    Raises:
        CheckpointError: If it is no whole message.

    Example:

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "message")
    >>> with open(path, "wb") as out:
    ...     _ = out.write(bytes([1 << 3 | LENGTH, 5]) + b"conv1" + bytes([3 << 3 | VARINT, 227, 1]))
    >>> with CheckpointFile(path) as file:
    ...     message = Message(Walk(file))
    ...     message.text(1), message.integer(3), message.integer(4)
    ('conv1', 227, None)
    """

    def __init__(self, walk: Walk, start: int = 0, stop: int | None = None):
        self._walk = walk
        self._fields: dict[int, list[Field]] = {}
        stop = walk.file.size if stop is None else stop
        while start < stop:
            field = walk.field(start, stop)
            self._fields.setdefault(field.number, []).append(field)
            start = field.stop

    @property
    def file(self) -> CheckpointFile:
        """The open file."""
        return self._walk.file

    def __contains__(self, number: int) -> bool:
        """Tell whether a field is given, be it empty."""
        return number in self._fields

    def messages(self, number: int) -> list["Message"]:
        """Return the messages that a repeated field holds."""
        fields = self._of_type(number, LENGTH)
        return [Message(self._walk, field.start, field.stop) for field in fields]

    def message(self, number: int) -> "Message | None":
        """Return the message that a field holds, if it is given; twice would be ambiguous."""
        self._check_single(number)
        return next(iter(self.messages(number)), None)

    def text(self, number: int) -> str:
        """Return a text; the last, if there are several, as the encoding says; or nothing."""
        fields = self._of_type(number, LENGTH)
        return self._text(fields[-1]) if fields else ""

    def texts(self, number: int) -> list[str]:
        """Return the texts of a repeated field."""
        return [self._text(field) for field in self._of_type(number, LENGTH)]

    def _text(self, field: Field) -> str:
        if field.stop - field.start > MAX_TEXT:
            wrong = f"is a text of {field.stop - field.start} bytes"
            raise damaged(field.start, wrong, f"At most {MAX_TEXT} were")
        content = self.file.pread(field.start, field.stop - field.start)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise damaged(field.start, f"is {shown(content)}", "Text in UTF-8 was") from error

    def integer(self, number: int) -> int | None:
        """Return a whole number; the last, if there are several; or None."""
        fields = self._of_type(number, VARINT)
        return _signed(fields[-1].value) if fields else None

    def integers(self, number: int) -> list[int]:
        """Return the whole numbers of a repeated field, be they packed or not; few."""
        found: list[int] = []
        for field in self._of_type(number, VARINT, LENGTH):
            position = field.start
            while position < field.stop and len(found) <= MAX_INTEGERS:
                value, position = self._walk.varint(position, field.stop)
                found.append(_signed(value))
        if len(found) > MAX_INTEGERS:
            wrong = f"has more than {MAX_INTEGERS} whole numbers"
            raise damaged(self._fields[number][0].start, wrong, "The sizes of an array were")
        return found

    def array(
        self, number: int, shape: Sequence[int], dtype: str, bfloat16: bool = False
    ) -> StoredArray:
        """Return the array whose elements, of a fixed size, a field holds.

        They may be packed, in one piece or several, or each in a field of its own.

        Raises:
            CheckpointError: If they are not as many as the shape says.
        """
        shape, itemsize = checked_shape(shape), np.dtype(dtype).itemsize
        plain = [wire for wire, size in FIXED.items() if size == itemsize]
        pieces = self._of_type(number, LENGTH, *plain)
        for piece in pieces:
            if (piece.stop - piece.start) % itemsize:
                wrong = f"has {piece.stop - piece.start} bytes"
                raise damaged(piece.start, wrong, f"Elements of {itemsize} bytes were")
        count = sum(piece.stop - piece.start for piece in pieces) // itemsize
        self._check_count(shape, count)
        if len(pieces) <= 1:
            start = pieces[0].start if pieces else 0
            return FileArray(self.file, start, shape, dtype, bfloat16=bfloat16)
        if bfloat16:
            self._check_single(number)
        decode = functools.partial(_joined, self.file, pieces, shape, dtype)
        return DecodedArray(self.file, shape, dtype, decode)

    def varint_array(
        self,
        number: int,
        shape: Sequence[int],
        dtype: np.dtype,
        convert: Callable[[np.ndarray], np.ndarray],
    ) -> StoredArray:
        """Return the array whose elements, varints, a field holds; decoded when it is asked for.

        Args:
            number: The field's number.
            shape: The array's shape.
            dtype: Type of its elements.
            convert: Turns some elements, as int64, into that type.

        Raises:
            CheckpointError: If they are not varints. When it is read: if they are not as many as
                the shape says.
        """
        shape = checked_shape(shape)
        fields = self._of_type(number, VARINT, LENGTH)

        def decode() -> np.ndarray:
            pieces = (
                piece for f in fields for piece in self.file.chunks(f.start, f.stop - f.start)
            )
            count = sum(int(np.count_nonzero(np.frombuffer(p, np.uint8) < 0x80)) for p in pieces)
            self._check_count(shape, count)  # before so much memory is taken
            whole, done = np.empty(count, dtype), 0
            for values in _elements(self.file, fields):
                whole[done : done + len(values)] = convert(values.view(np.int64))
                done += len(values)
            return whole.reshape(shape)

        return DecodedArray(self.file, shape, dtype, decode)

    def _of_type(self, number: int, *wires: int) -> list[Field]:
        """Return the fields of a number, if they are of these wire types."""
        fields = self._fields.get(number, [])
        for field in fields:
            if field.wire not in wires:
                wrong = f"has the number {number} and the wire type {field.wire}"
                raise damaged(field.start, wrong, f"Wire type {' or '.join(map(str, wires))} was")
        return fields

    def _check_single(self, number: int) -> None:
        fields = self._fields.get(number, [])
        if len(fields) > 1:
            raise damaged(fields[1].start, f"is the second of number {number}", "One was")

    def _check_count(self, shape: tuple[int, ...], count: int) -> None:
        if count != math.prod(shape):
            raise CheckpointError(
                f"It has the shape {shape} and {count} elements.",
                f"{math.prod(shape)} elements were expected.",
            )


def _joined(
    file: CheckpointFile, pieces: list[Field], shape: tuple[int, ...], dtype: str
) -> np.ndarray:
    """Return an array whose elements lie in several places."""
    whole = np.empty(math.prod(shape), dtype)
    target, done = whole.view(np.uint8).data, 0
    for piece in pieces:
        end = done + piece.stop - piece.start
        file.read_into(piece.start, target[done:end])
        done = end
    return whole.reshape(shape)


def _elements(file: CheckpointFile, fields: list[Field]) -> Iterator[np.ndarray]:
    """Give the numbers that fields hold as varints, some at a time."""
    for field in fields:
        rest = np.empty(0, np.uint8)
        for piece in file.chunks(field.start, field.stop - field.start):
            content = np.concatenate([rest, np.frombuffer(piece, np.uint8)])
            ends = np.flatnonzero(content < 0x80)
            stop = int(ends[-1]) + 1 if ends.size else 0
            rest = content[stop:]
            if rest.size >= MAX_VARINT:
                break
            yield _varints(content[:stop])
        if rest.size:
            yield _varints(rest)  # which says what is wrong with it


def _varints(content: np.ndarray) -> np.ndarray:
    """Return the numbers that bytes with 7 bits each stand for, modulo 2^64.

    Example:

    >>> _varints(np.array([1, 0xE3, 1, 0], np.uint8))
    array([  1, 227,   0], dtype=uint64)
    """
    if not content.size:
        return np.empty(0, np.uint64)
    ends = np.flatnonzero(content < 0x80)
    starts = np.concatenate([[0], ends + 1])
    if starts[-1] != content.size:
        raise CheckpointError("Its last element is cut.", "Whole elements were expected.")
    lengths = np.diff(starts)
    if lengths.max() > MAX_VARINT:
        raise CheckpointError("An element has more than 64 bits.", "At most 64 bits were expected.")
    places = np.arange(content.size) - np.repeat(starts[:-1], lengths)
    bits = (content & 0x7F).astype(np.uint64) << (7 * places).astype(np.uint64)
    return np.bitwise_or.reduceat(bits, starts[:-1])


def _signed(value: int) -> int:
    """Return a number of 64 bits as what it is in two's complement."""
    return value - (1 << 64) if value >> 63 else value
