"""Reader of torch.save's format since 1.6: a zip archive of a pickle and of plain storages."""

import functools
from typing import Any

import numpy as np

from keras_alexnet.formats.archives import zip_members, zips
from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle.values import Reader, invalid_pickle
from keras_alexnet.formats.torch import pickles
from keras_alexnet.formats.torch.named_tensors import StorageLocation, arrays, named_tensors
from keras_alexnet.formats.torch.pickles import Storage, Storages

PICKLE = "data.pkl"
SCRIPT = "constants.pkl"
ORDERS = {b"little": "<", b"big": ">"}  # before PyTorch 2.1, no member says it: little


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the tensors by name. The first read of a storage compares it with its CRC-32."""
    members = zips.read_directory(file)
    prefix = _prefix(members)
    storages = Storages()
    tensors = named_tensors(_unpickle(file, members[prefix + PICKLE], storages))
    order = _byte_order(file, members.get(prefix + "byteorder"))

    @functools.cache
    def locate(key: str) -> StorageLocation:
        storage = storages.used[key]
        member = _storage_member(members, prefix, storage)
        element = storage.element
        plain = element.dtype[0] != "c" and not element.bfloat16
        dtype = np.dtype(order + element.dtype) if plain else None
        check = zip_members.crc_check(file, member, dtype)
        return StorageLocation(member.offset, check)

    return arrays(file, tensors, locate, order), {}


def _prefix(members: dict[str, zips.Member]) -> str:
    """Return the path in the archive in front of all members."""
    names = {kind: [n for n in members if n.split("/")[-1] == kind] for kind in (PICKLE, SCRIPT)}
    if names[SCRIPT]:
        raise CheckpointError(
            "The file is a TorchScript program.",
            "The file must hold a state dict.",
            "Save it with torch.save(torch.jit.load(path).state_dict(), other_path).",
        )
    if len(names[PICKLE]) != 1:
        raise CheckpointError(
            f"The archive has {len(names[PICKLE])} members called {PICKLE}.",
            f"The archive must have one member {PICKLE}.",
        )
    return names[PICKLE][0].removesuffix(PICKLE)


def _unpickle(file: CheckpointFile, member: zips.Member, storages: Storages) -> Any:
    zip_members.check_crcs(file, [member])
    reader = Reader(file, member.offset, member.offset + member.size)
    value = pickles.unpickle(reader, storages)
    if reader.left:
        raise invalid_pickle(f"The pickle ends {reader.left} bytes early.")
    return value


def _storage_member(members: dict[str, zips.Member], prefix: str, storage: Storage) -> zips.Member:
    """Return the member of a storage. The storage's key is only compared with names."""
    member = members.get(f"{prefix}data/{storage.key}")
    if member is None:
        raise _invalid_storage(storage, "is not in the archive")
    expected = storage.total * storage.element.itemsize
    if zip_members.require_stored(member).size != expected:
        raise _invalid_storage(storage, f"has {member.size} bytes instead of {expected}")
    return member


def _invalid_storage(storage: Storage, problem: str) -> CheckpointError:
    return CheckpointError(
        f"The storage {quoted(storage.key)} of {storage.total} elements {problem}.",
        "Every storage of a tensor must be in the archive and complete.",
    )


def _byte_order(file: CheckpointFile, member: zips.Member | None) -> str:
    if member is None:
        return "<"
    text = zip_members.read_member(file, zip_members.require_stored(member), limit=16)
    if text not in ORDERS:
        raise CheckpointError(
            f"The byte order is {quoted(text)}.", "The byte order must be 'little' or 'big'."
        )
    return ORDERS[text]
