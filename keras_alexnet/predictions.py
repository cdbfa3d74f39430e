"""A network's best classes by name."""

import functools
import warnings

import keras
import numpy as np

from keras_alexnet.arguments import integer
from keras_alexnet.errors import UserError
from keras_alexnet.published.imagenet import CLASSES, difference_from_keras, imagenet_classes


def decode_predictions(preds, top=5):
    """Return the names of the best classes of ImageNet networks' outputs.

    It is what `keras.applications` has under this name, but needs no network: the list of classes
    comes with the package. Where Keras has downloaded its own list, the two are compared.

    Args:
        preds: Outputs of shape `(batch, 1000)`: probabilities or logits of the classes in the
            order of their WordNet identifiers, which is that of all published weights. An array,
            or a tensor of the backend.
        top: How many classes to return for each image.

    Returns:
        For each image a list of `(WordNet identifier, name, score)`, the highest score first; of
        equal scores the lower class number. With `top` above 1000, all classes.

    Raises:
        UserError: (a `ValueError`) if the shape is another, a score is not a number, or `top` is
            not a whole number of at least 1.

    Warns:
        UserWarning: If Keras's own list is at hand and differs.

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
        raise _wrong_shape(scores.shape)
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
            "A score is a number; nothing can be said of how good others are.",
            "Weights that went astray in training, or in half precision, give such.",
        )
    return np.argsort(-scores.astype("float64"), kind="stable")[:top].tolist()


def checked_top(top) -> int:
    """Return a number of classes to show, which must be at least 1."""
    return integer("top", top, 1, "The papers count the best 1 and the best 5.")


def _wrong_shape(shape: tuple[int, ...]) -> UserError:
    remedy = "Name the classes of another network by their numbers in its own list."
    if shape == (CLASSES,):
        remedy = "Give the outputs for one image as a batch of one: preds[None]."
    return UserError(
        f"Received predictions of shape {shape}.",
        f"Outputs of an ImageNet network were expected, of shape (batch, {CLASSES}).",
        remedy,
    )


@functools.cache  # once a process
def _compare_with_keras() -> None:
    difference = difference_from_keras()
    if difference:
        warnings.warn(
            f"The class index of keras.applications differs from this package's, which is used: "
            f"{difference}. Remove the file, and Keras downloads it again.",
            stacklevel=3,
        )
