"""Reader of pickled dictionaries of NumPy arrays, plain or in a .npy file, from Python 2 or 3.

Converters from Caffe to TensorFlow wrote such files ({layer: [weights, biases]}), and Paddle writes
its weights so ({name: array}). The numbers of the arrays stay in the file.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from keras_alexnet.formats.arrays import DecodedArray, FileArray, MemoryArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle import latin1
from keras_alexnet.formats.pickle.machine import Machine
from keras_alexnet.formats.pickle.names import DICTIONARIES
from keras_alexnet.formats.pickle.values import (
    Function,
    LongString,
    Reader,
    Stateful,
    Vocabulary,
    describe_value,
    invalid_pickle,
)
from keras_alexnet.formats.shapes import checked_dtype, checked_shape, fortran_strides
from keras_alexnet.formats.unread import if_readable

ARRAY = "numpy.ndarray"  # stands for the class, which is named and never used
NUMBERS = {"weights": "0", "biases": "1"}  # of the arrays of a layer, as of Caffe's blobs
STEP = 64  # characters that are encoded in one step
SAVEZ = "Save the arrays with numpy.savez."


class PickledDtype(Stateful):
    """Stands for `numpy.dtype`: a letter and a size. The byte order comes as its state."""

    def __init__(self, code: str):
        self.code, self.order = code, "|"

    def set_state(self, state: Any) -> None:
        """Read the byte order: (version, order, ...)."""
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "=", "|"):
            raise invalid_pickle("The pickle has a dtype without a byte order.")
        self.order = state[1]


@dataclasses.dataclass
class Array(Stateful):
    """Stands for `numpy.ndarray`. It is empty until it has its state.

    Attributes:
        shape: Sizes.
        dtype: Dtype.
        fortran: Whether the first axis varies fastest.
        content: The bytes, their position in the file, or a list of objects.
    """

    shape: tuple[int, ...] = ()
    dtype: PickledDtype | None = None
    fortran: bool = False
    content: bytes | str | LongString | list | None = None

    def set_state(self, state: Any) -> None:
        """Read the state: (version, shape, dtype, fortran, content)."""
        if type(state) is not tuple or len(state) != 5:
            raise invalid_pickle("The pickle has an array without shape, dtype and content.")
        _, self.shape, self.dtype, fortran, self.content = state
        if type(self.shape) is not tuple or type(self.dtype) is not PickledDtype:
            raise invalid_pickle("The pickle has an array without shape and dtype.")
        self.shape, self.fortran = checked_shape(self.shape), fortran is True or fortran == 1


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a pickled dictionary."""
    return read_from(file, 0)


def read_from(file: CheckpointFile, start: int) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a pickled dictionary from a byte of the file to the file's end."""
    reader = Reader(file, start, file.size)
    value = Machine(reader, Vocabulary(NAMES, remedy=SAVEZ)).run()
    if reader.left:
        raise CheckpointError(
            f"The pickle ends at byte {file.size - reader.left} of {file.size}.",
            "The file must end with the pickle.",
        )
    result: dict[str, StoredArray] = {}
    for name, array in _named_arrays(_dictionary(value)):
        if name in result:
            raise CheckpointError(
                f"Two arrays have the name {quoted(name)}.",
                "Every array must have a name of its own.",
            )
        result[name] = if_readable(file.path, name, _stored_array, file, array)
    if not result:
        raise CheckpointError(
            "The pickled dictionary holds no arrays.",
            "The dictionary must hold arrays by name.",
            SAVEZ,
        )
    return result, {}


def _dictionary(value: Any) -> dict:
    """Return the pickled dictionary, which may be the one object in an array."""
    if type(value) is Array and value.shape == () and type(value.content) is list:
        value = value.content[0] if len(value.content) == 1 else value
    if type(value) is not dict:
        raise CheckpointError(
            f"The file holds {describe_value(value)}.",
            "The file must hold a dictionary of arrays by name.",
            SAVEZ,
        )
    return value


