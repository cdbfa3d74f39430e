"""The named tensors of PyTorch's files: those of a state dict, plain or inside other objects."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from keras_alexnet.formats.arrays import FileArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, first_eight, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle.values import UnknownObject, describe_value
from keras_alexnet.formats.shapes import checked_extent, checked_shape
from keras_alexnet.formats.torch.pickles import SAVE, Parameter, Tensor
from keras_alexnet.formats.unread import if_readable

MAX_DEPTH = 8  # dictionaries and lists within each other, the network's own included


class StorageLocation(NamedTuple):
    """The position of a storage in the file.

    Args:
        offset: Its first byte.
        check: Function that compares it with its checksum; `None` without a checksum.
    """

    offset: int
    check: Callable[[], None] | None = None


def named_tensors(value: Any) -> dict[str, Tensor | UnknownObject]:
    """Return the tensors, and objects of unknown classes, by name.

    The name of a tensor in nested dictionaries begins with their keys, each followed by a slash:
    "state_dict/features.0.weight".

    Raises:
        CheckpointError: If there are no tensors: the file holds a whole module, or a list.
    """
    found: dict[str, Tensor | UnknownObject] = {}
    for name, entry in _leaves(value):
        if found.setdefault(name, entry) is not entry:
            raise CheckpointError(
                f"Two tensors have the name {quoted(name)}.", "Each name must occur once.", SAVE
            )
    if not any(type(entry) is Tensor for entry in found.values()):
        objects = [f"{describe_value(entry)} as {quoted(name)}" for name, entry in found.items()]
        held = first_eight(objects) or describe_value(value)
        raise CheckpointError(
            f"The file holds {held}, without tensors by name.",
            "The file must hold a state dict, plain or in a dictionary. A whole module is not "
            "read, since that would run its code.",
            SAVE,
        )
    return found


def _leaves(value: Any) -> Iterator[tuple[str, Tensor | UnknownObject]]:
    """Yield the tensors and objects under text keys, in order. Each container is entered once."""
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
            if type(entry) in (Tensor, UnknownObject) and type(key) is str:
                yield path + key, entry
            if type(entry) in (dict, list, tuple, UnknownObject):
                inner.append((f"{path}{key}/", entry, depth + 1))
        waiting += reversed(inner)


def _entries(container: Any) -> Iterator[tuple[str | int, Any]]:
    entries = container.entries if type(container) is UnknownObject else container
    if type(entries) is dict:
        yield from entries.items()
    elif type(entries) in (list, tuple):
        yield from enumerate(entries)


def arrays(
    file: CheckpointFile,
    tensors: dict[str, Tensor | UnknownObject],
    locate: Callable[[str], StorageLocation],
    order: str = "<",
) -> dict[str, StoredArray]:
    """Return tensors as arrays in the file. An invalid tensor raises its error on reading.

    Args:
        file: The open file.
        tensors: The tensors, and objects of unknown classes.
        locate: Function that returns the location of a storage by its key.
        order: Byte order of the numbers.
    """

    def make(tensor: Tensor | UnknownObject) -> StoredArray:
        if type(tensor) is not Tensor:
            raise CheckpointError(
                f"The entry is {describe_value(tensor)}.", "The entry must be a plain tensor.", SAVE
            )
        storage = tensor.storage
        if storage.element.dtype[0] == "c":
            raise CheckpointError(
                "The tensor is complex.", "The numbers of a tensor must be real.", SAVE
            )
        _check_extent(tensor)
        offset, check = locate(storage.key)
        return FileArray(
            file,
            offset + (storage.start + tensor.offset) * storage.element.itemsize,
            tensor.shape,
            order + storage.element.dtype,
            tensor.strides,
            storage.element.bfloat16,
            check,
        )

    return {name: if_readable(file.path, name, make, tensor) for name, tensor in tensors.items()}


def _check_extent(tensor: Tensor) -> None:
    """Raise unless all elements lie in the storage."""
    storage = tensor.storage
    extent = checked_extent(checked_shape(tensor.shape), tensor.strides)
    if tensor.offset + extent > storage.count:
        raise CheckpointError(
            f"A tensor of shape {tensor.shape}, strides {tensor.strides} and offset "
            f"{tensor.offset} lies in storage {quoted(storage.key)} of {storage.count} elements.",
            "Every element of a tensor must lie inside its storage.",
        )
