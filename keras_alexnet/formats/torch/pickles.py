"""The pickles in PyTorch's files: the names in them, and the tensors and storages they describe."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.pickle.machine import Machine
from keras_alexnet.formats.pickle.names import DICTIONARIES
from keras_alexnet.formats.pickle.values import (
    Function,
    Reader,
    Stateful,
    UnknownName,
    UnknownObject,
    Vocabulary,
    checked,
    describe_value,
    invalid_pickle,
)
from keras_alexnet.formats.shapes import ElementType

STORAGE_TYPE = "a type of storage"
SAVE = "Save the weights alone: torch.save(model.state_dict(), path)."


# By the name of the storage's class.
STORAGE_TYPES = {
    "FloatStorage": ElementType("f4"),
    "DoubleStorage": ElementType("f8"),
    "HalfStorage": ElementType("f2"),
    "BFloat16Storage": ElementType("u2", bfloat16=True),
    # Saved beside the weights: counters of batches, states of random number generators, masks.
    "LongStorage": ElementType("i8"),
    "IntStorage": ElementType("i4"),
    "ShortStorage": ElementType("i2"),
    "CharStorage": ElementType("i1"),
    "ByteStorage": ElementType("u1"),
    "BoolStorage": ElementType("u1"),
    # Not read as arrays; their sizes give the position of the next storage.
    "ComplexFloatStorage": ElementType("c8"),
    "ComplexDoubleStorage": ElementType("c16"),
    "QInt8Storage": ElementType("i1"),
    "QUInt8Storage": ElementType("u1"),
    "QInt32Storage": ElementType("i4"),
}


@dataclasses.dataclass(frozen=True)
class Storage:
    """A storage in the file, or, before PyTorch 0.4, a view of one.

    Args:
        key: The storage's name in the file.
        element: Type of its elements.
        total: Number of its elements.
        start: First element of the view.
        count: Number of elements of the view.
    """

    key: str
    element: ElementType
    total: int
    start: int
    count: int


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A view of a storage. Offset, shape and strides are in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Parameter(Stateful):
    """Stands for `torch.nn.Parameter`, which holds a tensor.

    Args:
        tensor: The tensor; `None` if it comes with the state.
    """

    def __init__(self, tensor: Tensor | UnknownObject | None):
        self.tensor = tensor

    def set_state(self, state: Any) -> None:
        """Read the tensor from the state, where only the oldest form has it."""
        if type(state) is tuple and len(state) == 5:
            self.tensor = _checked_tensor(state[0])


def make_tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> Tensor | UnknownObject:
    """Return a view of a storage. Its bounds are checked later, when its name is known.

    Raises:
        CheckpointError: If the arguments are not a storage, a number, and two tuples.
    """
    if type(storage) is UnknownObject:
        return storage
    if type(storage) is not Storage or type(shape) is not tuple or type(strides) is not tuple:
        raise invalid_pickle(
            "The pickle makes a tensor of something else than a storage and sizes."
        )
    return Tensor(storage, checked_count(offset), shape, strides)


def checked_count(value: Any) -> int:
    """Return a value of a pickle, which must be a non-negative integer."""
    if checked(value, int, "a non-negative integer") < 0:
        raise invalid_pickle(
            f"The pickle has the number {value} in place of a non-negative integer."
        )
    return value


def check_byte_order(system: Any) -> None:
    """Raise unless a pickled dictionary on the system that saved the file says little-endian."""
    if type(system) is not dict or system.get("little_endian") is not True:
        raise CheckpointError(
            "The file does not state that its numbers are little-endian.",
            "The numbers must be little-endian.",
            "Save the file again on a little-endian machine.",
        )


def _checked_tensor(value: Any) -> Tensor | UnknownObject:
    if type(value) is Parameter and value.tensor is not None:
        return value.tensor
    if type(value) not in (Tensor, UnknownObject):
        raise invalid_pickle(f"The pickle has {describe_value(value)} in place of a tensor.")
    return value


def _rebuild_tensor(_: Machine, arguments: tuple) -> Tensor | UnknownObject:
    """Replace `_rebuild_tensor` and its `_v2`: (storage, offset, size, stride, ...)."""
    if not 4 <= len(arguments) <= 7:
        raise invalid_pickle("The pickle makes a tensor in an unknown way.")
    if len(arguments) == 7 and arguments[6]:  # reading conjugates or negates complex numbers
        raise invalid_pickle("The pickle has a tensor that is conjugated or negated.")
    return make_tensor(*arguments[:4])


def _rebuild_parameter(_: Machine, arguments: tuple) -> Parameter:
    return Parameter(_checked_tensor(arguments[0]) if arguments else None)


def _rebuild_from_type(machine: Machine, arguments: tuple) -> Any:
    """Replace the function that sets attributes of a tensor: (function, type, arguments, state)."""
    if len(arguments) != 4 or type(arguments[0]) is not Function or type(arguments[2]) is not tuple:
        return UnknownObject("torch.Tensor")
    return arguments[0].call(machine, arguments[2])


# All names in the state dicts of every version of PyTorch.
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
    """Function that returns the storage of a persistent id, and records it.

    Attributes:
        used: The storages by key, in order of use. All views of a storage agree on its bytes.
    """

    def __init__(self) -> None:
        self.used: dict[str, Storage] = {}

    def __call__(self, identity: Any) -> Storage | UnknownName | UnknownObject:
        """Return the storage: ("storage", type, key, location, elements[, view]).

        Before 1.6, the class of a whole module has such an id as well, with its source code, which
        is dropped: ("module", class, file, code).
        """
        parts = identity if type(identity) is tuple else ()
        if parts[:1] == ("module",) and len(parts) == 4 and type(parts[1]) is UnknownName:
            return parts[1]
        if type(identity) is not tuple or not 5 <= len(identity) <= 6 or identity[0] != "storage":
            raise invalid_pickle(
                "The pickle refers to an object outside of it that is not a storage.", SAVE
            )
        if type(identity[1]) is UnknownName:  # a type that NumPy lacks
            return UnknownObject(identity[1].name)
        element, total = checked(identity[1], ElementType, STORAGE_TYPE), checked_count(identity[4])
        key = checked(identity[2], str, "the key of a storage, a text")
        first = self.used.setdefault(key, Storage(key, element, total, 0, total))
        if first.total * first.element.itemsize != total * element.itemsize:
            raise invalid_pickle(f"The pickle gives the storage {quoted(key)} two sizes.")
        view = identity[5] if len(identity) == 6 else None
        if view is None:
            return Storage(key, element, total, 0, total)
        if type(view) is not tuple or len(view) != 3:
            raise invalid_pickle(
                f"The pickle has a view of the storage {quoted(key)} without its bounds."
            )
        start, length = checked_count(view[1]), checked_count(view[2])
        if start + length > total:
            raise invalid_pickle(
                f"The pickle has a view that reaches past the end of the storage {quoted(key)}."
            )
        return Storage(key, element, total, start, length)


def unpickle(reader: Reader, persistent: Callable[[Any], Any] | None = None) -> Any:
    """Return the value of a pickle in a PyTorch file."""
    return Machine(reader, Vocabulary(NAMES, persistent, remedy=SAVE)).run()
