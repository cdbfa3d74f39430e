"""One pass over labelled images, counting."""

import dataclasses
import sys
from collections.abc import Sequence

import keras
import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.batches import batches, number_of_batches
from keras_alexnet.evaluation.figures import Evaluation
from keras_alexnet.progress import progress_bar


def measure(
    model,
    data,
    class_names: Sequence[str],
    ten_crop_model=None,
    *,
    crops: int = 10,
    batch_size: int = 32,
    progress: bool = True,
) -> Evaluation:
    """Measure a classifier on labelled images, in one pass.

    A class counts as among the best k if fewer than k classes stand before it: those with a higher
    score, and those with the same score and a lower number. That is the order of `argmax`, so the
    diagonal of the confusion matrix is `top1`, and a network whose outputs are all alike is no
    better than one that always says the first class.

    Args:
        model: A model from a batch of images to `(batch, classes)` probabilities or logits, whose
            order is the same. Of larger images than it needs it takes the centre by itself.
        data: The images as the model takes them and whole-number labels: batches of
            `(images, labels)` in a `tf.data.Dataset`, a `keras.utils.PyDataset` or any iterable
            such as a PyTorch `DataLoader`; or one pair of arrays.
        class_names: The names of the classes in the order of the model's outputs.
        ten_crop_model: A model that takes the same images and gives mean probabilities of ten
            crops; `None` to leave them out.
        crops: How many these are: 10, or 9.
        batch_size: Images per step where `data` is a pair of arrays.
        progress: Whether to show a progress bar, which appears on a terminal only.

    Returns:
        An `Evaluation`.

    Raises:
        UserError: (a `ValueError`) if the model's outputs are not numbers, or do not fit the
            classes or the labels, or there are no images.

    Example:

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Softmax()])
    >>> scores = np.array([[0, 1], [1, 0], [0, 1]])
    >>> print(measure(model, (scores, [1, 0, 0]), ["cat", "dog"]))
    3 images of 2 classes; guessing gives 50 %
    <BLANKLINE>
    accuracy    top-1  top-5  top-1 error  top-5 error
    one crop  66.67 %      -      33.33 %            -
    <BLANKLINE>
    worst classes  recognised  images  most often taken for
    cat               50.00 %       2  dog, once
    dog              100.00 %       1
    """
    names = tuple(class_names)
    count = _Count(len(names))
    tens = _Count(len(names))
    total = number_of_batches(data, batch_size)
    with progress_bar("batches measured", "batch", progress and sys.stdout.isatty()) as step:
        for number, (images, labels) in enumerate(batches(data, batch_size), start=1):
            labels = _checked_labels(labels, len(names))
            count.add(_scores(model, images, labels, names), labels)
            if ten_crop_model is not None:
                tens.add(_scores(ten_crop_model, images, labels, names), labels)
            step(number, total)
    if not count.images:
        raise UserError(
            "Received data without images.",
            "One batch of (images, labels) at least was expected.",
            "An iterator that was used up must be made again.",
        )
    evaluation = Evaluation(names, count.images, count.top1(), count.top5(), count.confusion)
    if ten_crop_model is None:
        return evaluation
    return dataclasses.replace(
        evaluation, ten_crop_top1=tens.top1(), ten_crop_top5=tens.top5(), crops=crops
    )


class _Count:
    """Counts what a model got right, batch by batch."""

    def __init__(self, classes: int):
        self.confusion = np.zeros((classes, classes), "int64")
        self.places = np.zeros(classes, "int64")  # how often the true class came first, second, ...

    @property
    def images(self) -> int:
        return int(self.places.sum())

    def add(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Count a batch of scores of shape `(batch, classes)` and its true classes."""
        numbers = np.arange(len(self.places))
        own = np.take_along_axis(scores, labels[:, None], axis=1)
        before = (scores > own) | ((scores == own) & (numbers < labels[:, None]))
        np.add.at(self.places, before.sum(axis=1), 1)
        np.add.at(self.confusion, (labels, scores.argmax(axis=1)), 1)

    def top1(self) -> float:
        """Return the part of the images whose class came first."""
        return float(self.places[0] / self.images)

    def top5(self) -> float | None:
        """Return the part whose class was among the first five, if that can fail."""
        return float(self.places[:5].sum() / self.images) if len(self.places) > 5 else None


def _scores(model, images, labels, names) -> np.ndarray:
    """Return a model's outputs for a batch as an array that has been looked at."""
    if not keras.ops.is_tensor(images):  # another framework's: TensorFlow's data on JAX
        images = np.asarray(images)
    scores = np.asarray(model.predict_on_batch(images))
    if scores.shape != (len(labels), len(names)):
        raise UserError(
            f"The model {model.name!r} gave outputs of shape {scores.shape} for "
            f"{len(labels)} images of {len(names)} classes.",
            f"One score for each class was expected, {(len(labels), len(names))}.",
            "Give the names of all classes that the model was trained on, in its order.",
        )
    if np.isnan(scores).any():
        bad = int(np.isnan(scores).any(axis=1).sum())
        raise UserError(
            f"The model {model.name!r} gave NaN, not a number, for {bad} of {len(labels)} "
            "images of a batch.",
            "A score is a number; nothing can be said of how good others are.",
            "Its training went astray: train it again with a smaller learning rate.",
        )
    return scores


def _checked_labels(labels, classes: int) -> np.ndarray:
    """Return the labels of a batch as whole numbers of shape `(batch,)`."""
    array = np.asarray(keras.ops.convert_to_numpy(labels))
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    whole = array.ndim == 1 and array.dtype.kind in "iuf" and (array == np.round(array)).all()
    if not whole or (array.size and not 0 <= array.min() <= array.max() < classes):
        raise UserError(
            f"Received labels of shape {array.shape} and type {array.dtype}, such as "
            f"{array.ravel()[:3].tolist()}.",
            f"Whole numbers from 0 to {classes - 1} were expected, one for each image.",
            "Of one-hot labels take labels.argmax(axis=1).",
        )
    return array.astype("int64")
