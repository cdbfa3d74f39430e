"""The model card of a model, of a file, and of weights that are loaded into a model."""

from __future__ import annotations

import dataclasses

import keras

from keras_alexnet.cards.alexnet_model import card_of
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.prepared import Prepared
from keras_alexnet.checkpoints.sources import open_source
from keras_alexnet.preprocessing import evaluation_preprocessor
from keras_alexnet.type_aliases import Weights


def get_model_card(source: keras.Model | Weights) -> ModelCard | None:
    """Return the model card of a model or of a file.

    Args:
        source: A model, the path of a file of any format that `load_checkpoint` reads, or the
            name of a published checkpoint. A model that holds others has the card of the first
            network in it that has one.

    Returns:
        The `ModelCard`; `None` if the model or the file has none.

    Raises:
        UserError: (a `ValueError`) if the file cannot be read.

    Example:

    >>> import os, tempfile
    >>> from keras_alexnet import AlexNet, get_model_card
    >>> path = os.path.join(tempfile.mkdtemp(), "network.keras")
    >>> AlexNet("cifar10_80sec").save(path)
    >>> get_model_card(path).variant
    'cifar10_80sec'
    """
    if isinstance(source, keras.Model):
        return card_of(source)
    with open_source(source, argument="source") as opened:
        return None if opened.card == ModelCard() else opened.card


def complete_card(prepared: Prepared) -> tuple[ModelCard, tuple[str, ...]]:
    """Return the card of a model that gets weights, and each assumption in it as a sentence."""
    own, card, plan = card_of(prepared.model), prepared.source.card, prepared.plan
    if own is None or own.variant is None:  # a model of another builder: its images are unknown
        card = dataclasses.replace(card, variant=None, input_size=None, pixels=None)
    elif own.variant != card.variant:
        card = dataclasses.replace(
            card, variant=own.variant, checkpoint=None, licence=None, training=None
        )
    last = prepared.targets[-1]
    classes = 0 if last.is_conv else last.layer.units
    if plan.kept or classes != len(card.class_names or ()):
        card = dataclasses.replace(card, class_names=None)
    if plan.kept:
        card = dataclasses.replace(card, training=None)
    card = dataclasses.replace(card, channel_order=prepared.wanted_order or prepared.order)
    if own is None or card.variant is None:
        return card, ()
    if plan.assignments[0].placement.summed or prepared.targets[0].layer.kernel.shape[2] == 1:
        # The mean of three colours does not fit gray images.
        return dataclasses.replace(card, input_size=own.input_size, pixels=None), ()
    sized = _with_pixels(card, own.input_size)
    if card.pixels is not None:
        return sized, ()
    return sized, (assumed_preparation(prepared.source.contents.path, sized),)


def assumed_preparation(path: str, card: ModelCard) -> str:
    """Return the assumption for a file that does not say how images are prepared."""
    assumed = "the model is assumed to take RGB pixels of 0 to 255."
    if card.variant is not None:
        assumed = (
            f"they are assumed to be prepared as for the variant {card.variant!r}. "
            f"{evaluation_preprocessor(card)}"
        )
    return f"{path!r} does not say how images are prepared: {assumed}"


def _with_pixels(card: ModelCard, size: int | None) -> ModelCard:
    """Return a card with the pixels that its record gives, for images of a size."""
    record = card.record()
    size = size or record.input_size
    base = round(size * record.pixels.base / record.input_size)
    pixels = dataclasses.replace(record.pixels, base=base)
    return dataclasses.replace(card, input_size=size, pixels=pixels, channel_order=pixels.order)
