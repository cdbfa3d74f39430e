"""The model card of weights that were loaded, completed with what the file leaves open."""

import dataclasses
import os

import keras

from keras_alexnet.alexnet_model import card_of
from keras_alexnet.cards.records import ModelCard, Source
from keras_alexnet.cards.texts import to_texts
from keras_alexnet.checkpoints.preparing import Prepared
from keras_alexnet.checkpoints.report import Loaded
from keras_alexnet.errors import escaped

LAYOUT = (
    "Keras's: kernels of convolutions (height, width, in, out), dense ones (in, out), rows behind "
    "the maps in the order height, width, channels"
)


def completed_card(prepared: Prepared) -> tuple[ModelCard, tuple[str, ...]]:
    """Return the card of a model that gets weights, and each assumption in it as a sentence."""
    own, card, plan = card_of(prepared.model), prepared.source.card, prepared.plan
    order = prepared.wanted_order or prepared.order
    if own is None or own.variant is None:  # a model of another builder: its images are unknown
        card = dataclasses.replace(card, variant=None, input_size=None, pixels=None)
    elif own.variant != card.variant:
        card = dataclasses.replace(
            card, variant=own.variant, checkpoint=None, licence=None, training=None
        )
    if plan.kept or _outputs(prepared) != len(card.class_names or ()):
        card = dataclasses.replace(card, class_names=None)
    if plan.kept:
        card = dataclasses.replace(card, training=None)
    card = dataclasses.replace(card, channel_order=order)
    if own is None or card.variant is None:
        return card, ()
    gray = plan.assignments[0].placement.summed or prepared.targets[0].layer.kernel.shape[2] == 1
    if gray:  # the mean of three colours does not fit
        return dataclasses.replace(card, input_size=own.input_size, pixels=None), ()
    assumed = card.pixels is None
    card = _sized(card, own.input_size)
    if not assumed:
        return card, ()
    return card, (assumed_preparation(prepared.source.contents.path, card),)


def assumed_preparation(path: str, card: ModelCard) -> str:
    """Return the assumption for a file that does not say how images are prepared."""
    if card.variant is None:
        assumed = "the model is assumed to take RGB pixels of 0 to 255."
    else:
        assumed = (
            f"they are assumed to be prepared as for the variant {card.variant!r}. "
            f"{preparation(card)}"
        )
    return f"{path!r} does not say how images are prepared: {assumed}"


def _sized(card: ModelCard, size: int | None) -> ModelCard:
    """Return a card with the pixels that its record gives, for images of a size."""
    record = card.record()
    size = size or record.input_size
    base = round(size * record.pixels.base / record.input_size)
    pixels = dataclasses.replace(record.pixels, base=base)
    return dataclasses.replace(card, input_size=size, pixels=pixels, channel_order=pixels.order)


def _outputs(prepared: Prepared) -> int:
    """Return the number of classes of a model, 0 if it has no classifier."""
    last = prepared.targets[-1]
    return 0 if last.is_conv else last.layer.units


def converted_card(prepared: Prepared, loaded: Loaded, sha256: str) -> ModelCard:
    """Return the card of a file that is written with weights that were loaded.

    An assumption stays out of it, unless the order of the colours is known: names of tensors tell
    the program, and with the variant how it prepares images.

    Args:
        prepared: The open weights and the model.
        loaded: The report of the load.
        sha256: Hash of the file that was loaded.
    """
    from keras_alexnet import __version__  # not before the package is complete

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
    said = to_texts(card) | {"layout": LAYOUT}
    if card.pixels is not None:
        said["preprocessing"] = preparation(card)
    return said


def preparation(card: ModelCard) -> str:
    """Return a sentence: how images are prepared for a network."""
    from keras_alexnet.preprocessing import evaluation_preprocessor  # it needs the registry

    return str(evaluation_preprocessor(card))
