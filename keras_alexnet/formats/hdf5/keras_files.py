"""Readers of Keras's files: .weights.h5, .h5 and .keras. They build no model.

`keras.models.load_model` builds the model that a file describes, and this has repeatedly let
the author of a file run code (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905,
CVE-2025-9906). Here a file gives arrays by name, no link leads out of it, and no other file is
opened (CVE-2026-1669). Of the configuration, only the model card is read: texts by name.
"""

import contextlib
import json
from collections.abc import Iterator

from keras_alexnet.formats.archives import zip_members, zips
from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.hdf5.attributes import read_texts
from keras_alexnet.formats.hdf5.blocks import Blocks
from keras_alexnet.formats.hdf5.datasets import read_array
from keras_alexnet.formats.hdf5.groups import ONLY_MEMBERS, group_members
from keras_alexnet.formats.hdf5.headers import LAYOUT, LINK_INFO, SYMBOL_TABLE, ObjectHeader
from keras_alexnet.formats.unread import if_readable

WEIGHTS, METADATA = "model.weights.h5", "metadata.json"  # members of a .keras archive
CONFIG, CARD = "config.json", "keras_alexnet.json"  # members that may hold its model card
MODEL = "keras_alexnet>AlexNetModel"  # the name under which the class that has a card is registered
LEGACY = "model_weights"  # the group of the weights in an .h5 file with a whole model
MAX_JSON = 1 << 24  # bytes
LONGEST_PART = 60_000  # bytes of a text in one attribute
MORE = ".more-"  # the end of the name of its next part
MAX_OBJECTS = 10_000  # groups and arrays; an AlexNet with its optimizer's state has 100
MAX_DEPTH = 32  # groups within groups


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read an .h5 or .weights.h5 file. Names are paths in it, below `model_weights` if present."""
    return _read_hdf5(file, 0, file.size)


def read_archive(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a .keras archive: its weights, its metadata and its model card."""
    entries = zips.read_directory(file)
    member = entries[WEIGHTS]
    zip_members.check_crcs(file, [member])
    arrays, metadata = _read_hdf5(file, member.offset, member.size)
    for name in (METADATA, CARD):
        if name in entries:
            metadata.update(_texts(_read_json(file, entries[name])))
    if CONFIG in entries:
        with contextlib.suppress(CheckpointError, RecursionError):  # weights load without a card
            metadata.update(_find_card(_read_json(file, entries[CONFIG])))
    return arrays, metadata


def _read_json(file: CheckpointFile, member: zips.Member):
    content = zip_members.read_member(file, member, MAX_JSON)
    try:
        return json.loads(content.decode("utf-8"))  # not in UTF-32 either
    except ValueError as error:
        received = f"The member {quoted(member.name)} of the archive cannot be read."
        raise CheckpointError(received, "The member must be JSON in UTF-8.") from error


def _texts(value) -> dict[str, str]:
    pairs = value.items() if type(value) is dict else ()
    return {name: text for name, text in pairs if type(text) is str}


def _find_card(value) -> dict[str, str]:
    """Return the card of the first model that has one in a configuration, outermost first."""
    config = value.get("config") if type(value) is dict else None
    if type(config) is not dict:
        return {}
    if value.get("registered_name") == MODEL and "card" in config:
        return _texts(config["card"])
    layers = config.get("layers")
    cards = map(_find_card, layers if type(layers) is list else ())
    return next(filter(None, cards), {})


def _join_parts(metadata: dict[str, str]) -> dict[str, str]:
    """Return texts by name, with the parts of long texts joined."""
    whole = {name: text for name, text in metadata.items() if MORE not in name}
    for name in whole:
        number = 1
        while (part := metadata.get(f"{name}{MORE}{number}")) is not None:
            whole[name] += part
            number += 1
    return whole


def _read_hdf5(
    file: CheckpointFile, start: int, size: int
) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the HDF5 file that lies at a position of a file."""
    blocks = Blocks(file, start, size)
    root = blocks.root()
    header = ObjectHeader(blocks, root)
    weights = group_members(blocks, header).get(LEGACY, root)
    arrays = dict(_walk(blocks, weights, "", 0, set()))
    return arrays, _join_parts(read_texts(header))


def _walk(
    blocks: Blocks, address: int, path: str, depth: int, seen: set[int]
) -> Iterator[tuple[str, StoredArray]]:
    """Yield the array at an address, or all arrays in the group there, by their paths."""
    if address in seen or len(seen) > MAX_OBJECTS:
        raise _invalid_object(path, "has a second name, or is one of too many objects")
    seen.add(address)
    header = ObjectHeader(blocks, address)
    if LAYOUT in header and path:
        yield path, if_readable(blocks.file.path, path, read_array, blocks, header)
        return
    if SYMBOL_TABLE not in header and LINK_INFO not in header:
        raise _invalid_object(path, "is neither a group nor an array")
    if depth > MAX_DEPTH:
        raise _invalid_object(path, f"lies more than {MAX_DEPTH} groups deep")
    for name, member in group_members(blocks, header).items():
        yield from _walk(blocks, member, f"{path}/{name}" if path else name, depth + 1, seen)


def _invalid_object(path: str, problem: str) -> CheckpointError:
    return CheckpointError(f"The object {quoted(path or '/')} {problem}.", *ONLY_MEMBERS)