def _named_arrays(dictionary: dict) -> Iterator[tuple[str, Array]]:
    """Yield the arrays by name: one of an entry, or those of a layer, numbered, weights first."""
    for name, entry in dictionary.items():
        if type(name) is not str:
            continue
        if type(entry) is tuple and len(entry) == 2 and type(entry[0]) is str:
            entry = entry[1]  # Paddle: (name in the program, array)
        if type(entry) is Array:
            yield name, entry
        elif type(entry) in (list, tuple):
            yield from ((f"{name}/{i}", v) for i, v in enumerate(entry) if type(v) is Array)
        elif type(entry) is dict:
            yield from (
                (f"{name}/{NUMBERS.get(k, k)}", v) for k, v in entry.items() if type(v) is Array
            )


def _stored_array(file: CheckpointFile, array: Array) -> StoredArray:
    """Return an array whose number of bytes must be that of its shape."""
    if array.dtype is None or not isinstance(array.content, bytes | str | LongString):
        raise CheckpointError(
            "The array holds objects, or nothing.", "The array must hold numbers.", SAVEZ
        )
    dtype = checked_dtype(array.dtype.order + array.dtype.code)
    shape, content = array.shape, array.content
    size = math.prod(shape) * dtype.itemsize
    order: Literal["C", "F"] = "F" if array.fortran else "C"
    if isinstance(content, LongString) and content.utf8:
        offset, encoded = content.offset, content.length

        def decode() -> np.ndarray:
            flat = latin1.decode(file, offset, encoded, size).view(dtype)
            return flat.reshape(shape, order=order)

        return DecodedArray(file, shape, dtype, decode)
    length = content.length if isinstance(content, LongString) else len(content)
    if length != size:
        raise CheckpointError(
            f"An array of shape {shape} and dtype {dtype.str} has {length} bytes.",
            f"The array must have {size} bytes.",
        )
    if isinstance(content, LongString):
        strides = fortran_strides(shape) if array.fortran else None
        return FileArray(file, content.offset, shape, dtype, strides)
    if isinstance(content, str):
        content = content.encode("latin-1")
    return MemoryArray(np.frombuffer(content, dtype).reshape(shape, order=order))


def _reconstruct(_: Machine, arguments: tuple) -> Array:
    """Replace NumPy's function of that name, which makes an array before its state comes."""
    if not arguments or arguments[0] is not ARRAY:
        raise invalid_pickle("The pickle makes an array in an unknown way.")
    return Array()


def _from_buffer(_: Machine, arguments: tuple) -> Array:
    """Replace NumPy's function of that name, which makes a whole array in protocol 5."""
    if len(arguments) != 4:
        raise invalid_pickle("The pickle makes an array in an unknown way.")
    content, dtype, shape, order = arguments
    array = Array()
    array.set_state((1, shape, dtype, order == "F", content))
    return array


def _dtype(_: Machine, arguments: tuple) -> PickledDtype:
    if not arguments or type(arguments[0]) is not str:
        raise invalid_pickle("The pickle makes a dtype in an unknown way.")
    return PickledDtype(arguments[0])


def _encode(machine: Machine, arguments: tuple) -> bytes | LongString:
    """Replace `_codecs.encode`, with which Python 3 writes bytes for Python 2 as characters."""
    if len(arguments) != 2 or arguments[1] != "latin1":
        raise invalid_pickle("The pickle encodes text in an unknown way.")
    text = arguments[0]
    if not isinstance(text, str | LongString):
        raise invalid_pickle("The pickle encodes something else than text.")
    if isinstance(text, LongString):
        return text
    machine.spend(len(text) // STEP)
    return text.encode("latin-1")


def _tuple(_: Machine, arguments: tuple) -> tuple:
    """Replace `tuple`, with which Paddle pairs a name with an array."""
    if len(arguments) != 1 or type(arguments[0]) is not tuple:
        raise invalid_pickle("The pickle makes a tuple of something else.")
    return arguments[0]


# Python 2 and 3, NumPy 1 and 2 have different names for the same functions.
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
