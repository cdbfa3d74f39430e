"""Reads what torch.save wrote up to 0.1.9: a tar archive of three pickled streams.

The streams, after torch/serialization.py of 2017: `storages` has their number, each with a pickled
(key, location, type) in front, then pickled views of storages; `tensors` has their number, each
with a pickled (key, storage, type) in front of its sizes; `pickle` has what was saved, with the
tensors' keys for persistent ids.
"""

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from keras_alexnet.formats.archives.tars import read_members
from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle.machine import Machine
from keras_alexnet.formats.pickle.values import Reader, Vocabulary, bad_pickle
from keras_alexnet.formats.shapes import MAX_RANK
from keras_alexnet.formats.torch import named_tensors, state
from keras_alexnet.formats.torch.named_tensors import Location
from keras_alexnet.formats.torch.state import Storage, Tensor, count, storage_type

MEMBERS = {"sys_info", "pickle", "tensors", "storages"}
MAX_COUNT = 4096  # storages, tensors
# The types of tensors are named, and never used: that of the storage says it all.
NAMES: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        **state.NAMES,
        **{
            (module, name.replace("Storage", "Tensor")): "a type of tensor"
            for module in ("torch", "torch.cuda")
            for name in state.STORAGE_TYPES
        },
    }
)


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the tensors by name; each stream must end where its archive says."""
    members = read_members(file, MEMBERS)
    readers = {name: Reader(file, start, start + size) for name, (start, size) in members.items()}
    system = _run(readers["sys_info"])
    if type(system) is not dict or system.get("little_endian") is not True:
        raise CheckpointError(
            "Its numbers are not little-endian.", "The lowest byte first was expected."
        )
    storages, places = _storages(readers["storages"])
    tensors = _tensors(readers["tensors"], storages)
    value = Machine(readers["pickle"], Vocabulary(NAMES, _by_key(tensors))).run()
    for name, reader in readers.items():
        if reader.left:
            raise CheckpointError(
                f"The stream {name} ends {reader.left} bytes early.", "All was expected."
            )
    named = named_tensors.named_tensors(value)
    return named_tensors.arrays(file, named, places.__getitem__), {}


def _storages(reader: Reader) -> tuple[dict[int, Storage], dict[str, Location]]:
    """Return the storages by their keys, views among them, and where their numbers begin."""
    storages: dict[int, Storage] = {}
    places = {}
    for _ in range(_count(reader)):
        key, _, kind = _record(_run(reader), 3)
        length = count(int.from_bytes(reader.take(8), "little", signed=True))
        storage = Storage(str(count(key)), storage_type(kind), length, 0, length)
        start = reader.skip(length * storage.type.itemsize)
        places[storage.key] = Location(start)
        _add(storages, key, storage)
    for view in _list(_run(reader)):
        key, root, start, length = (count(number) for number in _record(view, 4))
        whole = _found(storages, root)
        if start + length > whole.count:
            raise CheckpointError(
                "A view of a storage reaches beyond its end.",
                "Every view must lie inside its storage.",
            )
        first = whole.start + start
        _add(storages, key, Storage(whole.key, whole.type, whole.total, first, length))
    return storages, places


def _tensors(reader: Reader, storages: dict[int, Storage]) -> dict[int, Tensor]:
    tensors: dict[int, Tensor] = {}
    for _ in range(_count(reader)):
        key, storage, _ = _record(_run(reader), 3)
        (rank,) = struct.unpack("<i4x", reader.take(8))
        if not 0 <= rank <= MAX_RANK:
            raise CheckpointError(f"A tensor has {rank} axes.", f"0 to {MAX_RANK} were expected.")
        numbers = struct.unpack(f"<{2 * rank + 1}q", reader.take(8 * (2 * rank + 1)))
        shape, strides, offset = numbers[:rank], numbers[rank:-1], numbers[-1]
        view = state.tensor(_found(storages, storage), offset, shape, strides)
        _add(tensors, count(key), view)
    return tensors


def _by_key(tensors: dict[int, Tensor]):
    """Return what gives the tensor of a persistent id, which is its key in decimal digits."""

    def persistent(identity: Any) -> Tensor:
        if type(identity) is not str or not (identity.isdecimal() and len(identity) <= 20):
            raise bad_pickle("refers to something that is no tensor", remedy=state.SAVE)
        return _found(tensors, int(identity))

    return persistent


def _run(reader: Reader) -> Any:
    return Machine(reader, Vocabulary(NAMES)).run()


def _count(reader: Reader) -> int:
    number = count(_run(reader))
    if number > MAX_COUNT:
        raise CheckpointError(
            f"It has {number} storages or tensors.", f"Up to {MAX_COUNT} were expected."
        )
    return number


def _list(value: Any) -> list:
    if type(value) is not list:
        raise bad_pickle("has no list where one was expected")
    return value


def _record(value: Any, length: int) -> tuple:
    if type(value) is not tuple or len(value) != length:
        raise bad_pickle(f"has no tuple of {length} where one was expected")
    return value


def _add(values: dict[int, Any], key: int, value: Any) -> None:
    if key in values:
        raise _ambiguous(key)
    values[key] = value


def _found(values: dict[int, Any], key: Any) -> Any:
    if type(key) is not int or key not in values:
        raise CheckpointError(
            "A tensor or a storage is missing.", "Each one that is used was expected."
        )
    return values[key]


def _ambiguous(key: int) -> CheckpointError:
    return CheckpointError(
        f"Two tensors or storages have the key {shown(str(key))}.", "One was expected."
    )
