"""Reader of torch.save's format up to 0.1.9: a tar archive of three streams with pickles.

The streams, after torch/serialization.py of 2017: `storages` has the number of storages, then each
storage after a pickled (key, location, type), then pickled views of storages. `tensors` has the
number of tensors, then the sizes of each after a pickled (key, storage, type). `pickle` has the
saved object; its persistent ids are the keys of the tensors.
"""

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from keras_alexnet.formats.archives.tars import read_members
from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle.machine import Machine
from keras_alexnet.formats.pickle.values import (
    Reader,
    Vocabulary,
    checked,
    describe_value,
    invalid_pickle,
)
from keras_alexnet.formats.shapes import MAX_RANK, ElementType
from keras_alexnet.formats.torch import named_tensors, pickles
from keras_alexnet.formats.torch.named_tensors import StorageLocation
from keras_alexnet.formats.torch.pickles import STORAGE_TYPE, Storage, Tensor, checked_count

MEMBERS = {"sys_info", "pickle", "tensors", "storages"}
MAX_COUNT = 4096  # storages, tensors
# The types of tensors are named and never used: the type of the storage is enough.
NAMES: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        **pickles.NAMES,
        **{
            (module, name.replace("Storage", "Tensor")): "a type of tensor"
            for module in ("torch", "torch.cuda")
            for name in pickles.STORAGE_TYPES
        },
    }
)


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the tensors by name. Each stream must end where the archive says."""
    members = read_members(file, MEMBERS)
    readers = {name: Reader(file, start, start + size) for name, (start, size) in members.items()}
    pickles.check_byte_order(_unpickle(readers["sys_info"]))
    storages, locations = _read_storages(readers["storages"])
    tensors = _read_tensors(readers["tensors"], storages)
    value = Machine(readers["pickle"], Vocabulary(NAMES, _tensor_finder(tensors))).run()
    for name, reader in readers.items():
        if reader.left:
            raise CheckpointError(
                f"The stream {name} ends {reader.left} bytes early.",
                "Every stream must be complete.",
            )
    named = named_tensors.named_tensors(value)
    return named_tensors.arrays(file, named, locations.__getitem__), {}


def _read_storages(reader: Reader) -> tuple[dict[int, Storage], dict[str, StorageLocation]]:
    """Return the storages and their views by key, and the locations of the storages."""
    storages: dict[int, Storage] = {}
    locations = {}
    for _ in range(_read_count(reader)):
        key, _, kind = _record(_unpickle(reader), 3)
        length = checked_count(int.from_bytes(reader.take(8), "little", signed=True))
        element = checked(kind, ElementType, STORAGE_TYPE)
        storage = Storage(str(checked_count(key)), element, length, 0, length)
        start = reader.skip(length * storage.element.itemsize)
        locations[storage.key] = StorageLocation(start)
        _add(storages, key, storage)
    for view in checked(_unpickle(reader), list, "a list"):
        key, root, start, length = (checked_count(number) for number in _record(view, 4))
        whole = _find(storages, root)
        if start + length > whole.count:
            raise CheckpointError(
                "A view reaches past the end of its storage.",
                "Every view must lie inside its storage.",
            )
        first = whole.start + start
        _add(storages, key, Storage(whole.key, whole.element, whole.total, first, length))
    return storages, locations


def _read_tensors(reader: Reader, storages: dict[int, Storage]) -> dict[int, Tensor]:
    tensors: dict[int, Tensor] = {}
    for _ in range(_read_count(reader)):
        key, storage, _ = _record(_unpickle(reader), 3)
        (rank,) = struct.unpack("<i4x", reader.take(8))
        if not 0 <= rank <= MAX_RANK:
            raise CheckpointError(
                f"A tensor has {rank} axes.", f"A tensor must have 0 to {MAX_RANK} axes."
            )
        numbers = struct.unpack(f"<{2 * rank + 1}q", reader.take(8 * (2 * rank + 1)))
        shape, strides, offset = numbers[:rank], numbers[rank:-1], numbers[-1]
        view = pickles.make_tensor(_find(storages, storage), offset, shape, strides)
        _add(tensors, checked_count(key), view)
    return tensors


def _tensor_finder(tensors: dict[int, Tensor]):
    """Return the function that finds the tensor of a persistent id: its key in decimal digits."""

    def persistent(identity: Any) -> Tensor:
        if type(identity) is not str or not (identity.isdecimal() and len(identity) <= 20):
            raise invalid_pickle(
                "The pickle refers to an object that is not a tensor.", remedy=pickles.SAVE
            )
        return _find(tensors, int(identity))

    return persistent


def _unpickle(reader: Reader) -> Any:
    return Machine(reader, Vocabulary(NAMES)).run()


def _read_count(reader: Reader) -> int:
    number = checked_count(_unpickle(reader))
    if number > MAX_COUNT:
        raise CheckpointError(
            f"The file has {number} storages or tensors.",
            f"The file must have at most {MAX_COUNT} of each.",
        )
    return number


def _record(value: Any, length: int) -> tuple:
    if type(value) is not tuple or len(value) != length:
        raise invalid_pickle(f"The pickle has {describe_value(value)} in place of {length} values.")
    return value


def _add(values: dict[int, Any], key: int, value: Any) -> None:
    if key in values:
        raise CheckpointError(
            f"Two tensors or storages have the key {quoted(str(key))}.", "Every key must be unique."
        )
    values[key] = value


def _find(values: dict[int, Any], key: Any) -> Any:
    if type(key) is not int or key not in values:
        raise CheckpointError(
            "A tensor or a storage is missing.",
            "Every tensor and storage that is used must be in the file.",
        )
    return values[key]
