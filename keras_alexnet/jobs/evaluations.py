"""`evaluate`: the accuracies of a network on a folder of images."""

from __future__ import annotations

import dataclasses
import os

import keras

from keras_alexnet.arguments import boolean, file_path, integer
from keras_alexnet.data.labelled_files import LabelledFiles, refuse_empty
from keras_alexnet.data.layout import named_splits
from keras_alexnet.evaluation import Evaluation
from keras_alexnet.evaluation.class_order import order_note
from keras_alexnet.evaluation.classifying import classify, named
from keras_alexnet.evaluation.folder import classes_of, images_to_measure, measure_files, spread
from keras_alexnet.evaluation.networks import ReadyNetwork, class_names_of, ready_network
from keras_alexnet.evaluation.precision import check_precision, in_precision, precision_of
from keras_alexnet.pictures import plot_confusion, plot_panel
from keras_alexnet.pictures.panel import BARS, PHOTOS
from keras_alexnet.progress import quiet, verbosity
from keras_alexnet.short_repr import short_repr
from keras_alexnet.type_aliases import InferencePrecision, PathLike, VariantName, Verbose, Weights


@dataclasses.dataclass(frozen=True, eq=False)  # arrays do not compare to one truth value
class FolderEvaluation:
    """The accuracies of a network on a folder of images. `print` shows them.

    Args:
        evaluation: The accuracies, the confusion matrix and the figures of every class.
        measured: The images that were measured, in words.
        notes: What a reader of the figures should know, a sentence each.
        network: The network, with its card and what was assumed of it.
        files: The images that were measured, and their classes.
        precision: What the network computed in: `"float32"`, `"mixed_bfloat16"` and so on.
    """

    evaluation: Evaluation
    measured: str
    notes: tuple[str, ...]
    network: ReadyNetwork
    files: LabelledFiles
    precision: str = "float32"

    __repr__ = short_repr("measured", "evaluation")

    def summary(self, worst: int = 5) -> str:
        """Return what was measured, the notes, and a table with the `worst` classes."""
        said = "\n".join([f"Measured {self.measured}.", *self.notes])
        return f"{said}\n\n{self.evaluation.summary(worst)}"

    def __str__(self) -> str:
        """Return the summary, with the five worst classes."""
        return self.summary()

    def to_dict(self) -> dict:
        """Return all figures and notes as plain lists and numbers."""
        said = {
            "measured": self.measured,
            "notes": [*self.notes],
            "precision": self.precision,
        }
        return {**said, **self.evaluation.to_dict()}

    def plot_confusion(self, path: PathLike) -> str:
        """Draw the confusion matrix into a file, and return its path.

        Raises:
            UserError: (a `ValueError`) if matplotlib is not installed, or the file cannot be
                written.
        """
        path = file_path("path", path)
        return plot_confusion(self.evaluation.confusion, self.evaluation.class_names, path)

    def plot_panel(self, path: PathLike) -> str:
        """Draw eight of the photos with their five best classes into a file, and return its path.

        They are of as many classes as there are, and classified with ten crops if those were
        measured.

        Raises:
            UserError: (a `ValueError`) if matplotlib is not installed, a photo cannot be read any
                more, or the file cannot be written.
        """
        chosen = self.files.take(spread(self.files.labels, PHOTOS))
        names, ten_crop = self.files.class_names, self.evaluation.ten_crop_top1 is not None
        results = classify(self.network.model, chosen.paths, names, BARS, ten_crop)
        classes = [named(names[label]) for label in chosen.labels]
        return plot_panel(results, classes, file_path("path", path))


