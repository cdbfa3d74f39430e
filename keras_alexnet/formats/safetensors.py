"""Reader of safetensors files: a header in JSON, and then the tensors without a gap.

The format: https://huggingface.co/docs/safetensors
"""

import json
import math
from typing import Any, NamedTuple, NoReturn

from keras_alexnet.formats.arrays import FileArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, errors_about, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.shapes import ElementType, checked_shape
from keras_alexnet.formats.unread import if_readable

LENGTH = 8  # bytes of the number that gives the header's length
MAX_HEADER = 1 << 20  # bytes: the entry of a tensor has about 100
MAX_DIGITS = 20  # of an integer of 64 bits
METADATA = "__metadata__"
KEYS = {"dtype", "shape", "data_offsets"}
# Booleans, complex numbers and 8-bit floating-point numbers are not weights.
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
    """A tensor in the header: its first byte and its end after the header, shape and dtype."""

    begin: int
    end: int
    shape: tuple[int, ...]
    dtype: str


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the tensors by name, and the texts in `__metadata__`."""
    header, start = _read_header(file)
    metadata = header.pop(METADATA, {})
    if type(metadata) is not dict or not all(type(text) is str for text in metadata.values()):
        raise _invalid_header(f"The header's {METADATA} does not map names to texts.")
    entries = {}
    for name, value in header.items():
        with errors_about(f"Tensor {quoted(name)}:"):
            entries[name] = _parse_entry(value)
    _check_gapless(entries, file.size - start)

    def make(entry: Entry) -> StoredArray:
        element = ELEMENT_TYPES.get(entry.dtype)
        if element is None:
            raise CheckpointError(
                f"The tensor has the dtype {quoted(entry.dtype)}.",
                f"The dtype must be one of {', '.join(ELEMENT_TYPES)}.",
                "Save the tensor as float32.",
            )
        begin = start + entry.begin
        return FileArray(file, begin, entry.shape, element.dtype, bfloat16=element.bfloat16)

    arrays = {name: if_readable(file.path, name, make, entry) for name, entry in entries.items()}
    return arrays, metadata


def _read_header(file: CheckpointFile) -> tuple[dict[str, Any], int]:
    """Return the header, and the byte of the file after it."""
    length = int.from_bytes(file.pread(0, LENGTH), "little")
    if length > MAX_HEADER:
        raise CheckpointError(
            f"The header has {length} bytes.", f"The header must have at most {MAX_HEADER} bytes."
        )
    content = file.pread(LENGTH, length)
    try:
        header = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique_names,
            parse_int=_parse_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except CheckpointError:
        raise
    except ValueError as error:  # not JSON, or not UTF-8
        received = f"The header is not JSON in UTF-8: {quoted(str(error))}."
        raise _invalid_header(received) from error
    if not content.startswith(b"{") or type(header) is not dict:
        raise _invalid_header(f"The header begins with {quoted(content[:8])}.")
    return header, LENGTH + length


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise _invalid_header("The header has one name twice.")
    return entries


def _parse_integer(text: str) -> int:
    return int(text) if len(text) <= MAX_DIGITS else _refuse_number(text)


def _refuse_number(text: str) -> NoReturn:
    raise _invalid_header(f"The header has the number {quoted(text)}.")


def _parse_entry(value: Any) -> Entry:
    if type(value) is not dict or value.keys() != KEYS:
        raise CheckpointError(
            "The tensor's entry in the header has other keys.",
            f"The keys of an entry must be {sorted(KEYS)}.",
        )
    dtype = value["dtype"] if type(value["dtype"]) is str else ""
    shape, offsets = value["shape"], value["data_offsets"]
    if type(shape) is not list:
        raise CheckpointError("`shape` is not a list.", "`shape` must be a list of sizes.")
    if type(offsets) is not list or [type(n) is int and n >= 0 for n in offsets] != [True, True]:
        raise CheckpointError(
            f"Received data_offsets={quoted(str(offsets))}.",
            "`data_offsets` must be two non-negative integers, start and end.",
        )
    begin, end = offsets
    shape, element = checked_shape(shape), ELEMENT_TYPES.get(dtype)
    expected = math.prod(shape) * element.itemsize if element else max(end - begin, 0)
    if end - begin != expected:
        raise CheckpointError(
            f"A tensor of dtype {quoted(dtype)} and shape {shape} has {end - begin} bytes.",
            f"The tensor must have {expected} bytes.",
        )
    return Entry(begin, end, shape, dtype)


def _check_gapless(entries: dict[str, Entry], size: int) -> None:
    """Raise unless the tensors lie one after the other, from the header to the end of the file."""
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != end:
            raise CheckpointError(
                f"Tensor {quoted(name)} begins at byte {entry.begin} after the header, where the "
                f"tensor before it ends at {end}.",
                "Each tensor must begin where the one before it ends.",
            )
        end = entry.end
    if end != size:
        raise CheckpointError(
            f"The tensors end at byte {end} after the header, of which the file has {size}.",
            "The last tensor must end where the file ends.",
        )


def _invalid_header(received: str) -> CheckpointError:
    return CheckpointError(
        received, "The header must be JSON with the dtype, shape and offsets of each tensor."
    )
