"""`Message`, a protocol buffer in a file: its texts, numbers and arrays, which stay in the file.

No code is generated from a schema. An inner message is read only on request, so that no nesting in
a file makes the program recurse.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_alexnet.formats.arrays import DecodedArray, FileArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.protobuf.fields import (
    FIXED,
    LENGTH,
    MAX_VARINT,
    VARINT,
    Field,
    FieldReader,
)
from keras_alexnet.formats.shapes import checked_shape

MAX_TEXT = 4096  # bytes
MAX_INTEGERS = 64  # of a repeated field: the sizes of an array, at most 32 in Caffe


class Message:
    """The fields of one message. A field that is given several times keeps all its values.

    Args:
        reader: Reads the fields.
        start: First byte of the message in the file.
        stop: The byte after the message; by default the end of the file.

    Raises:
        CheckpointError: If the message is not complete.

    Example:

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "message")
    >>> with open(path, "wb") as out:
    ...     _ = out.write(bytes([1 << 3 | LENGTH, 5]) + b"conv1" + bytes([3 << 3 | VARINT, 227, 1]))
    >>> with CheckpointFile(path) as file:
    ...     message = Message(FieldReader(file))
    ...     message.text(1), message.integer(3), message.integer(4)
    ('conv1', 227, None)
    """

    def __init__(self, reader: FieldReader, start: int = 0, stop: int | None = None):
        self._reader = reader
        self._fields: dict[int, list[Field]] = {}
        stop = reader.file.size if stop is None else stop
        while start < stop:
            field = reader.field(start, stop)
            self._fields.setdefault(field.number, []).append(field)
            start = field.stop

    @property
    def file(self) -> CheckpointFile:
        """The open file."""
        return self._reader.file

    def __contains__(self, number: int) -> bool:
        """Return whether a field is given, even if it is empty."""
        return number in self._fields

    def messages(self, number: int) -> list["Message"]:
        """Return the messages in a repeated field."""
        fields = self._of_type(number, LENGTH)
        return [Message(self._reader, field.start, field.stop) for field in fields]

    def message(self, number: int) -> "Message | None":
        """Return the message in a field, or `None`. A field that is given twice raises an error."""
        self._check_single(number)
        return next(iter(self.messages(number)), None)

    def text(self, number: int) -> str:
        """Return a text: of several the last one, as the encoding demands, of none ""."""
        fields = self._of_type(number, LENGTH)
        return self._text(fields[-1]) if fields else ""

    def texts(self, number: int) -> list[str]:
        """Return the texts of a repeated field."""
        return [self._text(field) for field in self._of_type(number, LENGTH)]

    def _text(self, field: Field) -> str:
        if field.size > MAX_TEXT:
            raise CheckpointError(
                f"The field at byte {field.start} is a text of {field.size} bytes.",
                f"A text must have at most {MAX_TEXT} bytes.",
            )
        content = self.file.pread(field.start, field.size)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CheckpointError(
                f"The field at byte {field.start} is {quoted(content)}.", "A text must be UTF-8."
            ) from error

    def integer(self, number: int) -> int | None:
        """Return an integer: of several the last one, of none `None`."""
        fields = self._of_type(number, VARINT)
        return _signed(fields[-1].value) if fields else None

    def integers(self, number: int) -> list[int]:
        """Return the few integers of a repeated field, packed or not."""
        found: list[int] = []
        for field in self._of_type(number, VARINT, LENGTH):
            position = field.start
            while position < field.stop and len(found) <= MAX_INTEGERS:
                value, position = self._reader.varint(position, field.stop)
                found.append(_signed(value))
        if len(found) > MAX_INTEGERS:
            raise CheckpointError(
                f"The field at byte {self._fields[number][0].start} has more than {MAX_INTEGERS} "
                "integers.",
                f"A field with the sizes of an array must have at most {MAX_INTEGERS}.",
            )
        return found

    def array(
        self, number: int, shape: Sequence[int], dtype: str, bfloat16: bool = False
    ) -> StoredArray:
        """Return the array whose elements, of a fixed size, are in a field.

        They may be packed, in one piece or several, or each in a field of its own.

        Raises:
            CheckpointError: If their number is not that of the shape.
        """
        shape, itemsize = checked_shape(shape), np.dtype(dtype).itemsize
        plain = [wire for wire, size in FIXED.items() if size == itemsize]
        pieces = self._of_type(number, LENGTH, *plain)
        for piece in pieces:
            if piece.size % itemsize:
                raise CheckpointError(
                    f"The field at byte {piece.start} has {piece.size} bytes.",
                    f"The field must consist of elements of {itemsize} bytes.",
                )
        count = sum(piece.size for piece in pieces) // itemsize
        self._check_count(shape, count)
        if len(pieces) <= 1:
            start = pieces[0].start if pieces else 0
            return FileArray(self.file, start, shape, dtype, bfloat16=bfloat16)
        if bfloat16:
            self._check_single(number)
        decode = functools.partial(_join_pieces, self.file, pieces, shape, dtype)
        return DecodedArray(self.file, shape, dtype, decode)

    def varint_array(
        self,
        number: int,
        shape: Sequence[int],
        dtype: np.dtype,
        convert: Callable[[np.ndarray], np.ndarray],
    ) -> StoredArray:
        """Return the array whose elements, varints, are in a field. Reading the array decodes it.

        Args:
            number: The field's number.
            shape: The array's shape.
            dtype: Dtype of its elements.
            convert: Function that converts some elements from int64 to that dtype.

        Raises:
            CheckpointError: If they are not varints. On reading: if their number is not that of
                the shape.
        """
        shape = checked_shape(shape)
        fields = self._of_type(number, VARINT, LENGTH)

        def decode() -> np.ndarray:
            pieces = (piece for f in fields for piece in self.file.chunks(f.start, f.size))
            count = sum(int(np.count_nonzero(np.frombuffer(p, np.uint8) < 0x80)) for p in pieces)
            self._check_count(shape, count)  # before the memory is allocated
            whole, done = np.empty(count, dtype), 0
            for values in _read_varints(self.file, fields):
                whole[done : done + len(values)] = convert(values.view(np.int64))
                done += len(values)
            return whole.reshape(shape)

        return DecodedArray(self.file, shape, dtype, decode)

    def _of_type(self, number: int, *wires: int) -> list[Field]:
        """Return the fields of a number, whose wire types must be among `wires`."""
        fields = self._fields.get(number, [])
        for field in fields:
            if field.wire not in wires:
                raise CheckpointError(
                    f"The field at byte {field.start} has the number {number} and the wire type "
                    f"{field.wire}.",
                    f"The wire type must be {' or '.join(map(str, wires))}.",
                )
        return fields

    def _check_single(self, number: int) -> None:
        fields = self._fields.get(number, [])
        if len(fields) > 1:
            raise CheckpointError(
                f"The field at byte {fields[1].start} is the second of number {number}.",
                "The message must have this field once.",
            )

    def _check_count(self, shape: tuple[int, ...], count: int) -> None:
        if count != math.prod(shape):
            raise CheckpointError(
                f"An array of shape {shape} has {count} elements.",
                f"The array must have {math.prod(shape)} elements.",
            )


def _join_pieces(
    file: CheckpointFile, pieces: list[Field], shape: tuple[int, ...], dtype: str
) -> np.ndarray:
    """Return an array whose elements lie in several fields."""
    whole = np.empty(math.prod(shape), dtype)
    target, done = whole.view(np.uint8).data, 0
    for piece in pieces:
        end = done + piece.size
        file.read_into(piece.start, target[done:end])
        done = end
    return whole.reshape(shape)


def _read_varints(file: CheckpointFile, fields: list[Field]) -> Iterator[np.ndarray]:
    """Yield the varints in fields, some at a time."""
    for field in fields:
        rest = np.empty(0, np.uint8)
        for piece in file.chunks(field.start, field.size):
            content = np.concatenate([rest, np.frombuffer(piece, np.uint8)])
            ends = np.flatnonzero(content < 0x80)
            stop = int(ends[-1]) + 1 if ends.size else 0
            rest = content[stop:]
            if rest.size >= MAX_VARINT:
                break
            yield _decode_varints(content[:stop])
        if rest.size:
            yield _decode_varints(rest)  # which raises the error


def _decode_varints(content: np.ndarray) -> np.ndarray:
    """Return the numbers that varints encode with 7 bits in each byte, modulo 2^64.

    Example:

    >>> _decode_varints(np.array([1, 0xE3, 1, 0], np.uint8))
    array([  1, 227,   0], dtype=uint64)
    """
    if not content.size:
        return np.empty(0, np.uint64)
    ends = np.flatnonzero(content < 0x80)
    starts = np.concatenate([[0], ends + 1])
    if starts[-1] != content.size:
        raise CheckpointError("The last element is cut.", "Every element must be complete.")
    lengths = np.diff(starts)
    if lengths.max() > MAX_VARINT:
        raise CheckpointError(
            "An element has more than 64 bits.", "An element must have at most 64 bits."
        )
    indices = np.arange(content.size) - np.repeat(starts[:-1], lengths)  # in each number
    bits = (content & 0x7F).astype(np.uint64) << (7 * indices).astype(np.uint64)
    return np.bitwise_or.reduceat(bits, starts[:-1])


def _signed(value: int) -> int:
    """Return the signed integer that an unsigned one of 64 bits is in two's complement."""
    return value - (1 << 64) if value >> 63 else value
