"""The model card of loaded weights: what the file states, and what is assumed."""

import dataclasses

from keras_alexnet.cards.alexnet_model import card_of
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.preparing import Prepared
from keras_alexnet.preprocessing import evaluation_preprocessor


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


def preparation(card: ModelCard) -> str:
    """Return a sentence: how images are prepared for a network."""
    return str(evaluation_preprocessor(card))
