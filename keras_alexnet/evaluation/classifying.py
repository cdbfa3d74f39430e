"""`classify`: the best classes of images."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from keras_alexnet.data.classes import identifier_and_label
from keras_alexnet.data.image_reader import ImageReader
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.folder import size_and_method, ten_crops
from keras_alexnet.evaluation.outputs import image_outputs
from keras_alexnet.predictions import best, checked_top
from keras_alexnet.published.imagenet import CLASSES, imagenet_class_names


@dataclasses.dataclass(frozen=True)
class Guess:
    """A class that an image may belong to, and its score.

    Args:
        name: Label of the class, in words; its WordNet identifier if it has no label.
        wordnet: Its WordNet identifier, such as n01440764; `None` without one.
        score: The network's output for the class: a probability or a logit.
    """

    name: str
    wordnet: str | None
    score: float


@dataclasses.dataclass(frozen=True)
class Classified:
    """An image and its best classes.

    Args:
        path: The image.
        guesses: The best classes, the best first.
        probabilities: Whether the scores are probabilities, whose sum over all classes is 1.
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
            `ready_network` makes. If it begins with a `SquareResize`, its method resizes the
            images; otherwise the images are squares of the input's size, cut out of the middle.
        paths: The files.
        class_names: The names of the classes in the model's order: labels, WordNet identifiers, or
            both, as in n01440764_tench. Without them, a thousand outputs are ImageNet's classes,
            and other numbers of classes have numbers as names.
        top: Number of classes to return for each image; all, if there are fewer.
        ten_crop: Whether to average the outputs for ten windows of each image.
        batch_size: Images per step.

    Raises:
        UserError: If the model does not fit the images or the names; if it cuts no window, with
            `ten_crop`; if a file cannot be read, or outputs are not numbers.
    """
    reader = ImageReader(*size_and_method(model))
    return list(classified(model, paths, reader, class_names, top, ten_crop, batch_size))


def classified(
    model,
    paths: Sequence[str],
    reader: ImageReader,
    class_names: Sequence[str] | None = None,
    top: int = 5,
    ten_crop: bool = False,
    batch_size: int = 32,
    bad_images: str = "stop",
    progress: bool = False,
) -> Iterator[Classified]:
    """Return an iterator over the best classes of image files; it keeps a few batches in memory.

    The arguments are those of `classify` and of `image_outputs`, and so are the errors. Mistakes in
    the arguments raise before the first image.
    """
    top = checked_top(top)
    names = names_of(model, class_names)
    predict = (ten_crops(model, ten_crop) or model).predict_on_batch
    outputs = image_outputs(predict, paths, reader, batch_size, bad_images, progress)
    return (
        _classified(path, row, names, top)
        for batch, scores in outputs
        for path, row in zip(batch, np.asarray(scores, "float64"), strict=True)
    )


def classify_images(
    model, images: np.ndarray, paths: Sequence[str], class_names: Sequence[str], top: int = 5
) -> list[Classified]:
    """Return the best classes of one batch of images, as the model takes them.

    Args:
        model: The model, or its ten-crop form.
        images: The images.
        paths: Their files, or other names for them.
        class_names: The names of the classes in the model's order.
        top: Number of classes to return for each image.
    """
    scores = np.asarray(model.predict_on_batch(images), "float64")
    pairs = zip(paths, scores, strict=True)
    return [_classified(path, row, class_names, top) for path, row in pairs]


def named(class_name: str) -> tuple[str, str | None]:
    """Return the label, in words, and the WordNet identifier of a class, `None` without one.

    Example:

    >>> named("n01484850_great_white_shark"), named("n01484850")
    (('great white shark', 'n01484850'), ('n01484850', 'n01484850'))
    """
    wordnet, label = identifier_and_label(class_name)
    return (label or wordnet).replace("_", " "), wordnet or None


def names_of(model, class_names: Sequence[str] | None) -> Sequence[str]:
    """Return the names of a model's classes, as `classify` takes them.

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
            f"There must be a name, as text, for each of the model's {outputs} outputs.",
            "Give the names of the classes that the model was trained on, in its order.",
        )
    return class_names


def _classified(path: str, scores: np.ndarray, names: Sequence[str], top: int) -> Classified:
    probabilities = bool(scores.min() >= 0 and abs(scores.sum() - 1) < 1e-2)
    guesses = (Guess(*named(names[number]), float(scores[number])) for number in best(scores, top))
    return Classified(path, tuple(guesses), probabilities)
