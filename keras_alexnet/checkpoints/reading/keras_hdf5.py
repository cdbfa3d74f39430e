"""Reads weights from Keras's files: .weights.h5, .h5 and .keras; no configuration is ever read.

`keras.models.load_model` builds what a file describes, which has again and again been a way to run
what its author liked (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906).
Here a file gives arrays by name, no link leads out of it, and no other file is opened
(CVE-2026-1669).
"""

import json

from keras_alexnet.checkpoints.errors import CheckpointError, refused, shown
from keras_alexnet.checkpoints.reading import zip_members, zips
from keras_alexnet.checkpoints.reading.arrays import StoredArray
from keras_alexnet.checkpoints.reading.blame import blaming
from keras_alexnet.checkpoints.reading.files import CheckpointFile
from keras_alexnet.checkpoints.reading.hdf5_attributes import texts
from keras_alexnet.checkpoints.reading.hdf5_blocks import Blocks
from keras_alexnet.checkpoints.reading.hdf5_datasets import stored_array
from keras_alexnet.checkpoints.reading.hdf5_groups import members
from keras_alexnet.checkpoints.reading.hdf5_headers import (
    LAYOUT,
    LINK_INFO,
    SYMBOL_TABLE,
    Header,
)

MEMBER, ABOUT = "model.weights.h5", "metadata.json"  # of a .keras archive
PROVENANCE = "keras_alexnet.json"  # of one that this package converted
LEGACY = "model_weights"  # the group with the weights in an .h5 file with a whole model
MAX_ABOUT = 1 << 16
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
    for name in (ABOUT, PROVENANCE):
        if name in entries:
            metadata.update(_about(name, zip_members.content(file, entries[name], MAX_ABOUT)))
    return arrays, metadata


def _about(name: str, content: bytes) -> dict[str, str]:
    try:
        value = json.loads(content.decode("utf-8"))  # not in UTF-32 either
    except ValueError as error:
        raise refused(f"Its {name} cannot be read.", "JSON was expected.") from error
    pairs = value.items() if type(value) is dict else ()
    return {name: text for name, text in pairs if type(text) is str}


def _contents(
    file: CheckpointFile, start: int, size: int
) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the HDF5 file that lies in a part of a file."""
    blocks = Blocks(file, start, size)
    root = blocks.root()
    arrays = _Collector(blocks).collect(root)
    return arrays, texts(Header(blocks, root))


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
            with blaming(path):
                self._arrays[path] = stored_array(self._blocks, header)
            return
        if not any(kind in header for kind in (SYMBOL_TABLE, LINK_INFO)):
            raise _unfit(path, "is neither a group nor an array")
        if depth > MAX_DEPTH:
            raise _unfit(path, f"lies more than {MAX_DEPTH} groups deep")
        for name, member in members(self._blocks, header).items():
            self._enter(member, f"{path}/{name}" if path else name, depth + 1)


def _unfit(path: str, wrong: str) -> CheckpointError:
    return refused(
        f"{shown(path or '/')} {wrong}.",
        "Groups and arrays in the file itself were expected, each under one name.",
        "Save the weights with Keras.",
    )
