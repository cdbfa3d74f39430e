"""Reads what torch.save wrote from 0.1.10 to 1.5: five pickles, then the storages back to back."""

from typing import Any

from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle.values import Reader
from keras_alexnet.formats.torch import named_tensors, state

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the tensors by name; the file must end where the last storage does."""
    reader = Reader(file, 0, file.size)
    _check_start(reader)
    storages = state.Storages()
    tensors = named_tensors.named_tensors(state.run(reader, storages))
    keys = state.run(reader)
    _check_keys(keys, storages.used)
    places = {}
    for key in keys:
        places[key] = named_tensors.Location(_skipped(reader, storages.used[key]))
    if reader.left:
        raise CheckpointError(
            f"{reader.left} bytes follow the last storage.", "The file was expected to end there."
        )
    return named_tensors.arrays(file, tensors, places.__getitem__), {}


def _check_start(reader: Reader) -> None:
    magic, protocol, system = (state.run(reader) for _ in range(3))
    if type(magic) is not int or magic != MAGIC:
        raise CheckpointError("Its first number is not PyTorch's.", f"{MAGIC:#x} was expected.")
    if type(protocol) is not int or protocol != PROTOCOL:
        raise CheckpointError(
            "It has an unknown version of the format.", f"{PROTOCOL} was expected."
        )
    if type(system) is not dict or system.get("little_endian") is not True:
        raise CheckpointError(
            "It does not say that its numbers are little-endian.",
            "Numbers with the lowest byte first were expected.",
            "Save it again on a common machine.",
        )


def _check_keys(keys: Any, used: dict[str, state.Storage]) -> None:
    """Raise unless the list of storages is that of the tensors, each once."""
    strange = type(keys) is not list or not all(type(key) is str for key in keys)
    if strange or len(set(keys)) != len(keys) or set(keys) != set(used):
        raise CheckpointError(
            "Its list of storages is not that of its tensors.", "Each was expected, once."
        )


def _skipped(reader: Reader, storage: state.Storage) -> int:
    """Pass over a storage; return where its numbers begin."""
    count = int.from_bytes(reader.take(8), "little", signed=True)
    if count != storage.total:
        raise CheckpointError(
            f"The storage {shown(storage.key)} has {count} elements.",
            f"{storage.total} were expected, as its tensors say.",
        )
    return reader.skip(count * storage.type.itemsize)
