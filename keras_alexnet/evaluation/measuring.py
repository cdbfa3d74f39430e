"""`measure`: the figures of a classifier from one pass over labelled images."""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.batches import batches, number_of_batches
from keras_alexnet.evaluation.figures import Evaluation
from keras_alexnet.progress import has_display, progress_bar


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

    A class is among the best k if fewer than k classes come before it: those with a higher score,
    and those with the same score and a lower number. That is the order of `argmax`. So the diagonal
    of the confusion matrix gives `top1`, and a network whose outputs are all equal scores as one
    that always answers with the first class.

    Args:
        model: A model from a batch of images to `(batch, classes)` probabilities or logits, whose
            order is the same. A model that begins with a crop takes the centre of larger images.
        data: The images as the model takes them and integer labels: batches of `(images, labels)`
            in a `tf.data.Dataset`, a `keras.utils.PyDataset` or any iterable such as a PyTorch
            `DataLoader`; or one pair of arrays.
        class_names: The names of the classes in the order of the model's outputs.
        ten_crop_model: A model from the same images to mean probabilities of ten crops; `None` to
            leave them out.
        crops: Number of its crops: 10, or 9.
        batch_size: Images per step if `data` is a pair of arrays.
        progress: Whether to show a progress bar, on a terminal or in a notebook.

    Returns:
        An `Evaluation`.

    Raises:
        UserError: (a `ValueError`) if the model's outputs are not numbers or do not fit the
            classes or the labels, or if there are no images.

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
    with progress_bar("batches measured", "batch", progress and has_display()) as step:
        for number, (images, labels) in enumerate(batches(data, batch_size), start=1):
            labels = _checked_labels(labels, len(names))
            count.add(_scores(model, images, labels, names), labels)
            if ten_crop_model is not None:
                tens.add(_scores(ten_crop_model, images, labels, names), labels)
            step(number, total)
    if not count.images:
        raise UserError(
            "Received data without images.",
            "The data must hold at least one batch of (images, labels).",
            "Give data that holds images; an iterator that is used up must be made again.",
        )
    evaluation = Evaluation(names, count.images, count.top1(), count.top5(), count.confusion)
    if ten_crop_model is None:
        return evaluation
    return dataclasses.replace(
        evaluation, ten_crop_top1=tens.top1(), ten_crop_top5=tens.top5(), crops=crops
    )


class _Count:
    """Counts the ranks and the confusions of the true classes, batch by batch."""

    def __init__(self, classes: int):
        self.confusion = np.zeros((classes, classes), "int64")
        self.ranks = np.zeros(classes, "int64")  # how often the true class was first, second, ...

    @property
    def images(self) -> int:
        return int(self.ranks.sum())

    def add(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Count a batch of scores of shape `(batch, classes)` and its true classes."""
        numbers = np.arange(len(self.ranks))
        own = np.take_along_axis(scores, labels[:, None], axis=1)
        before = (scores > own) | ((scores == own) & (numbers < labels[:, None]))
        np.add.at(self.ranks, before.sum(axis=1), 1)
        np.add.at(self.confusion, (labels, scores.argmax(axis=1)), 1)

    def top1(self) -> float:
        """Return the share of the images whose class came first."""
        return float(self.ranks[0] / self.images)

    def top5(self) -> float | None:
        """Return the share whose class was among the first five; `None` if all classes are."""
        return float(self.ranks[:5].sum() / self.images) if len(self.ranks) > 5 else None


def _scores(model, images, labels, names) -> np.ndarray:
    """Return a model's outputs for a batch as an array of the right shape, without NaN."""
    if not keras.ops.is_tensor(images):  # another framework's: TensorFlow's data on JAX
        images = np.asarray(images)
    scores = np.asarray(model.predict_on_batch(images))
    if scores.shape != (len(labels), len(names)):
        raise UserError(
            f"The model {model.name!r} gave outputs of shape {scores.shape} for "
            f"{len(labels)} images of {len(names)} classes.",
            f"The outputs must have a score for each class, {(len(labels), len(names))}.",
            "Give the names of all classes that the model was trained on, in its order.",
        )
    if np.isnan(scores).any():
        bad = int(np.isnan(scores).any(axis=1).sum())
        raise UserError(
            f"The model {model.name!r} gave NaN, not a number, for {bad} of {len(labels)} "
            "images of a batch.",
            "Every score must be a number.",
            "Train the model again with a smaller learning rate: its training has diverged.",
        )
    return scores


def _checked_labels(labels, classes: int) -> np.ndarray:
    """Return the labels of a batch as integers of shape `(batch,)`."""
    array = np.asarray(keras.ops.convert_to_numpy(labels))
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    whole = array.ndim == 1 and array.dtype.kind in "iuf" and (array == np.round(array)).all()
    if not whole or (array.size and not 0 <= array.min() <= array.max() < classes):
        raise UserError(
            f"Received labels of shape {array.shape} and dtype {array.dtype}, such as "
            f"{array.ravel()[:3].tolist()}.",
            f"Every image must have one label, an integer from 0 to {classes - 1}.",
            "Give the numbers of the classes; of one-hot labels, labels.argmax(axis=1).",
        )
    return array.astype("int64")
