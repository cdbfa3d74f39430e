"""`classify`: the classes that a network gives images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TextIO

import keras

from keras_alexnet.arguments import boolean, choice, file_path, integer
from keras_alexnet.data.bad_files import BAD_IMAGES, skipped_note
from keras_alexnet.data.image_list import list_images
from keras_alexnet.data.image_reader import ImageReader
from keras_alexnet.data.paths import passed_over_note
from keras_alexnet.errors import UserError, amount, escaped
from keras_alexnet.evaluation.class_tables import (
    FEW,
    class_table,
    opened_table,
    table_path,
    write_classes,
)
from keras_alexnet.evaluation.classifying import Classified, classified, names_of
from keras_alexnet.evaluation.folder import size_and_method
from keras_alexnet.evaluation.networks import ReadyNetwork, class_names_of
from keras_alexnet.evaluation.outputs import check_headers
from keras_alexnet.evaluation.precision import check_precision, in_precision, precision_of
from keras_alexnet.jobs.networks import check_choice, chosen_network
from keras_alexnet.pictures.classification import plot_classified
from keras_alexnet.progress import verbosity
from keras_alexnet.type_aliases import (
    BadImages,
    InferencePrecision,
    PathLike,
    VariantName,
    Verbose,
    Weights,
)


@dataclasses.dataclass(frozen=True)
class Classification:
    """The classes that a network gives images. `print` shows them.

    Args:
        model_name: Name of the network.
        images: For each image its path and its best classes, the best first; empty if they are in
            the file `csv`.
        assumptions: What the weights do not say and is assumed, a sentence each.
        count: Number of images that were classified.
        csv: The file with a row for each image, if one was wanted.
        skipped: The path and the reason of each image that could not be read and was left out.
        passed_over: The files in folders without an image's ending.
        precision: What the network computed in: `"float32"`, `"mixed_bfloat16"` and so on.
        notes: What a reader of the scores should know, a sentence each.
    """

    model_name: str
    images: tuple[Classified, ...]
    assumptions: tuple[str, ...]
    count: int = 0
    csv: str | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    passed_over: tuple[str, ...] = ()
    precision: str = "float32"
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return the network and the number of images."""
        return f"Classification(model_name={self.model_name!r}, count={self.count})"

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def summary(self) -> str:
        """Return a table of the best classes of each image, and notes; of many only the best."""
        parts = [class_table(self.images)] if self.images else []
        if len(self.images) > FEW:
            parts.append('Pass csv="classes.csv" (--csv classes.csv) for the other classes too.')
        if self.csv is not None:
            images = amount(self.count, "image")
            parts.append(f"Wrote the classes of {images} to {escaped(self.csv)}.")
        notes = (
            *self.assumptions,
            *self.notes,
            passed_over_note(self.passed_over),
            skipped_note(self.skipped),
        )
        return "\n\n".join(filter(None, [*parts, "\n".join(filter(None, notes))]))

    def to_dict(self) -> dict:
        """Return all of it as plain lists and dictionaries."""
        images = [
            {"path": image.path, "classes": [dataclasses.asdict(guess) for guess in image.guesses]}
            for image in self.images
        ]
        return {
            "model": self.model_name,
            "assumptions": [*self.assumptions],
            "images": images,
            "count": self.count,
            "csv": self.csv,
            "skipped": [{"path": path, "reason": reason} for path, reason in self.skipped],
            "passed_over": [*self.passed_over],
            "precision": self.precision,
            "notes": [*self.notes],
        }

    def plot(self, path: PathLike) -> str:
        """Draw each image with bars for its best classes beside it, and return the path.

        Raises:
            UserError: (a `ValueError`) if there are no images or too many, one cannot be read any
                more, matplotlib is not installed, or the file cannot be written.
        """
        if not self.images:
            raise UserError(
                f"Received the result {self!r}, which holds no images.",
                "The result must hold images to draw.",
                "Classify the images to draw without `csv`.",
            )
        return plot_classified(self.images, file_path("path", path))


