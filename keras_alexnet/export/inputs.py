"""`Inputs`: photos as a model takes them, and what is assumed about them."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.folder import size_and_method
from keras_alexnet.evaluation.networks import prepares_itself
from keras_alexnet.export.operators import Graph
from keras_alexnet.export.photos import Photos, in_format, squares
from keras_alexnet.export.preparation import scales_pixels, unprepared
from keras_alexnet.preprocessing import evaluation_preprocessor

SIDE = 224  # of the images of a model that takes any size


@dataclasses.dataclass(frozen=True, eq=False)
class Inputs:
    """A batch that a model takes.

    Args:
        batch: The images.
        note: A sentence on what is assumed about them; empty if nothing is.
        unknown: The model, and why it is not known how its images are scaled, in words; `None` if
            it is known. Ranges of such images are worth nothing.
    """

    batch: np.ndarray
    note: str = ""
    unknown: str | None = None


def inputs_of(photos: Photos, graph: Graph, model, card: ModelCard) -> Inputs:
    """Return photos as the model of a graph takes them.

    They are prepared as the model's card says, and stay pixels for a model that scales them itself.
    """
    dtype = graph.input.dtype
    if prepares_itself(model):
        return Inputs(squares(photos, graph, size_and_method(model)[0]).astype(dtype))
    wrong = unprepared(model, card, graph)
    if wrong is None:
        stack = evaluation_preprocessor(card, data_format=graph.data_format)
        batch = squares(photos, graph, stack.layers[0].size)
        return Inputs(np.concatenate([_applied(stack, image[None]) for image in batch]))
    batch = _of_shape(photos, graph)
    if scales_pixels(graph):
        if card.pixels is None:  # no other preparation is recorded
            return Inputs(batch.astype(dtype))
        return Inputs(batch.astype(dtype), _note("stayed pixels of 0 to 255", wrong), wrong)
    if card.variant is not None and 3 in (batch.shape[1], batch.shape[-1]):
        *_, values = evaluation_preprocessor(card, data_format=graph.data_format).layers
        sizes = batch.shape[1:3] if graph.data_format == "channels_last" else batch.shape[2:]
        return Inputs(
            _applied(values, batch), _note("were resized to {} x {}".format(*sizes), wrong)
        )
    scaled = ((batch - 127.5) / 64).astype(dtype)
    return Inputs(scaled, _note("were scaled to about -2 to 2", wrong), wrong)


def _note(done: str, model: str) -> str:
    return f"The images of the comparison {done} for {model}."


def _applied(layers, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(layers(images, training=False))


def _of_shape(photos: Photos, graph: Graph) -> np.ndarray:
    """Return photos as uint8 in whatever shape a graph takes, with as many channels."""
    from PIL import Image

    last = graph.data_format == "channels_last"
    shape = graph.input.shape[1:] if last else (*graph.input.shape[2:], graph.input.shape[1])
    if len(shape) != 3 or shape[-1] is None:
        raise UserError(
            f"Received the model {graph.name!r} with an input of shape {graph.input.shape[1:]}.",
            "The input must be images of known channels.",
            "Export a model that takes images.",
        )
    rows, columns, channels = (SIDE if size is None else size for size in shape)
    resized = [Image.fromarray(image).resize((columns, rows)) for image in photos.images]
    batch = np.stack([np.asarray(image) for image in resized])
    batch = np.concatenate([batch] * -(-channels // 3), axis=-1)[..., :channels]
    return in_format(batch, graph)
