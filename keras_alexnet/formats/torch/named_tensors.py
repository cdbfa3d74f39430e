"""Tensors by name in PyTorch's files: those of a state dict, alone or inside other objects."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from keras_alexnet.formats.arrays import FileArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, listed, shown
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle.values import Opaque, described
from keras_alexnet.formats.shapes import checked_extent, checked_shape
from keras_alexnet.formats.torch.state import SAVE, Parameter, Tensor
from keras_alexnet.formats.unread import if_readable

MAX_DEPTH = 8  # dictionaries and lists within each other, the network's own included


class Location(NamedTuple):
    """Where a storage lies.

    Args:
        offset: Byte of the file where it begins.
        check: Compares it with its checksum; `None` if there is none.
    """

    offset: int
    check: Callable[[], None] | None = None


def named_tensors(value: Any) -> dict[str, Tensor | Opaque]:
    """Return the saved tensors by name, and the objects that are not read.

    The name of a tensor in nested dictionaries begins with their keys, with a slash after each:
    "state_dict/features.0.weight".

    Raises:
        CheckpointError: If there are no tensors: a whole module was saved, or a list.
    """
    found: dict[str, Tensor | Opaque] = {}
    for name, entry in _leaves(value):
        if found.setdefault(name, entry) is not entry:
            raise CheckpointError(
                f"Two tensors have the name {shown(name)}.", "Each name must occur once.", SAVE
            )
    if not any(type(entry) is Tensor for entry in found.values()):
        objects = [f"{described(entry)} as {shown(name)}" for name, entry in found.items()]
        raise CheckpointError(
            f"It holds {listed(objects) or described(value)}, without tensors by name.",
            "A state dict was expected, alone or in a dictionary: of a whole module nothing is "
            "read, since that would run its program.",
            SAVE,
        )
    return found


def _leaves(value: Any) -> Iterator[tuple[str, Tensor | Opaque]]:
    """Give the tensors and objects under text keys, in order; each dictionary and list once."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        path, container, depth = waiting.pop()
        if id(container) in seen or depth > MAX_DEPTH:
            continue
        seen.add(id(container))
        inner = []
        for key, entry in _entries(container):
            if type(entry) is Parameter:
                entry = entry.tensor
            if type(entry) in (Tensor, Opaque) and type(key) is str:
                yield path + key, entry
            if type(entry) in (dict, list, tuple, Opaque):
                inner.append((f"{path}{key}/", entry, depth + 1))
        waiting += reversed(inner)


def _entries(container: Any) -> Iterator[tuple[str | int, Any]]:
    entries = container.entries if type(container) is Opaque else container
    if type(entries) is dict:
        yield from entries.items()
    elif type(entries) in (list, tuple):
        yield from enumerate(entries)


def arrays(
    file: CheckpointFile,
    tensors: dict[str, Tensor | Opaque],
    located: Callable[[str], Location],
    order: str = "<",
) -> dict[str, StoredArray]:
    """Return tensors as arrays in the file; a bad one raises its error when it is read.

    Args:
        file: The open file.
        tensors: The tensors, and the objects that are not read.
        located: Returns the location of a storage by its key.
        order: Byte order of the numbers.
    """

    def make(tensor: Tensor | Opaque) -> StoredArray:
        if type(tensor) is not Tensor:
            raise CheckpointError(
                f"It is {described(tensor)}.", "A plain tensor was expected.", SAVE
            )
        storage = tensor.storage
        if storage.type.dtype[0] == "c":
            raise CheckpointError("It holds complex numbers.", "Real numbers were expected.", SAVE)
        _check_extent(tensor)
        offset, check = located(storage.key)
        return FileArray(
            file,
            offset + (storage.start + tensor.offset) * storage.type.itemsize,
            tensor.shape,
            order + storage.type.dtype,
            tensor.strides,
            storage.type.bfloat16,
            check,
        )

    return {name: if_readable(file.path, name, make, tensor) for name, tensor in tensors.items()}


def _check_extent(tensor: Tensor) -> None:
    """Raise unless all elements lie in the storage."""
    storage = tensor.storage
    extent = checked_extent(checked_shape(tensor.shape), tensor.strides)
    if tensor.offset + extent > storage.count:
        raise CheckpointError(
            f"It has the shape {tensor.shape}, the strides {tensor.strides} and the offset "
            f"{tensor.offset}, and its storage {shown(storage.key)} {storage.count} elements.",
            "Every element must lie inside the storage.",
        )
