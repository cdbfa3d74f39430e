"""Writes Keras's own formats, with what is said about the weights where Keras does not look."""

import json
import zipfile
from collections.abc import Mapping

import h5py

from keras_alexnet.checkpoints.reading.keras_hdf5 import PROVENANCE


def write_weights(model, metadata: Mapping[str, str], path: str) -> None:
    """Write a .weights.h5 file, with the metadata as attributes of its root.

    Keras reads groups and arrays by name and leaves attributes alone. The texts have a fixed
    length, so that they lie in the root's own header.
    """
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        for name, text in metadata.items():
            content = text.encode("utf-8")
            kind = h5py.string_dtype("utf-8", len(content))
            file.attrs.create(name, content, dtype=kind)


def write_model(model, metadata: Mapping[str, str], path: str) -> None:
    """Write a .keras file, with the metadata as one more member of the archive."""
    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(PROVENANCE, json.dumps(dict(metadata), indent=1))
