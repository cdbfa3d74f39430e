"""Single images, and the classes that a network gives them."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_alexnet.data.classes import identifier_and_label
from keras_alexnet.data.decoder import BadImage, decoded
from keras_alexnet.data.resizers import RESIZINGS
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.folder import size_and_method, ten_crops
from keras_alexnet.predictions import best, checked_top
from keras_alexnet.progress import report
from keras_alexnet.published.imagenet import CLASSES, imagenet_class_names


@dataclasses.dataclass(frozen=True)
class Guess:
    """One class that an image may be of.

    Args:
        name: Its label, in words; the WordNet identifier if there is no label.
        wordnet: Its WordNet identifier, such as n01440764; `None` for classes without one.
        score: What the network gives it: a probability, if its outputs are such.
    """

    name: str
    wordnet: str | None
    score: float


@dataclasses.dataclass(frozen=True)
class Classified:
    """An image and the classes that a network gives it.

    Args:
        path: The image.
        guesses: The best classes, the best first.
        probabilities: Whether the scores are parts of one, over all classes.
    """

    path: str
    guesses: tuple[Guess, ...]
    probabilities: bool


def classify(
    model,
    paths: Sequence[str],
    class_names: Sequence[str] | None = None,
    top: int = 5,
    ten_crop: bool = False,
    batch_size: int = 32,
) -> list[Classified]:
    """Return the best classes of image files.

    Args:
        model: A model of RGB pixels of 0 to 255, as `keras-alexnet fit` saves and
            `ready_network` makes. One that begins with a `SquareResize` has its images
            resized in that way; any other takes squares of its input's size, cut out of the middle.
        paths: The files.
        class_names: The names of the classes in the model's order: labels, WordNet identifiers, or
            both, as in n01440764_tench. Without them the thousand outputs of a network are taken
            to be ImageNet's classes, and fewer or more are numbered.
        top: How many classes to return for each image; all, if there are fewer.
        ten_crop: Whether to average the outputs for ten windows of each image.
        batch_size: Images per step.

    Raises:
        UserError: If the model does not fit the images or the names, or cuts no window and is
            wanted to cut ten; if a file cannot be read, or outputs are not numbers.
    """
    top = checked_top(top)
    size, resizing = size_and_method(model)
    names = names_of(model, class_names)
    predict = ten_crops(model, ten_crop) or model
    results = []
    for start in range(0, len(paths), batch_size):
        batch = paths[start : start + batch_size]
        images = np.stack([_read(path, size, resizing) for path in batch])
        scores = np.asarray(predict.predict_on_batch(images), "float64")
        pairs = zip(batch, scores, strict=True)
        results += [_classified(path, row, names, top) for path, row in pairs]
        report(len(results), len(paths), "images")
    return results


def named(class_name: str) -> tuple[str, str | None]:
    """Return the label, in words, and the WordNet identifier of a class, `None` without one.

    Example:

    >>> named("n01484850_great_white_shark"), named("n01484850")
    (('great white shark', 'n01484850'), ('n01484850', 'n01484850'))
    """
    wordnet, label = identifier_and_label(class_name)
    return (label or wordnet).replace("_", " "), wordnet or None


def names_of(model, class_names: Sequence[str] | None) -> Sequence[str]:
    """Return the names of a model's classes, as `classify` finds them.

    Raises:
        UserError: If there are more or fewer of them than outputs.
    """
    outputs = model.output_shape[-1]
    if class_names is None:
        numbered = [f"class {number}" for number in range(outputs)]
        return imagenet_class_names() if outputs == CLASSES else numbered
    if len(class_names) != outputs or not all(isinstance(name, str) for name in class_names):
        raise UserError(
            f"Received {len(class_names)} names of classes for the model {model.name!r}.",
            f"It has {outputs} outputs, and as many names were expected.",
            "Give the names of the classes that it was trained on, in its order.",
        )
    return class_names


def _read(path: str, size: int, resizing: str) -> np.ndarray:
    try:
        return np.asarray(RESIZINGS[resizing](decoded(path), size))
    except BadImage as error:
        raise UserError(
            f"The image {path!r} cannot be read: {error}.",
            "A file with a whole image in it was expected.",
            "Check the path; of a folder, keras-alexnet check-images says which are whole.",
        ) from error


def _classified(path: str, scores: np.ndarray, names: Sequence[str], top: int) -> Classified:
    probabilities = bool(scores.min() >= 0 and abs(scores.sum() - 1) < 1e-2)
    guesses = []
    for number in best(scores, top):
        guesses.append(Guess(*named(names[number]), float(scores[number])))
    return Classified(path, tuple(guesses), probabilities)
