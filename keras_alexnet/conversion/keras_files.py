"""Writes Keras's own formats, with the model card where Keras does not look."""

import json
import zipfile

import h5py

from keras_alexnet.cards.alexnet_model import AlexNetModel
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.conversion.provenance import file_texts
from keras_alexnet.formats.hdf5.keras_files import CARD, LONGEST_PART, MORE


def write_weights(model, card: ModelCard, path: str) -> None:
    """Write a .weights.h5 file, with the card as attributes of its root.

    Keras reads groups and arrays by name and leaves attributes alone. The texts have a fixed
    length, so that they lie in the root's own header, and at most 64 KB each: a longer one stands
    in several attributes.
    """
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        for name, text in file_texts(card).items():
            content = text.encode("utf-8")
            parts = range(0, len(content), LONGEST_PART)
            for number, start in enumerate(parts):
                part = content[start : start + LONGEST_PART]
                kind = h5py.string_dtype("utf-8", len(part))
                file.attrs.create(f"{name}{MORE}{number}" if number else name, part, dtype=kind)


def write_model(model, card: ModelCard, path: str) -> None:
    """Write a .keras file, with the card in the model's configuration.

    A model that `AlexNet` did not build has no place for it there: it gets one more member of the
    archive.
    """
    if isinstance(model, AlexNetModel):
        before, model.card = model.card, card
        try:
            model.save(path)
        finally:
            model.card = before
        return
    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CARD, json.dumps(file_texts(card), indent=1))
