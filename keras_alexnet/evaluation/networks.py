"""`ready_network`: a network with weights, behind the layers that prepare its images."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import zipfile
import zlib
from collections.abc import Sequence

import keras

from keras_alexnet.arguments import file_path
from keras_alexnet.cards.alexnet_model import card_of
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.model_cards import assumed_preparation, get_model_card
from keras_alexnet.checkpoints.sources import check_variant, open_source
from keras_alexnet.checkpoints.targets import layers_of
from keras_alexnet.errors import UserError
from keras_alexnet.files import name_list, read_json
from keras_alexnet.functional_graphs import functional_model, made_once
from keras_alexnet.model import pretrained
from keras_alexnet.preprocessing import evaluation_preprocessor
from keras_alexnet.preprocessing.pixels import PixelNormalization
from keras_alexnet.preprocessing.stacks import shape_made
from keras_alexnet.type_aliases import DataFormat, VariantName, Weights
from keras_alexnet.variants import named_variant

__all__ = ["ReadyNetwork", "load_model", "ready_network"]

ENDING = ".keras"  # without which Keras takes no archive
# What a damaged archive makes the modules raise that read it.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, json.JSONDecodeError, UnicodeDecodeError)
DAMAGES = (*BROKEN, OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError)


@dataclasses.dataclass(frozen=True)
class ReadyNetwork:
    """A network that takes RGB pixels of 0 to 255.

    Args:
        model: The network, behind the layers that prepare its images.
        card: Its model card.
        assumptions: Sentences on facts that the file does not state and that are assumed.
        path: The file or the name that the weights are from; `None` for a `keras.Model`.
        bare: The network without the layers that prepare its images, if they are not part of the
            file.
    """

    model: keras.Model
    card: ModelCard
    assumptions: tuple[str, ...]
    path: str | None
    bare: keras.Model | None = None


def ready_network(
    weights: keras.Model | Weights,
    variant: VariantName | None = None,
    by_keras: bool = True,
    argument: str = "weights",
    prepared: bool = True,
) -> ReadyNetwork:
    """Return a network with the weights of a file of any format, ready to take images.

    The layers that prepare the images follow from the file's model card, unless they are part of
    the file.

    Args:
        weights: The path of a file, or the name of a published checkpoint, downloaded if it is
            not on this machine; `"imagenet"` for the best documented one of the variant; or a
            `keras.Model`.
        variant: The network; needed only if the file does not say it.
        by_keras: Whether Keras loads a `.keras` file, and so builds whatever its configuration
            says. Else its weights alone are read, and nothing in it is executed.
        argument: Name of the argument of the public call that `weights` was given for.
        prepared: Whether to put the layers that prepare the images before the network.

    Raises:
        UserError: If the weights do not exist, cannot be read, do not fit, or belong to another
            variant; if the network takes other images than its model card prepares.
    """
    variant = named_variant(variant)
    path: str | None = None
    if isinstance(weights, keras.Model):
        label = weights.name
    else:
        path = label = file_path(argument, weights)
    if path is None or (by_keras and _is_keras_archive(path)):
        model = weights if path is None else load_model(path)
        card = card_of(model) or (get_model_card(path) if path else None) or ModelCard()
        check_variant(variant, card, label)
        if variant is not None:
            card = dataclasses.replace(card, variant=variant)
        assumptions: tuple[str, ...] = ()
    else:
        with open_source(path, variant, argument=argument) as source:
            made = pretrained(source, variant, {"data_format": "channels_last"})
        model, card, assumptions = made.model, made.loaded.card, made.loaded.assumptions
    if not prepared or prepares_itself(model):
        return ReadyNetwork(model, card, assumptions, path)
    if card.variant is None or (card.pixels is None and not assumptions):
        assumptions = (*assumptions, assumed_preparation(label, card))
    bare = model
    if card.variant is not None:
        model = made_once(bare, card, lambda: _prepared(bare, card))
    return ReadyNetwork(model, card, assumptions, path, bare)


def class_names_of(network: ReadyNetwork) -> tuple[Sequence[str] | None, str | None]:
    """Return the names of a network's classes, and the assumption that they rest on, if any.

    They are the model card's, or else those of a file classes.json beside the model; `None` if
    there is none either.
    """
    if network.card.class_names is not None:
        return network.card.class_names, None
    if network.path is None or not os.path.exists(network.path):
        return None, None
    beside = os.path.join(os.path.dirname(os.path.abspath(network.path)), "classes.json")
    if not os.path.exists(beside):
        return None, None
    names = read_json(
        beside,
        name_list,
        "A file classes.json beside a model must hold the list of its class names.",
        "Restore it, or move the model to another folder to go without.",
    )
    return names, (
        f"{network.path!r} does not name its classes: those of the file classes.json in the same "
        "folder are assumed."
    )


def _is_keras_archive(path: str) -> bool:
    """Return whether a path is that of a whole Keras model."""
    if not os.path.isfile(path) or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "config.json" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def prepares_itself(model) -> bool:
    """Return whether a model has the layer that scales pixels of 0 to 255."""
    return any(isinstance(layer, PixelNormalization) for layer in layers_of(model))


def misfit(model, card: ModelCard) -> str | None:
    """Return a model with the images that it takes and its card does not prepare, in words.

    Args:
        model: The model.
        card: Its card, which names a variant.

    Returns:
        `None` if the layers that the card describes make the images that the model takes.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> misfit(AlexNet("cifar10_80sec", input_shape=(32, 24, 3), name="wide"), ModelCard("owt"))
    "the model 'wide' of images of shape (32, 24, 3), whose model card prepares images of shape \
(224, 224, 3)"
    """
    data_format = _data_format(model)
    made = shape_made(evaluation_preprocessor(card, data_format=data_format), data_format)
    taken = tuple(model.input_shape[1:])
    if len(taken) == len(made) and all(
        None in sizes or len({*sizes}) == 1 for sizes in zip(taken, made, strict=True)
    ):
        return None
    return (
        f"the model {model.name!r} of images of shape {taken}, whose model card prepares images "
        f"of shape {made}"
    )


def _prepared(model, card: ModelCard) -> keras.Model:
    """Return a model behind the layers that prepare its images."""
    wrong = misfit(model, card)
    if wrong is not None:
        raise UserError(
            f"Received {wrong}.",
            "The model must take the images that its model card prepares, or prepare them itself.",
            "Build the model for square RGB images, or call `predict` on images that you prepared.",
        )
    images = keras.Input((None, None, 3), name="image")
    stack = evaluation_preprocessor(card, data_format=_data_format(model))
    return functional_model(images, model(stack(images)), model.name)


def _data_format(model) -> DataFormat:
    """Return the data format of a model's images."""
    return "channels_first" if model.input_shape[1] == 3 else "channels_last"


def load_model(path: str) -> keras.Model:
    """Load a `.keras` file, not compiled.

    Raises:
        UserError: If there is no such file, or Keras cannot load it.
    """
    if not os.path.isfile(path):
        raise UserError(
            f"Received the model {path!r}, but there is no such file.",
            "The model must be a .keras file, or the name of a variant.",
            f"Check the path; the current folder is {os.getcwd()!r}.",
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except DAMAGES as error:
        if path.endswith(ENDING) and (isinstance(error, BROKEN) or not _is_keras_archive(path)):
            raise UserError(
                f"Received the model {path!r}, which is no Keras model, or a damaged one.",
                "A .keras file must be a whole zip archive with a config.json, as model.save(...) "
                "writes it.",
                "Check the path, or save or download the file again.",
            ) from error
        # The text of Keras has the config of every model around the reason.
        missing = re.search(r"Could not locate \w+ '[^']+'", str(error))
        reason = missing[0] if missing else str(error).strip().split("\n")[0].rstrip(".")
        raise UserError(
            f"Received the model {path!r}, which Keras cannot load: {reason}.",
            "The model must consist of layers of Keras and of this package.",
            "Save it again with model.save(...), or load a model with other layers in "
            "Python, after importing the package that registers them.",
        ) from error
