"""PyTorch's pickles: which names in them stand for tensors, and the storages these lie in."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from keras_alexnet.formats.errors import shown
from keras_alexnet.formats.pickle.machine import Machine
from keras_alexnet.formats.pickle.names import DICTIONARIES
from keras_alexnet.formats.pickle.values import (
    Function,
    Opaque,
    Reader,
    Stateful,
    Unknown,
    Vocabulary,
    bad_pickle,
    described,
)

SAVE = "Save the weights alone: torch.save(model.state_dict(), path)."


class StorageType(NamedTuple):
    """A type of storage.

    Args:
        dtype: NumPy's type, without byte order.
        bfloat16: Whether these are the upper halves of float32 numbers.
    """

    dtype: str
    bfloat16: bool = False

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return int(self.dtype[1:])

    def numbers(self, order: str) -> np.dtype | None:
        """Return NumPy's type with a byte order; `None` if it has none for real numbers."""
        plain = self.dtype[0] != "c" and not self.bfloat16
        return np.dtype(order + self.dtype) if plain else None


FLOAT = StorageType("f4")
STORAGE_TYPES = {
    "FloatStorage": FLOAT,
    "DoubleStorage": StorageType("f8"),
    "HalfStorage": StorageType("f2"),
    "BFloat16Storage": StorageType("u2", bfloat16=True),
    # Counters of batches, states of random generators, masks: beside the weights.
    "LongStorage": StorageType("i8"),
    "IntStorage": StorageType("i4"),
    "ShortStorage": StorageType("i2"),
    "CharStorage": StorageType("i1"),
    "ByteStorage": StorageType("u1"),
    "BoolStorage": StorageType("u1"),
    # Of which no arrays are made; their sizes say where the next storage begins.
    "ComplexFloatStorage": StorageType("c8"),
    "ComplexDoubleStorage": StorageType("c16"),
    "QInt8Storage": StorageType("i1"),
    "QUInt8Storage": StorageType("u1"),
    "QInt32Storage": StorageType("i4"),
}


@dataclasses.dataclass(frozen=True)
class Storage:
    """A run of elements in the file.

    Args:
        key: Its name in the file.
        type: Type of the elements.
        total: Number of elements stored.
        start: First of those that belong to it: before 0.4 a storage could be a part of one.
        count: Number of those that belong to it.
    """

    key: str
    type: StorageType
    total: int
    start: int
    count: int


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A view of a storage; sizes, strides and offset in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Parameter(Stateful):
    """Stands for `torch.nn.Parameter`, which holds a tensor.

    Args:
        tensor: The tensor, or None if it comes with the state.
    """

    def __init__(self, tensor: Tensor | Opaque | None):
        self.tensor = tensor

    def set_state(self, state: Any) -> None:
        """Take the tensor from the state; the oldest form has it there, later ones do not."""
        if type(state) is tuple and len(state) == 5:
            self.tensor = _tensor_only(state[0])


def tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> Tensor | Opaque:
    """Return a view of a storage; whether it fits is checked when the name is known.

    Raises:
        CheckpointError: If these are not a storage, a number, and two tuples.
    """
    if type(storage) is Opaque:
        return storage
    if type(storage) is not Storage or type(shape) is not tuple or type(strides) is not tuple:
        raise bad_pickle("makes a tensor of something else than a storage and sizes")
    return Tensor(storage, count(offset), shape, strides)


def storage_type(value: Any) -> StorageType:
    """Return a value of a pickle, if it is a type of storage."""
    if type(value) is not StorageType:
        raise bad_pickle(f"has {described(value)} where a type of storage was expected")
    return value


def count(value: Any) -> int:
    """Return a value of a pickle, if it is a whole number from 0 on."""
    if type(value) is not int or value < 0:
        raise bad_pickle("has no whole number from 0 on where one was expected")
    return value


def _tensor_only(value: Any) -> Tensor | Opaque:
    if type(value) is Parameter and value.tensor is not None:
        return value.tensor
    if type(value) not in (Tensor, Opaque):
        raise bad_pickle(f"has {described(value)} where a tensor was expected")
    return value


