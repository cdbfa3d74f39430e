"""Reader of torch.save's format from 0.1.10 to 1.5: five pickles, and then the storages."""

from typing import Any

from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle.values import Reader
from keras_alexnet.formats.torch import named_tensors, pickles

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the tensors by name. The file must end with the last storage."""
    reader = Reader(file, 0, file.size)
    _check_start(reader)
    storages = pickles.Storages()
    tensors = named_tensors.named_tensors(pickles.unpickle(reader, storages))
    keys = pickles.unpickle(reader)
    _check_keys(keys, storages.used)
    locations = {}
    for key in keys:
        locations[key] = named_tensors.StorageLocation(_skip_storage(reader, storages.used[key]))
    if reader.left:
        raise CheckpointError(
            f"The last storage ends at byte {file.size - reader.left} of {file.size}.",
            "The file must end with its last storage.",
        )
    return named_tensors.arrays(file, tensors, locations.__getitem__), {}


def _check_start(reader: Reader) -> None:
    magic, protocol, system = (pickles.unpickle(reader) for _ in range(3))
    if type(magic) is not int or magic != MAGIC:
        raise CheckpointError(
            "The first number of the file is not PyTorch's.",
            f"The first number must be {MAGIC:#x}.",
        )
    if type(protocol) is not int or protocol != PROTOCOL:
        raise CheckpointError(
            "The file has an unknown version of the format.", f"The version must be {PROTOCOL}."
        )
    pickles.check_byte_order(system)


def _check_keys(keys: Any, used: dict[str, pickles.Storage]) -> None:
    """Raise unless the list of storages has each storage of the tensors once."""
    not_texts = type(keys) is not list or not all(type(key) is str for key in keys)
    if not_texts or len(set(keys)) != len(keys) or set(keys) != set(used):
        raise CheckpointError(
            "The file's list of storages is not that of its tensors.",
            "The list must have each storage of the tensors once.",
        )


def _skip_storage(reader: Reader, storage: pickles.Storage) -> int:
    """Skip a storage, and return the byte where its numbers begin."""
    count = int.from_bytes(reader.take(8), "little", signed=True)
    if count != storage.total:
        raise CheckpointError(
            f"The storage {quoted(storage.key)} has {count} elements.",
            f"The storage must have {storage.total} elements, as its tensors state.",
        )
    return reader.skip(count * storage.element.itemsize)
