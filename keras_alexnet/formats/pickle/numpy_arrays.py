"""Reads pickled dictionaries of NumPy arrays: alone, or in a .npy file, from Python 2 or 3.

Caffe's weights went through such files to TensorFlow ({layer: [weights, biases]}), and Paddle keeps
its own in them ({name: array}). The arrays' numbers stay where they are in the file.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from keras_alexnet.formats.arrays import DecodedArray, FileArray, MemoryArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle import latin1
from keras_alexnet.formats.pickle.machine import Machine
from keras_alexnet.formats.pickle.names import DICTIONARIES
from keras_alexnet.formats.pickle.values import (
    Function,
    Place,
    Reader,
    Stateful,
    Vocabulary,
    bad_pickle,
    described,
)
from keras_alexnet.formats.shapes import checked_dtype, checked_shape, fortran_strides
from keras_alexnet.formats.unread import if_readable

ARRAY = "numpy.ndarray"  # stands for the class, which is only ever named
PARTS = {"weights": "0", "biases": "1"}  # the parts of a layer, numbered as Caffe's blobs
COPIED = 64  # characters that are encoded in a step
COPY = "Save the arrays with numpy.savez."


class Type(Stateful):
    """Stands for `numpy.dtype`: a letter and a size; the byte order comes as its state."""

    def __init__(self, code: str):
        self.code, self.order = code, "|"

    def set_state(self, state: Any) -> None:
        """Take the byte order: (version, order, ...)."""
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "=", "|"):
            raise bad_pickle("has a type of arrays without a byte order")
        self.order = state[1]


@dataclasses.dataclass
class Array(Stateful):
    """Stands for `numpy.ndarray`; empty until it has its state.

    Attributes:
        shape: Sizes.
        type: Type.
        fortran: Whether the first axis varies fastest.
        content: The bytes, where they are, or a list of objects.
    """

    shape: tuple[int, ...] = ()
    type: Type | None = None
    fortran: bool = False
    content: bytes | str | Place | list | None = None

    def set_state(self, state: Any) -> None:
        """Take all: (version, shape, type, fortran, content)."""
        if type(state) is not tuple or len(state) != 5:
            raise bad_pickle("has an array without shape, type and content")
        _, self.shape, self.type, fortran, self.content = state
        if type(self.shape) is not tuple or type(self.type) is not Type:
            raise bad_pickle("has an array without shape and type")
        self.shape, self.fortran = checked_shape(self.shape), fortran is True or fortran == 1


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a pickled dictionary."""
    return read_from(file, 0)