def _rebuild_tensor(_: Machine, arguments: tuple) -> Tensor | Opaque:
    """Stand for `_rebuild_tensor` and its `_v2`: (storage, offset, size, stride, ...)."""
    if not 4 <= len(arguments) <= 7:
        raise bad_pickle("makes a tensor in an unknown way")
    if len(arguments) == 7 and arguments[6]:  # complex numbers conjugated or negated on reading
        raise bad_pickle("has a tensor that is conjugated or negated")
    return tensor(*arguments[:4])


def _rebuild_parameter(_: Machine, arguments: tuple) -> Parameter:
    return Parameter(_tensor_only(arguments[0]) if arguments else None)


def _rebuild_from_type(machine: Machine, arguments: tuple) -> Any:
    """Stand for what gives a tensor its attributes: (function, type, its arguments, state)."""
    if len(arguments) != 4 or type(arguments[0]) is not Function or type(arguments[2]) is not tuple:
        return Opaque("torch.Tensor")
    return arguments[0].call(machine, arguments[2])


# Enough for every genuine state dict, from the first PyTorch on.
NAMES: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        **DICTIONARIES,
        ("torch._utils", "_rebuild_tensor"): Function(_rebuild_tensor),
        ("torch._utils", "_rebuild_tensor_v2"): Function(_rebuild_tensor),
        ("torch._utils", "_rebuild_parameter"): Function(_rebuild_parameter),
        ("torch._utils", "_rebuild_parameter_with_state"): Function(_rebuild_parameter),
        ("torch._tensor", "_rebuild_from_type_v2"): Function(_rebuild_from_type),
        ("torch.nn.parameter", "Parameter"): Function(_rebuild_parameter),
        **{("torch", name): row for name, row in STORAGE_TYPES.items()},
        **{("torch.cuda", name): row for name, row in STORAGE_TYPES.items()},
    }
)


class Storages:
    """Gives the storage of a persistent id, and remembers those that were asked for.

    Attributes:
        used: By key, in order of use; all views of one storage agree on its bytes.
    """

    def __init__(self) -> None:
        self.used: dict[str, Storage] = {}

    def __call__(self, identity: Any) -> Storage | Unknown | Opaque:
        """Return the storage: ("storage", type, key, location, elements[, view]).

        Before 1.6 the class of a whole module is kept so as well, with its program as text, which
        is dropped: ("module", class, file, program).
        """
        parts = identity if type(identity) is tuple else ()
        if parts[:1] == ("module",) and len(parts) == 4 and type(parts[1]) is Unknown:
            return parts[1]
        if type(identity) is not tuple or not 5 <= len(identity) <= 6 or identity[0] != "storage":
            raise bad_pickle("refers to something outside of it that is no storage", remedy=SAVE)
        if type(identity[1]) is Unknown:  # of a type that NumPy lacks
            return Opaque(identity[1].name)
        kind, key, total = storage_type(identity[1]), identity[2], count(identity[4])
        if type(key) is not str:
            raise bad_pickle("refers to a storage by something else than text")
        first = self.used.setdefault(key, Storage(key, kind, total, 0, total))
        if first.total * first.type.itemsize != total * kind.itemsize:
            raise bad_pickle(f"gives the storage {shown(key)} two sizes")
        view = identity[5] if len(identity) == 6 else None
        if view is None:
            return Storage(key, kind, total, 0, total)
        if type(view) is not tuple or len(view) != 3:
            raise bad_pickle(f"has a part of the storage {shown(key)} without a place")
        start, length = count(view[1]), count(view[2])
        if start + length > total:
            raise bad_pickle(f"has a part of the storage {shown(key)} that reaches beyond it")
        return Storage(key, kind, total, start, length)


def run(reader: Reader, persistent: Callable[[Any], Any] | None = None) -> Any:
    """Return the value of a pickle of PyTorch's, of at most `MAX_BYTES`."""
    return Machine(reader, Vocabulary(NAMES, persistent, remedy=SAVE)).run()
