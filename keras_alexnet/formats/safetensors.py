"""Reads safetensors: a table in JSON, and then the numbers, without a gap.

The format: https://huggingface.co/docs/safetensors
"""

import json
import math
from typing import Any, NamedTuple, NoReturn

import numpy as np

from keras_alexnet.formats.arrays import FileArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, errors_about, shown
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.shapes import checked_shape
from keras_alexnet.formats.unread import if_readable

LENGTH = 8  # bytes of the table's own length
MAX_TABLE = 1 << 20  # bytes: an entry has about 100
MAX_DIGITS = 20  # of a whole number of 64 bits
METADATA = "__metadata__"
KEYS = {"dtype", "shape", "data_offsets"}


class ElementType(NamedTuple):
    """A type of elements; `bfloat16` if these are the upper halves of float32 numbers."""

    dtype: str
    bfloat16: bool = False


# Truth values, complex and 8-bit floating numbers are no weights here.
ELEMENT_TYPES = {
    "F64": ElementType("<f8"),
    "F32": ElementType("<f4"),
    "F16": ElementType("<f2"),
    "BF16": ElementType("<u2", bfloat16=True),
    "I64": ElementType("<i8"),
    "I32": ElementType("<i4"),
    "I16": ElementType("<i2"),
    "I8": ElementType("i1"),
    "U64": ElementType("<u8"),
    "U32": ElementType("<u4"),
    "U16": ElementType("<u2"),
    "U8": ElementType("u1"),
}


class Entry(NamedTuple):
    """A tensor's place, in bytes from the end of the table on, its shape and its type's name."""

    begin: int
    end: int
    shape: tuple[int, ...]
    dtype: str


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the tensors by name, and what the file says about itself (`__metadata__`)."""
    table, start = _table(file)
    metadata = _metadata(table.pop(METADATA, {}))
    entries = {}
    for name, value in table.items():
        with errors_about(f"Tensor {shown(name)}:"):
            entries[name] = _entry(value)
    _check_gapless(entries, file.size - start)

    def make(entry: Entry) -> StoredArray:
        element = ELEMENT_TYPES.get(entry.dtype)
        if element is None:
            raise CheckpointError(
                f"It has the type {shown(entry.dtype)}.",
                f"One of {', '.join(ELEMENT_TYPES)} was expected.",
                "Save it as float32.",
            )
        place = start + entry.begin
        return FileArray(file, place, entry.shape, element.dtype, bfloat16=element.bfloat16)

    arrays = {name: if_readable(file.path, name, make, entry) for name, entry in entries.items()}
    return arrays, metadata


def _table(file: CheckpointFile) -> tuple[dict[str, Any], int]:
    """Return what the table says, and the byte after it."""
    length = int.from_bytes(file.pread(0, LENGTH), "little")
    if length > MAX_TABLE:
        raise CheckpointError(
            f"Its table has {length} bytes.", f"At most {MAX_TABLE} were expected."
        )
    content = file.pread(LENGTH, length)
    try:
        table = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_without_repetition,
            parse_int=_whole_number,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except CheckpointError:
        raise
    except ValueError as error:  # not JSON, or not UTF-8
        raise _bad_table(f"cannot be read: {shown(str(error))}") from error
    if not content.startswith(b"{") or type(table) is not dict:
        raise _bad_table(f"begins with {shown(content[:8])}")
    return table, LENGTH + length


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _bad_table("has a name twice")
    return found


def _whole_number(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _bad_table(f"has the number {shown(text)}")
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise _bad_table(f"has the number {shown(text)}")


def _metadata(value: Any) -> dict[str, str]:
    if type(value) is not dict or not all(type(text) is str for text in value.values()):
        raise _bad_table(f"has something else than texts by name in {METADATA}")
    return value


def _entry(value: Any) -> Entry:
    if type(value) is not dict or value.keys() != KEYS:
        raise CheckpointError(
            "Its entry in the table has other keys.", f"{sorted(KEYS)} were expected."
        )
    dtype = value["dtype"] if type(value["dtype"]) is str else ""
    shape, place = value["shape"], value["data_offsets"]
    if type(shape) is not list or type(place) is not list or len(place) != 2:
        raise CheckpointError(
            "Its `shape` is no list, or its `data_offsets` are no two numbers.",
            "`shape` must be a list of sizes, and `data_offsets` a list of start and end.",
        )
    if not all(type(n) is int and n >= 0 for n in place):
        raise CheckpointError(
            "Its `data_offsets` are negative or no whole numbers.",
            "`data_offsets` must be two non-negative integers, start and end.",
        )
    shape, count = checked_shape(shape), place[1] - place[0]
    element = ELEMENT_TYPES.get(dtype)
    size = math.prod(shape) * np.dtype(element.dtype).itemsize if element else max(count, 0)
    if count != size:
        raise CheckpointError(
            f"It has the shape {shape} and {count} bytes.", f"{size} bytes were expected."
        )
    return Entry(place[0], place[1], shape, dtype)


def _check_gapless(entries: dict[str, Entry], size: int) -> None:
    """Raise unless the tensors lie one after the other, from the table to the end of the file."""
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != end:
            raise CheckpointError(
                f"Tensor {shown(name)} begins at byte {entry.begin} of the numbers, where the "
                f"one before it ends at {end}.",
                "The tensors were expected one after the other.",
            )
        end = entry.end
    if end != size:
        raise CheckpointError(
            f"The tensors end at byte {end} of the numbers, of which the file has {size}.",
            "They were expected to end with the file.",
        )


def _bad_table(wrong: str) -> CheckpointError:
    return CheckpointError(
        f"Its table {wrong}.", "The type, shape and place of each tensor were expected."
    )
