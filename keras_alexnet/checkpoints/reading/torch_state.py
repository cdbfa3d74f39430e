"""PyTorch's state dicts: what may be named in their pickles, and the arrays they describe."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from keras_alexnet.checkpoints.errors import refused, shown
from keras_alexnet.checkpoints.reading.arrays import FileArray, StoredArray
from keras_alexnet.checkpoints.reading.blame import blaming
from keras_alexnet.checkpoints.reading.files import CheckpointFile
from keras_alexnet.checkpoints.reading.pickle_values import (
    Function,
    Reader,
    Stateful,
    Vocabulary,
    bad_pickle,
    described,
)
from keras_alexnet.checkpoints.reading.pickles import Machine, ordered_dict
from keras_alexnet.checkpoints.reading.shapes import checked_extent, checked_shape

# Where training scripts keep the state dict, beside the epoch and the optimizer's state.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights")
PREFIX = "module."  # which DataParallel puts before each name
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
        """Return NumPy's type with a byte order; `None` if NumPy lacks it."""
        return None if self.bfloat16 else np.dtype(order + self.dtype)


FLOAT = StorageType("f4")
STORAGE_TYPES = {
    "FloatStorage": FLOAT,
    "DoubleStorage": StorageType("f8"),
    "HalfStorage": StorageType("f2"),
    "BFloat16Storage": StorageType("u2", bfloat16=True),
    "LongStorage": StorageType("i8"),  # counters of batches, such as BatchNorm's
    "IntStorage": StorageType("i4"),
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

    def __init__(self, tensor: Tensor | None):
        self.tensor = tensor

    def set_state(self, state: Any) -> None:
        """Take the tensor from the state; the oldest form has it there, later ones do not."""
        if type(state) is tuple and len(state) == 5:
            self.tensor = _tensor_only(state[0])


def tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> Tensor:
    """Return a view of a storage; whether it fits is checked when the name is known.

    Raises:
        CheckpointError: If these are not a storage, a number, and two tuples.
    """
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


def _tensor_only(value: Any) -> Tensor:
    if type(value) is not Tensor:
        raise bad_pickle(f"has {described(value)} where a tensor was expected")
    return value


def _rebuild_tensor(_: Machine, arguments: tuple) -> Tensor:
    """Stand for `_rebuild_tensor` and its `_v2`: (storage, offset, size, stride, ...)."""
    if not 4 <= len(arguments) <= 7:
        raise bad_pickle("makes a tensor in an unknown way")
    if len(arguments) == 7 and arguments[6]:  # complex numbers conjugated or negated on reading
        raise bad_pickle("has a tensor that is conjugated or negated")
    return tensor(*arguments[:4])


def _rebuild_parameter(_: Machine, arguments: tuple) -> Parameter:
    return Parameter(_tensor_only(arguments[0]) if arguments else None)


# Enough for every genuine state dict, from the first PyTorch on.
NAMES: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        ("collections", "OrderedDict"): Function(ordered_dict),
        ("torch._utils", "_rebuild_tensor"): Function(_rebuild_tensor),
        ("torch._utils", "_rebuild_tensor_v2"): Function(_rebuild_tensor),
        ("torch._utils", "_rebuild_parameter"): Function(_rebuild_parameter),
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

    def __call__(self, identity: Any) -> Storage:
        """Return the storage: ("storage", type, key, location, elements[, view])."""
        if type(identity) is not tuple or not 5 <= len(identity) <= 6 or identity[0] != "storage":
            raise bad_pickle("refers to something outside of it that is no storage", remedy=SAVE)
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


def state_dict(value: Any) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of what was saved by name, and what was peeled off around them.

    What is no tensor is left out: a scheduler's state, an epoch.

    Raises:
        CheckpointError: If there are no tensors: a whole module was saved, or a list.
    """
    metadata = {}
    if type(value) is dict and not _tensors(value):
        for name in WRAPPERS:
            if type(value.get(name)) is dict and _tensors(value[name]):
                value, metadata = value[name], {"taken from": name}
                break
    tensors = _tensors(value) if type(value) is dict else {}
    if not tensors:
        raise refused(
            f"It holds {described(value)}, without tensors by name.",
            f"A state dict was expected, alone or under one of the names {', '.join(WRAPPERS)}.",
            SAVE,
        )
    if all(name.startswith(PREFIX) for name in tensors):
        metadata["prefix taken off"] = PREFIX
        tensors = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items()}
    return tensors, metadata


def _tensors(value: dict) -> dict[str, Tensor]:
    plain = {
        name: entry.tensor if type(entry) is Parameter else entry for name, entry in value.items()
    }
    return {
        name: entry for name, entry in plain.items() if type(entry) is Tensor and type(name) is str
    }


def arrays(
    file: CheckpointFile, tensors: dict[str, Tensor], places: Mapping[str, int], order: str = "<"
) -> dict[str, StoredArray]:
    """Return tensors as arrays in the file.

    Args:
        file: The open file.
        tensors: The tensors.
        places: Byte at which each storage begins, by its key.
        order: Byte order of the numbers.

    Raises:
        CheckpointError: If a tensor does not lie in its storage; its name is said.
    """
    result = {}
    for name, tensor in tensors.items():
        with blaming(name):
            result[name] = _array(file, tensor, places, order)
    return result


def _array(
    file: CheckpointFile, tensor: Tensor, places: Mapping[str, int], order: str
) -> StoredArray:
    storage = tensor.storage
    extent = checked_extent(checked_shape(tensor.shape), tensor.strides)
    if tensor.offset + extent > storage.count:
        raise refused(
            f"It has the shape {tensor.shape}, the strides {tensor.strides} and the offset "
            f"{tensor.offset}, and its storage {shown(storage.key)} {storage.count} elements.",
            "All of its elements were expected there.",
        )
    first = storage.start + tensor.offset
    return FileArray(
        file,
        places[storage.key] + first * storage.type.itemsize,
        tensor.shape,
        order + storage.type.dtype,
        tensor.strides,
        storage.type.bfloat16,
    )
