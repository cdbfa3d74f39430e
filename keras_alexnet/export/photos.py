"""`Photos`: the images on which a written file is compared with its model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_alexnet.data.bad_files import not_readable
from keras_alexnet.data.decoder import BadImage, decoded
from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.data.image_list import list_images
from keras_alexnet.errors import UserError, amount
from keras_alexnet.export.grey_levels import clear_of_ties
from keras_alexnet.export.operators import Graph
from keras_alexnet.preprocessing import SquareResize

DRAWN = 12  # images, where none are given
MOST = 64  # photos of a folder, evenly chosen: enough for a comparison, and for ranges


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


def given_photos(photos: Photos, graph: Graph, layer: SquareResize) -> Sequence[np.ndarray]:
    """Return each photo as a batch of one, in a graph's data format.

    A few pixels are a grey level off, so that the layer has no choice how to round: see
    `clear_of_ties`.
    """
    cleared = (clear_of_ties(image, layer.size, layer.method) for image in photos.images)
    return [np.ascontiguousarray(in_format(image[None], graph)) for image in cleared]


def squares(photos: Photos, graph: Graph, size: int) -> np.ndarray:
    """Return photos as a batch of uint8 squares, in a graph's data format."""
    layer = SquareResize(size, data_format="channels_last")
    batch = [keras.ops.convert_to_numpy(layer(image)) for image in photos.images]
    return in_format(np.stack(batch), graph)


def in_format(batch: np.ndarray, graph: Graph) -> np.ndarray:
    """Return a channels-last batch in a graph's data format."""
    return batch if graph.data_format == "channels_last" else batch.transpose(0, 3, 1, 2)
