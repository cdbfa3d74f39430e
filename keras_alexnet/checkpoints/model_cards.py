"""The model card of a model, or of a file."""

import keras

from keras_alexnet.cards.alexnet_model import card_of
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.sources import open_source


def get_model_card(source) -> ModelCard | None:
    """Return the model card of a model or of a file.

    Args:
        source: A model, the path of a file of any format that `load_checkpoint` reads, or the
            name of a published checkpoint. Of a model that holds others it is the card of the
            first network in it that has one.

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
