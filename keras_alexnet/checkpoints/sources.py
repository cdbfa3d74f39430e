"""`WeightSource`: weights opened by name or path, with their model card."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator

from keras_alexnet.arguments import file_path
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.cards.texts import from_texts
from keras_alexnet.errors import UserError
from keras_alexnet.formats.opening import Contents, open_checkpoint
from keras_alexnet.published.hashes import file_hash, verify_hash
from keras_alexnet.published.imagenet import imagenet_class_names
from keras_alexnet.published.lookup import get_checkpoint, list_checkpoints, named_checkpoint
from keras_alexnet.published.records import Checkpoint
from keras_alexnet.variants import get_variant


@dataclasses.dataclass(frozen=True)
class WeightSource:
    """An open file of weights.

    Args:
        contents: The open file.
        checkpoint: The published checkpoint that it is a copy of, `None` if it is none or unknown.
        card: The facts that the file, or the record of the checkpoint, states.
    """

    contents: Contents
    checkpoint: Checkpoint | None
    card: ModelCard


@contextlib.contextmanager
def open_source(
    weights, variant: str | None = None, identify: bool = True, argument: str = "weights"
) -> Iterator[WeightSource]:
    """Open weights by name or path.

    Args:
        weights: The name of a published checkpoint, downloaded if it is not on this machine;
            `"imagenet"` for the variant's best documented one; the record of one; or a path.
        variant: The network as the caller names it, `None` to take it from the file.
        identify: Whether to hash a file with the size of a published one, to recognise a copy.
        argument: Name of the argument of the public call that `weights` was given for.

    Raises:
        UserError: If there are no such weights, they cannot be read, or they belong to another
            variant than `variant`.
    """
    if variant is not None:
        variant = get_variant(variant).name  # an unknown name raises before any download
    checkpoint = weights
    if not isinstance(weights, Checkpoint):
        checkpoint = named_checkpoint(weights, variant, argument)
    path = file_path(argument, weights) if checkpoint is None else local_copy(checkpoint)
    with open_checkpoint(path) as contents:
        card = from_texts(contents.metadata)
        if checkpoint is None and identify and card == ModelCard():
            checkpoint = _published(path, contents.format)
        if checkpoint is not None:
            card = _card_of(checkpoint)
        check_variant(variant, card, path)
        yield WeightSource(contents, checkpoint, card)


def local_copy(checkpoint: Checkpoint) -> str:
    """Return the path of a published checkpoint's file, downloaded and verified."""
    from keras_alexnet.published import download  # the only use of the network's modules

    return download.local_path(checkpoint)


def check_variant(variant: str | None, card: ModelCard, path: str) -> None:
    """Raise if a caller names another variant than a card.

    Raises:
        UserError: With both names.
    """
    if variant is None or card.variant is None or variant == card.variant:
        return
    raise UserError(
        f"Received variant={variant!r} for {path!r}, which holds the variant {card.variant!r}.",
        f"`variant` and the file must agree: {variant!r} computes differently with these weights.",
        f"Leave `variant` out, or pass {card.variant!r}.",
    )


def _published(path: str, form: str) -> Checkpoint | None:
    """Return the published checkpoint that a file is a copy of, by its size and hash."""
    rows = (get_checkpoint(name) for name in list_checkpoints())
    hashed = functools.cache(file_hash)
    same = (row for row in rows if form in row.formats and not verify_hash(path, row, hashed))
    return next(same, None)


def _card_of(checkpoint: Checkpoint) -> ModelCard:
    """Return the card of a published checkpoint, from its record."""
    named = checkpoint.class_order == "wordnet"
    return ModelCard(
        variant=checkpoint.variant,
        input_size=get_variant(checkpoint.variant).input_size,
        pixels=checkpoint.pixels,
        channel_order=checkpoint.pixels.order,
        class_names=imagenet_class_names() if named else None,
        checkpoint=checkpoint.name,
        licence=checkpoint.licence,
    )
