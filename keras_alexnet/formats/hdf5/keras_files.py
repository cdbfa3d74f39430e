"""Reads weights from Keras's files: .weights.h5, .h5 and .keras; no model is built of them.

`keras.models.load_model` builds what a file describes, which has again and again been a way to run
what its author liked (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906).
Here a file gives arrays by name, no link leads out of it, and no other file is opened
(CVE-2026-1669). Of the configuration only the model card is read, which is text by name.
"""

import contextlib
import json

from keras_alexnet.formats.archives import zip_members, zips
from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.hdf5.attributes import texts
from keras_alexnet.formats.hdf5.blocks import Blocks
from keras_alexnet.formats.hdf5.datasets import stored_array
from keras_alexnet.formats.hdf5.groups import members
from keras_alexnet.formats.hdf5.headers import LAYOUT, LINK_INFO, SYMBOL_TABLE, Header
from keras_alexnet.formats.unread import if_readable

MEMBER, ABOUT = "model.weights.h5", "metadata.json"  # of a .keras archive
CONFIG, CARD = "config.json", "keras_alexnet.json"  # where its model card may stand
MODEL = "keras_alexnet>AlexNetModel"  # as Keras registers the class that carries one
LEGACY = "model_weights"  # the group with the weights in an .h5 file with a whole model
MAX_ABOUT = 1 << 24  # bytes
LONGEST_PART, MORE = 60_000, ".more-"  # of a text in attributes: bytes, and before a number
MAX_OBJECTS = 10_000  # groups and arrays; an AlexNet with its optimizer's state has 100
MAX_DEPTH = 32  # groups within groups


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read an .h5 or .weights.h5 file; names are paths in it, below `model_weights` if there."""
    return _contents(file, 0, file.size)


def read_archive(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read a .keras archive: the weights in it, and what it says about itself."""
    entries = zips.read_directory(file)
    member = zip_members.stored(entries[MEMBER])
    zip_members.check_crcs(file, [member])
    arrays, metadata = _contents(file, member.offset, member.size)
    for name in (ABOUT, CARD):
        if name in entries:
            content = zip_members.content(file, entries[name], MAX_ABOUT)
            metadata.update(_texts(_json(name, content)))
    if CONFIG in entries:
        with contextlib.suppress(CheckpointError, RecursionError):  # the weights are there
            content = zip_members.content(file, entries[CONFIG], MAX_ABOUT)
            metadata.update(_card(_json(CONFIG, content)))
    return arrays, metadata


def _json(name: str, content: bytes):
    try:
        return json.loads(content.decode("utf-8"))  # not in UTF-32 either
    except ValueError as error:
        raise CheckpointError(f"Its {name} cannot be read.", "JSON was expected.") from error


def _texts(value) -> dict[str, str]:
    pairs = value.items() if type(value) is dict else ()
    return {name: text for name, text in pairs if type(text) is str}


def _card(value) -> dict[str, str]:
    """Return the card of the first model with one, the outermost first, in a configuration."""
    config = value.get("config") if type(value) is dict else None
    if type(config) is not dict:
        return {}
    if value.get("registered_name") == MODEL and "card" in config:
        return _texts(config["card"])
    layers = config.get("layers")
    cards = map(_card, layers if type(layers) is list else ())
    return next(filter(None, cards), {})


def _joined(metadata: dict[str, str]) -> dict[str, str]:
    """Return texts by name, each of one piece."""
    whole = {name: text for name, text in metadata.items() if MORE not in name}
    for name in whole:
        number = 1
        while (part := metadata.get(f"{name}{MORE}{number}")) is not None:
            whole[name] += part
            number += 1
    return whole


def _contents(
    file: CheckpointFile, start: int, size: int
) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the HDF5 file that lies in a part of a file."""
    blocks = Blocks(file, start, size)
    root = blocks.root()
    arrays = _Collector(blocks).collect(root)
    return arrays, _joined(texts(Header(blocks, root)))


class _Collector:
    """Finds the arrays in an HDF5 file."""

    def __init__(self, blocks: Blocks):
        self._blocks = blocks
        self._arrays: dict[str, StoredArray] = {}
        self._seen: set[int] = set()

    def collect(self, root: int) -> dict[str, StoredArray]:
        """Return the arrays by their paths, in their order."""
        names = members(self._blocks, Header(self._blocks, root))
        self._enter(names.get(LEGACY, root), "", 0)
        return self._arrays

    def _enter(self, address: int, path: str, depth: int) -> None:
        """Collect what has its header at an address: an array, or all in a group."""
        if address in self._seen or len(self._seen) > MAX_OBJECTS:
            raise _unfit(path, "has a second name, or is one of too many")
        self._seen.add(address)
        header = Header(self._blocks, address)
        if LAYOUT in header and path:
            place = self._blocks.file.path
            self._arrays[path] = if_readable(place, path, stored_array, self._blocks, header)
            return
        if not any(kind in header for kind in (SYMBOL_TABLE, LINK_INFO)):
            raise _unfit(path, "is neither a group nor an array")
        if depth > MAX_DEPTH:
            raise _unfit(path, f"lies more than {MAX_DEPTH} groups deep")
        for name, member in members(self._blocks, header).items():
            self._enter(member, f"{path}/{name}" if path else name, depth + 1)


def _unfit(path: str, wrong: str) -> CheckpointError:
    return CheckpointError(
        f"{shown(path or '/')} {wrong}.",
        "Groups and arrays in the file itself were expected, each under one name.",
        "Save the weights with Keras.",
    )
