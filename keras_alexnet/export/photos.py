"""`Photos`: the images on which a written file is compared with its model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.data.bad_files import not_readable
from keras_alexnet.data.decoder import BadImage, decoded
from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.data.image_list import list_images
from keras_alexnet.errors import UserError, amount
from keras_alexnet.evaluation.folder import size_and_method
from keras_alexnet.export.grey_levels import clear_of_ties
from keras_alexnet.export.operators import Affine, Graph
from keras_alexnet.export.preparation import prepares_itself
from keras_alexnet.preprocessing import SquareResize, evaluation_preprocessor
from keras_alexnet.preprocessing.stacks import Preprocessor

DRAWN = 12  # images, where none are given
MOST = 64  # photos of a folder, evenly chosen: enough for a comparison, and for ranges
SIDE = 224  # of the images of a model that takes any size


@dataclasses.dataclass(frozen=True, eq=False)
class Photos:
    """Images, each of a size of its own.

    Args:
        images: uint8 RGB, `(rows, columns, 3)` each.
        said: How many they are, and where they are from.
        drawn: Whether this package drew them.
    """

    images: tuple[np.ndarray, ...]
    said: str
    drawn: bool = False


def photos_of(given: Any) -> Photos:
    """Return the photos of a folder, of files or of arrays; without them, drawn images.

    Raises:
        UserError: If there are none, or one cannot be read.

    Example:

    >>> photos_of(None).said
    '12 drawn images'
    """
    if given is None:
        images, _ = drawn_images(DRAWN, seed=0)
        return Photos(tuple(images), f"{DRAWN} drawn images", drawn=True)
    if isinstance(given, np.ndarray) or _all_arrays(given):
        arrays = [np.asarray(image) for image in given]
        if not arrays or any(x.dtype != np.uint8 or x.shape[2:] != (3,) for x in arrays):
            raise UserError(
                "Received photos that are other arrays than RGB images.",
                "Every photo must be a uint8 array of shape (height, width, 3).",
                "Give such arrays, or the path of a folder of image files.",
            )
    else:
        paths = list_images(given).paths
        step = max(1, -(-len(paths) // MOST))
        arrays = [_read(path) for path in paths[::step]]
    return Photos(tuple(arrays), amount(len(arrays), "photo"))


def _all_arrays(given) -> bool:
    return isinstance(given, (list, tuple)) and all(isinstance(x, np.ndarray) for x in given)


def _read(path: str) -> np.ndarray:
    try:
        return np.asarray(decoded(path))
    except BadImage as error:
        remedy = "Remove it from the folder, or choose other photos."
        raise not_readable(path, str(error), remedy) from error


def squares(photos: Photos, graph: Graph, size: int) -> np.ndarray:
    """Return photos as a batch of uint8 squares, in a graph's data format."""
    layer = SquareResize(size, data_format="channels_last")
    batch = [keras.ops.convert_to_numpy(layer(image)) for image in photos.images]
    return _in_format(np.stack(batch), graph)


def model_inputs(photos: Photos, graph: Graph, model, card: ModelCard) -> np.ndarray:
    """Return photos as a batch that a graph takes, which is that of a model alone.

    They are prepared as the model's card says, and stay pixels for a model that scales them itself.
    For a model of which neither is known they are scaled to about -2 to 2.
    """
    if prepares_itself(model):
        return squares(photos, graph, size_and_method(model)[0]).astype(graph.input.dtype)
    if card.variant is None:
        batch = _of_shape(photos, graph)
        scaled = not scales_pixels(graph)
        return ((batch - 127.5) / 64 if scaled else batch).astype(graph.input.dtype)
    stack = evaluation_preprocessor(card, data_format=graph.data_format)
    if _shape_behind(stack, graph) == graph.input.shape[1:]:
        batch = squares(photos, graph, stack.layers[0].size)
        return np.concatenate([_one(stack, image[None]) for image in batch])
    *_, values = stack.layers
    batch = _of_shape(photos, graph)
    fits = values.mean.ndim < 3 and 3 in (batch.shape[1], batch.shape[-1])
    return _one(values, batch) if fits else ((batch - 127.5) / 64).astype("float32")


def scales_pixels(graph: Graph) -> bool:
    """Return whether a network begins with a layer that scales its input, such as `Rescaling`."""
    begins = [node.operator for node in graph.nodes if node.input == graph.input.name]
    return graph.input.dtype == "uint8" or any(isinstance(x, Affine) for x in begins)


def _shape_behind(stack: Preprocessor, graph: Graph) -> tuple:
    """Return the shape that layers give photos, without the batch."""
    shape = (None, None, None, 3) if graph.data_format == "channels_last" else (None, 3, None, None)
    for layer in stack.layers[:-1]:  # the last one changes the values alone
        shape = layer.compute_output_shape(shape)
    return tuple(shape[1:])


def _one(layers, image: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(layers(image, training=False))


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
    return _in_format(batch, graph)


def _in_format(batch: np.ndarray, graph: Graph) -> np.ndarray:
    """Return a channels-last batch in a graph's data format."""
    return batch if graph.data_format == "channels_last" else batch.transpose(0, 3, 1, 2)


def given_photos(photos: Photos, graph: Graph, layer: SquareResize) -> Sequence[np.ndarray]:
    """Return each photo as a batch of one, in a graph's data format.

    A few pixels are a grey level off, so that the layer has no choice how to round: see
    `clear_of_ties`.
    """
    cleared = (clear_of_ties(image, layer.size, layer.method) for image in photos.images)
    return [np.ascontiguousarray(_in_format(image[None], graph)) for image in cleared]