def read_from(file: CheckpointFile, start: int) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a pickled dictionary that begins at a byte of the file, and goes on to its end."""
    reader = Reader(file, start, file.size)
    value = Machine(reader, Vocabulary(NAMES, remedy=COPY)).run()
    if reader.left:
        raise CheckpointError(
            f"{reader.left} bytes follow the pickle.", "The file was expected to end there."
        )
    result: dict[str, StoredArray] = {}
    for name, array in _named(_dictionary(value)):
        if name in result:
            raise CheckpointError(f"Two arrays have the name {shown(name)}.", "One was expected.")
        result[name] = if_readable(file.path, name, _stored, file, array)
    if not result:
        raise CheckpointError(
            "Its dictionary holds no arrays.", "Arrays by name were expected.", COPY
        )
    return result, {}


def _dictionary(value: Any) -> dict:
    """Return the dictionary that was pickled, perhaps as the one object in an array."""
    if type(value) is Array and value.shape == () and type(value.content) is list:
        value = value.content[0] if len(value.content) == 1 else value
    if type(value) is not dict:
        raise CheckpointError(
            f"It holds {described(value)}.", "A dictionary of arrays by name was expected.", COPY
        )
    return value


def _named(dictionary: dict) -> Iterator[tuple[str, Array]]:
    """Give the arrays: of each entry alone, or of each layer numbered, weights first."""
    for name, entry in dictionary.items():
        if type(name) is not str:
            continue
        if type(entry) is tuple and len(entry) == 2 and type(entry[0]) is str:
            entry = entry[1]  # Paddle: (its name in the program, array)
        if type(entry) is Array:
            yield name, entry
        elif type(entry) in (list, tuple):
            yield from ((f"{name}/{i}", part) for i, part in enumerate(entry) if _is_array(part))
        elif type(entry) is dict:
            yield from ((f"{name}/{_number(k)}", v) for k, v in entry.items() if _is_array(v))


def _is_array(value: Any) -> bool:
    return type(value) is Array


def _number(part: Any) -> str:
    return PARTS.get(part, str(part))


def _stored(file: CheckpointFile, array: Array) -> StoredArray:
    """Return an array, once it is known to have as many bytes as its shape says."""
    if array.type is None or not isinstance(array.content, bytes | str | Place):
        raise CheckpointError("It holds objects, or nothing.", "Numbers were expected.", COPY)
    dtype = checked_dtype(array.type.order + array.type.code)
    expected = math.prod(array.shape) * dtype.itemsize
    if isinstance(array.content, Place):
        return _placed(file, array, dtype, array.content, expected)
    content = array.content
    if isinstance(content, str):
        content = content.encode("latin-1")
    _check_length(len(content), array.shape, expected)
    flat = np.frombuffer(content, dtype)
    return MemoryArray(flat.reshape(array.shape, order="F" if array.fortran else "C"))


def _placed(
    file: CheckpointFile, array: Array, dtype: np.dtype, place: Place, expected: int
) -> StoredArray:
    shape, strides = array.shape, fortran_strides(array.shape) if array.fortran else None
    if not place.utf8:
        _check_length(place.length, shape, expected)
        return FileArray(file, place.offset, shape, dtype, strides)

    def decode() -> np.ndarray:
        _check_length(latin1.count(file, place.offset, place.length), shape, expected)
        flat = latin1.decoded(file, place.offset, place.length, expected).view(dtype)
        return flat.reshape(shape, order="F" if array.fortran else "C")

    return DecodedArray(file, shape, dtype, decode)


def _check_length(length: int, shape: tuple[int, ...], expected: int) -> None:
    if length != expected:
        raise CheckpointError(
            f"Its shape is {shape}, and it has {length} bytes.", f"{expected} were due."
        )


def _reconstruct(_: Machine, arguments: tuple) -> Array:
    """Stand for numpy's function of that name, which makes an array before its state comes."""
    if not arguments or arguments[0] is not ARRAY:
        raise bad_pickle("makes an array in an unknown way")
    return Array()


def _from_buffer(_: Machine, arguments: tuple) -> Array:
    """Stand for numpy's function of that name, which protocol 5 uses: all at once."""
    if len(arguments) != 4:
        raise bad_pickle("makes an array in an unknown way")
    content, kind, shape, order = arguments
    array = Array()
    array.set_state((1, shape, kind, order == "F", content))
    return array


def _dtype(_: Machine, arguments: tuple) -> Type:
    if not arguments or type(arguments[0]) is not str:
        raise bad_pickle("makes a type of arrays in an unknown way")
    return Type(arguments[0])


def _encode(machine: Machine, arguments: tuple) -> bytes | Place:
    """Stand for `_codecs.encode`: how Python 3 writes bytes for Python 2, each as a character."""
    if len(arguments) != 2 or arguments[1] != "latin1":
        raise bad_pickle("encodes text in an unknown way")
    text = arguments[0]
    if not isinstance(text, str | Place):
        raise bad_pickle("encodes something else than text")
    if isinstance(text, Place):
        return text
    machine.spend(len(text) // COPIED)
    return text.encode("latin-1")


def _tuple(_: Machine, arguments: tuple) -> tuple:
    """Stand for `tuple`, by which Paddle pairs a name with an array."""
    if len(arguments) != 1 or type(arguments[0]) is not tuple:
        raise bad_pickle("makes a tuple of something else")
    return arguments[0]


# Python 2 and 3, NumPy 1 and 2 call the same things by different names.
NAMES: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        **DICTIONARIES,
        ("numpy", "ndarray"): ARRAY,
        ("numpy", "dtype"): Function(_dtype),
        ("numpy.core.multiarray", "_reconstruct"): Function(_reconstruct),
        ("numpy._core.multiarray", "_reconstruct"): Function(_reconstruct),
        ("numpy.core.numeric", "_frombuffer"): Function(_from_buffer),
        ("numpy._core.numeric", "_frombuffer"): Function(_from_buffer),
        ("_codecs", "encode"): Function(_encode),
        ("__builtin__", "tuple"): Function(_tuple),
        ("builtins", "tuple"): Function(_tuple),
    }
)
