"""`decode_predictions`: the best classes of a network's outputs by name."""

import functools

import keras
import numpy as np

from keras_alexnet.arguments import integer
from keras_alexnet.errors import UserError, warn
from keras_alexnet.published.imagenet import CLASSES, difference_from_keras, imagenet_classes
from keras_alexnet.type_aliases import Tensor


def decode_predictions(preds: Tensor, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """Return the names of the best classes of ImageNet networks' outputs.

    It does the same as `decode_predictions` in `keras.applications`, but needs no network access:
    the list of classes comes with the package. If Keras has downloaded its own list, the two are
    compared.

    Args:
        preds: Outputs of shape `(batch, 1000)`: probabilities or logits of the classes in the
            order of their WordNet identifiers, which is that of all published weights. An array,
            or a tensor of the backend.
        top: Number of classes to return for each image.

    Returns:
        For each image a list of `(WordNet identifier, name, score)`, the highest score first; of
        equal scores the lower class number. With `top` above 1000, all classes.

    Raises:
        UserError: (a `ValueError`) if the shape is another, a score is not a number, or `top` is
            not a whole number of at least 1.

    Warns:
        UserWarning: If Keras has downloaded its own list and it differs.

    Example:

    >>> import numpy as np
    >>> scores = np.zeros((1, 1000), "float32")
    >>> scores[0, [281, 292]] = 0.75, 0.25
    >>> for identifier, name, score in decode_predictions(scores, top=2)[0]:
    ...     print(identifier, name, score)
    n02123045 tabby 0.75
    n02129604 tiger 0.25
    """
    scores = np.asarray(keras.ops.convert_to_numpy(preds))
    if scores.ndim != 2 or scores.shape[1] != CLASSES:
        remedy = "Take the names of another network's classes from the list that it comes with."
        if scores.shape == (CLASSES,):
            remedy = "Give the outputs for one image as a batch of one: preds[None]."
        raise UserError(
            f"Received predictions of shape {scores.shape}.",
            f"The outputs of an ImageNet network must have the shape (batch, {CLASSES}).",
            remedy,
        )
    top = checked_top(top)
    _compare_with_keras()
    classes = imagenet_classes()
    return [[(*classes[number], row[number]) for number in best(row, top)] for row in scores]


def best(scores: np.ndarray, top: int) -> list[int]:
    """Return the numbers of the best classes of one image, the best first.

    Raises:
        UserError: If a score is not a number.

    Example:

    >>> import numpy as np
    >>> best(np.array([0.1, 0.3, 0.3, 0.2]), top=3)
    [1, 2, 3]
    """
    if np.isnan(scores).any():
        raise UserError(
            f"Received {int(np.isnan(scores).sum())} scores of NaN among {len(scores)}.",
            "Every score must be a number.",
            "Check the weights: training that diverged or half precision may have made them NaN.",
        )
    return np.argsort(-scores.astype("float64"), kind="stable")[:top].tolist()


def checked_top(top) -> int:
    """Return a number of classes to show as an `int` of at least 1."""
    return integer("top", top, 1, "Give 1 or 5, as the papers count.")


@functools.cache  # warns once in a process
def _compare_with_keras() -> None:
    difference = difference_from_keras()
    if difference:
        warn(
            f"The class index of keras.applications differs from this package's: {difference}. "
            "This package uses its own. Remove the file, and Keras downloads it again."
        )
