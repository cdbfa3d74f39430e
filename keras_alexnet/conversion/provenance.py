"""The model card of a converted file: its source, hash and changes, and the layout in words."""

import dataclasses
import os

import keras

from keras_alexnet.cards.records import ModelCard, Source
from keras_alexnet.cards.texts import to_texts
from keras_alexnet.checkpoints.prepared import Prepared
from keras_alexnet.checkpoints.report import Loaded
from keras_alexnet.errors import escaped
from keras_alexnet.preprocessing import evaluation_preprocessor
from keras_alexnet.version import __version__

LAYOUT = (
    "Keras's: kernels of convolutions (height, width, in, out), dense ones (in, out), rows behind "
    "the maps in the order height, width, channels"
)


def converted_card(prepared: Prepared, loaded: Loaded, sha256: str) -> ModelCard:
    """Return the card of a file that is written with weights that were loaded.

    The card leaves out how images are prepared if that is assumed, unless the order of the colours
    is known: the tensors' names tell the program, and so how it prepares images for the variant.
    `sha256` is the hash of the file that was loaded.
    """
    name = escaped(os.path.basename(loaded.path))
    card = loaded.card
    if loaded.assumptions and prepared.order is None:
        card = dataclasses.replace(card, pixels=None, channel_order=None)
    return dataclasses.replace(
        card,
        source=Source(name, sha256, loaded.format, loaded.dialect),
        changes=" ".join(loaded.changes) or None,
        keras_alexnet_version=__version__,
        keras_version=keras.__version__,
    )


def file_texts(card: ModelCard) -> dict[str, str]:
    """Return a card as text by name, with the layout and the preparation in words for readers."""
    texts = to_texts(card) | {"layout": LAYOUT}
    if card.pixels is not None:
        texts["preprocessing"] = str(evaluation_preprocessor(card))
    return texts