def evaluate(
    model: keras.Model | Weights,
    directory: PathLike,
    *,
    variant: VariantName | None = None,
    ten_crop: bool | None = None,
    batch_size: int = 32,
    precision: InferencePrecision | None = None,
    verbose: Verbose = "auto",
) -> FolderEvaluation:
    """Measure a network on a folder of images: top-1, top-5, one crop and ten.

    top-k accuracy = images whose class is among the k highest scores / images. The folders are
    matched with the network's classes by label or WordNet identifier, whatever their order. Beside
    the model of a run of `fit`, exactly the images that the run held out are measured.

    Args:
        model: The path of a `.keras` file, which Keras loads, or of a file of weights; a published
            checkpoint, by a name that `list_checkpoints()` gives; or a `keras.Model` of RGB pixels
            of 0 to 255, or one that `AlexNet` made, with its card.
        directory: A folder with one folder of images per class; or with two such folders named
            `train` and `val`, of which `val` is measured.
        variant: The network of a file of weights, needed only if the file does not say it.
        ten_crop: Whether ten crops are measured as well; `None` if the network cuts a window out of
            its images.
        batch_size: Images per step.
        precision: What the network computes in: `"float32"`; Keras's policy `"mixed_bfloat16"` or
            `"mixed_float16"`; or `"int8"`, with dense layers of whole numbers. `None` for the
            model's own. The model stays as it is, and one that is quantized is measured so.
        verbose: 0 for silence; 1 or `"auto"` for a progress bar, on a terminal or in a notebook.

    Returns:
        A `FolderEvaluation` with the figures, parts between 0 and 1, what was measured, and notes.

    Raises:
        UserError: (a `ValueError`) if the network cannot be found or read, or does not fit; if the
            folder or an image cannot be read, or a folder matches none of the classes; if
            `ten_crop` is set for a network that cuts no windows; if the network cannot be copied
            for another precision.

    Example:

    >>> import os, tempfile
    >>> from PIL import Image
    >>> from keras_alexnet import AlexNet
    >>> folder = tempfile.mkdtemp()
    >>> for name in ("cat", "dog"):
    ...     os.mkdir(os.path.join(folder, name))
    ...     Image.new("RGB", (40, 30)).save(os.path.join(folder, name, "1.png"))
    >>> result = evaluate(AlexNet("cifar10_18pct", classes=2), folder, verbose=0)
    >>> result.evaluation.images, result.evaluation.top1
    (2, 0.5)
    """
    batch_size = integer("batch_size", batch_size, 1, "32 is usual.")
    directory = file_path("directory", directory)
    ten_crop = None if ten_crop is None else boolean("ten_crop", ten_crop)
    check_precision(precision)
    level = verbosity(verbose)
    refuse_empty(directory)  # before the network is downloaded
    with quiet(level == 0):
        network = ready_network(model, variant, argument="model")
    network, note = in_precision(network, precision)
    files, measured, notes = _files(network, directory)
    evaluation = measure_files(network.model, files, ten_crop, batch_size, progress=level == 1)
    notes += filter(None, [order_note(evaluation), note])
    used = precision_of(network.model)
    return FolderEvaluation(evaluation, measured, tuple(notes), network, files, used)


def _files(network: ReadyNetwork, directory: str) -> tuple[LabelledFiles, str, list[str]]:
    """Return the files to measure, their description, and notes on them.

    The folders are matched with the model's classes by name, so their order does not matter; but a
    note warns users who number them by that order, in which the model's numbers differ.
    """
    names, assumption = class_names_of(network)
    notes = list(filter(None, [*network.assumptions, assumption]))
    splits = named_splits(directory)
    if names is None:
        names, taken_as = classes_of(network.model, splits.held_out if splits else directory)
        notes.append(f"The model does not name its classes. {taken_as}")
    run = None if network.path is None else os.path.dirname(os.path.abspath(network.path))
    training = network.card.training
    files, measured, more = images_to_measure(directory, splits, names, training, run)
    notes += more
    if list(files.labels) != sorted(files.labels):
        notes.append(
            "The folders, in alphabetical order, are not in the order of the model's classes; they "
            "were matched by their names."
        )
    return files, measured, notes