def classify(
    images: PathLike | Sequence[PathLike],
    *,
    weights: Weights | None = None,
    model: keras.Model | PathLike | None = None,
    variant: VariantName | None = None,
    ten_crop: bool = False,
    top: int = 5,
    batch_size: int = 32,
    precision: InferencePrecision | None = None,
    verbose: Verbose = "auto",
    csv: PathLike | TextIO | None = None,
    bad_images: BadImages = "stop",
) -> Classification:
    """Return the best classes of images, by published weights or a trained network.

    With `csv`, each image has a row: `file`, and for each rank from 1 on `class1`, `probability1`
    (`score1` if the outputs are no probabilities) and, if the classes have WordNet identifiers,
    `wordnet1`. The rows are written batch by batch, so that memory does not grow with the number of
    images; the file appears when it is complete.

    Args:
        images: The path of an image file or of a folder, or a list of both. A folder stands for
            the images in it and in the folders below, in order of name.
        weights: A published checkpoint, by a name that `list_checkpoints()` gives; `"imagenet"` for
            the best documented one; or the path of a file of weights, in which nothing is executed.
            Without `weights` and `model`, `"imagenet"`.
        model: Instead of `weights`, a network: the path of a `.keras` file, which Keras loads, or
            a `keras.Model` of RGB pixels of 0 to 255, or one that `AlexNet` made, with its card.
        variant: The network of a file of weights, needed only if the file does not say it.
        ten_crop: Whether the outputs for ten windows of each image are averaged.
        top: Number of classes to return for each image.
        batch_size: Images per step.
        precision: What the network computes in: `"float32"`; Keras's policy `"mixed_bfloat16"` or
            `"mixed_float16"`; or `"int8"`, with dense layers of whole numbers. `None` for the
            network's own.
        verbose: 0 for silence; else a download shows its progress, and 1 or `"auto"` shows a
            progress bar for more images than a batch, on a terminal or in a notebook.
        csv: The path of a table to write, which ends in `.csv`, or an open text file. An older
            table is replaced.
        bad_images: `"stop"`: an image that cannot be read is an error, before a download if its
            header shows it. `"skip"`: it is left out, and `skipped` lists it.

    Returns:
        A `Classification` with the path of each image and its best classes with their scores.
        With `csv`, the classes are in that file alone.

    Raises:
        UserError: (a `ValueError`) if both `weights` and `model` are given; if they cannot be
            found or read, or do not fit; if a folder holds no images, or an image cannot be read;
            if `ten_crop` is set for a network that cuts no windows; if the network cannot be copied
            for another precision; if the table cannot be written.

    Example:

    >>> import os, tempfile
    >>> from PIL import Image
    >>> from keras_alexnet import AlexNet
    >>> path = os.path.join(tempfile.mkdtemp(), "photo.png")
    >>> Image.new("RGB", (40, 30)).save(path)
    >>> result = classify(path, model=AlexNet("cifar10_18pct"), top=3)
    >>> len(result.images[0].guesses), result.images[0].guesses[0].name.startswith("class ")
    (3, True)
    """
    batch_size = integer("batch_size", batch_size, 1, "32 is usual.")
    choice("bad_images", bad_images, BAD_IMAGES, "Leave it out to stop.")
    check_precision(precision)
    ten_crop = boolean("ten_crop", ten_crop)
    table = csv if csv is None or hasattr(csv, "write") else table_path(csv)
    found = list_images(images)
    check_choice(weights, model, variant)
    progress = verbosity(verbose) == 1
    if bad_images == "stop":
        check_headers(found.paths, progress and len(found.paths) > batch_size)
    network, note = in_precision(chosen_network(weights, model, variant, verbose), precision)
    names, assumptions = _names_and_assumptions(network)
    reader = ImageReader(*size_and_method(network.model))
    options = (names, top, ten_crop, batch_size, bad_images, progress)
    results = classified(network.model, found.paths, reader, *options)
    if table is None:
        kept = tuple(results)
        count = len(kept)
    else:
        kept = ()
        with opened_table(table) as file:
            count = write_classes(results, found.paths, names, file)
    return Classification(
        network.model.name,
        kept,
        assumptions,
        count=count,
        csv=table if isinstance(table, str) else None,
        skipped=tuple(sorted(reader.bad)),
        passed_over=found.passed_over,
        precision=precision_of(network.model),
        notes=tuple(filter(None, [note])),
    )


def _names_and_assumptions(network: ReadyNetwork) -> tuple[Sequence[str], tuple[str, ...]]:
    """Return the names of the classes, and what is assumed of the network and of the names."""
    names, assumption = class_names_of(network)
    if names is None:
        assumption = (
            f"{network.path or network.model.name!r} does not name its classes: a thousand outputs "
            "are assumed to be ImageNet's classes, and others are numbered."
        )
    assumptions = (*network.assumptions, *filter(None, [assumption]))
    return names_of(network.model, names), assumptions
