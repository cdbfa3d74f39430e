"""Reads what torch.save writes since 1.6: a zip archive of a pickle and of plain storages."""

import functools
from typing import Any

from keras_alexnet.formats.archives import zip_members, zips
from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.pickle.values import Reader, bad_pickle
from keras_alexnet.formats.torch import state
from keras_alexnet.formats.torch.named_tensors import Location, arrays, named_tensors
from keras_alexnet.formats.torch.state import Storage, Storages

PICKLE = "data.pkl"
SCRIPT = "constants.pkl"
ORDERS = {b"little": "<", b"big": ">"}  # absent before 2.1: little


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the tensors by name; a storage is compared with its checksum when it is asked for."""
    members = zips.read_directory(file)
    prefix = _prefix(members)
    storages = Storages()
    tensors = named_tensors(_unpickled(file, members[prefix + PICKLE], storages))
    order = _byte_order(file, members.get(prefix + "byteorder"))

    @functools.cache
    def located(key: str) -> Location:
        storage = storages.used[key]
        member = _storage_member(members, prefix, storage)
        check = zip_members.Check(file, member, storage.type.numbers(order))
        return Location(member.offset, check)

    return arrays(file, tensors, located, order), {}


def _prefix(members: dict[str, zips.Member]) -> str:
    """Return the folder that everything is in."""
    names = {kind: [n for n in members if n.split("/")[-1] == kind] for kind in (PICKLE, SCRIPT)}
    if names[SCRIPT]:
        raise CheckpointError(
            "It is a TorchScript program, not weights alone.",
            "A state dict was expected.",
            "Save it with torch.save(torch.jit.load(path).state_dict(), other_path).",
        )
    if len(names[PICKLE]) != 1:
        raise CheckpointError(
            f"The archive has {len(names[PICKLE])} members called {PICKLE}.",
            "One was expected.",
        )
    return names[PICKLE][0].removesuffix(PICKLE)


def _unpickled(file: CheckpointFile, member: zips.Member, storages: Storages) -> Any:
    zip_members.stored(member)
    zip_members.check_crcs(file, [member])
    reader = Reader(file, member.offset, member.offset + member.size)
    value = state.run(reader, storages)
    if reader.left:
        raise bad_pickle(f"ends {reader.left} bytes early")
    return value


def _storage_member(members: dict[str, zips.Member], prefix: str, storage: Storage) -> zips.Member:
    """Return where a storage is; its key is a name to look up, never a path."""
    member = members.get(f"{prefix}data/{storage.key}")
    if member is None:
        raise _misses(storage, "is not in the archive")
    expected = storage.total * storage.type.itemsize
    if zip_members.stored(member).size != expected:
        raise _misses(storage, f"has {member.size} bytes instead of {expected}")
    return member


def _misses(storage: Storage, wrong: str) -> CheckpointError:
    return CheckpointError(
        f"The storage {shown(storage.key)} of {storage.total} elements {wrong}.",
        "Each storage that the tensors use was expected in full.",
    )


def _byte_order(file: CheckpointFile, member: zips.Member | None) -> str:
    if member is None:
        return "<"
    text = zip_members.content(file, zip_members.stored(member), limit=16)
    if text not in ORDERS:
        raise CheckpointError(
            f"Its byte order is {shown(text)}.", "'little' or 'big' was expected."
        )
    return ORDERS[text]
