"""A model measured on a folder of images, read as the model wants them."""

import collections
import dataclasses
import os
import sys
from collections.abc import Sequence

import numpy as np

from keras_alexnet.cards.records import Training
from keras_alexnet.data.bad_files import refuse_unreadable
from keras_alexnet.data.batches import file_batches
from keras_alexnet.data.classes import matches
from keras_alexnet.data.image_reader import ImageReader
from keras_alexnet.data.labelled_files import LabelledFiles, find_images, folder_notes
from keras_alexnet.data.layout import EXPECTED, named_splits
from keras_alexnet.data.paths import listed, subfolders
from keras_alexnet.data.split_record import FILES, SplitRecord, below, counted, sizes
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.figures import Evaluation
from keras_alexnet.evaluation.measuring import measure
from keras_alexnet.preprocessing import CenterCrop, RandomCropFlip, SquareResize, ten_crop_model
from keras_alexnet.published.imagenet import CLASSES, imagenet_class_names


def images_to_measure(
    directory: str,
    class_names: Sequence[str] | None = None,
    training: Training | None = None,
    run: str | None = None,
) -> tuple[LabelledFiles, str, list[str]]:
    """Find the images of a folder that a model has not been trained on, as far as one can know.

    Args:
        directory: A folder with one folder of images per class, all of which are measured; or
            with two such folders, `train` and `val`, of which the second is.
        class_names: The model's classes, which the folders are matched with; `None` for the names
            of the folders in alphabetical order.
        training: How the model was trained, from its card, if it is known.
        run: The folder of that run, where the list of its files is looked for. If it is there,
            and files of the list lie in `directory`, exactly the held-out ones are measured.

    Returns:
        The files, in words which they are, and notes: held-out files that are missing, files that
        are new, and that a model was trained without its list being there.

    Raises:
        UserError: If there are no images, a folder matches none of the classes, or none of the
            held-out images is left.
    """
    parts = named_splits(directory)
    place = parts.held_out if parts else directory
    found = find_images(place, class_names).noted(parts.notes if parts else ())
    which, said = f"the images in {place!r}", folder_notes(found)
    if training is None or training.held_out_sha256 is None:  # none held out, or drawn images
        return found, which, said
    record = SplitRecord.read(os.path.join(run, FILES)) if run is not None else None
    if record is None or record.held_out_hash() != training.held_out_sha256:
        absent = "No list of the images that it was trained on lies beside the model"
        if record is not None:
            absent = f"The {FILES} beside the model belongs to another run"
        return found, which, [f"{absent}: some of these may be among them.", *said]
    everything = found
    if parts:
        everything = _together(find_images(parts.training, class_names), found)
    present = sizes(directory, everything)
    names = [below(directory, path) for path in everything.paths]
    if not record.files.keys() & present.keys():
        return found, which, ["None of them is in the list of images that the run had.", *said]
    held = [n for n, name in enumerate(names) if record.held_out.get(name) == present[name]]
    if not held:
        raise UserError(
            f"The folder {directory!r} holds none of the {len(record.held_out)} images that "
            "were held out in training.",
            "At least one of them is needed to measure the model on images that it was not "
            "trained on.",
            "Restore them, or give a folder of other images.",
        )
    notes = [*_changes(record, present), *said]
    return (
        everything.take(held),
        f"the images in {directory!r} that were held out in training",
        notes,
    )


def _together(one: LabelledFiles, other: LabelledFiles) -> LabelledFiles:
    """Return the files of two parts with the same classes."""
    paths, labels = one.paths + other.paths, one.labels + other.labels
    return dataclasses.replace(other, paths=paths, labels=labels)


def _changes(record: SplitRecord, present: dict[str, int]) -> list[str]:
    """Say which held-out images are not measured, and which images were not there in training."""
    gone = [name for name in record.held_out if name not in present]
    other = [n for n, size in record.held_out.items() if n in present and present[n] != size]
    new = [name for name in present if name not in record.files]
    missing = counted("missing", gone), counted("of another size", other)
    notes = [f"Of the held-out images, {phrase}." for phrase in missing if phrase]
    if new:
        notes.append(f"Since the training, {counted('new', new)} and not measured.")
    return notes


def classes_of(model, directory: str) -> tuple[tuple[str, ...] | None, str]:
    """Say what the classes of a model without a list of them are taken to be.

    Args:
        model: The model.
        directory: The folder of images, as `images_to_measure` takes it.

    Returns:
        ImageNet's classes for a thousand outputs and folders of which one at least is named by a
        WordNet identifier or a label of ImageNet; else `None`, for the folders; and that in words.
    """
    parts = named_splits(directory)
    folder = parts.held_out if parts else directory
    names = imagenet_class_names()
    if model.output_shape[-1] == CLASSES and os.path.isdir(folder):
        with listed(folder, EXPECTED):
            folders = [os.path.basename(path) for path in subfolders(folder)]
        if any(matches(name, names) for name in folders):
            return names, (
                "Its thousand classes are taken to be ImageNet's, in the order of their WordNet "
                "identifiers."
            )
    return None, "Its classes are taken to be the folders, in alphabetical order."


def spread(files: LabelledFiles, count: int, seed: int = 0) -> LabelledFiles:
    """Choose some files at random, of as many classes as can be."""
    order = np.random.default_rng(seed).permutation(len(files)).tolist()
    seen: collections.Counter = collections.Counter()
    turns = []
    for index in order:
        turns.append(seen[files.labels[index]])
        seen[files.labels[index]] += 1
    ranked = sorted(range(len(order)), key=turns.__getitem__)
    return files.take([order[place] for place in ranked[:count]])


def measure_files(
    model,
    files: LabelledFiles,
    ten_crop: bool | None = None,
    batch_size: int = 32,
    progress: bool = True,
) -> Evaluation:
    """Measure a model on image files, in the size and shape that the model wants.

    Args:
        model: A model of RGB pixels of 0 to 255. One that begins with a `SquareResize`, as those
            of `keras-alexnet fit` do, has its images resized in that way; any other takes squares
            of its input's size, cut out of the middle.
        files: The images and their classes, in the order of the model's outputs.
        ten_crop: Whether to measure ten crops as well; `None` if the model can.
        batch_size: Images per step.
        progress: Whether to show a progress bar, which appears on a terminal only.

    Raises:
        UserError: If the model does not fit the images or the classes, or a file cannot be read:
            before anything is measured, if its header shows it.
    """
    _check_outputs(model, files.class_names)
    reader = ImageReader(*size_and_method(model))
    tens = ten_crops(model, ten_crop)
    refuse_unreadable(files, progress and sys.stdout.isatty())
    # A bad file is a black image until `_Readable` raises what the reader has found: an error
    # inside the data set would come with TensorFlow's tracebacks.
    data = _Readable(file_batches(files, reader, batch_size, bad_images="black"), reader)
    return measure(model, data, files.class_names, tens, progress=progress)


def ten_crops(model, wanted: bool | None):
    """Return the ten-crop form of a model that cuts a window, if it is wanted; `None` if it can.

    Raises:
        UserError: If it is wanted of a model that cuts none.
    """
    cuts = any(isinstance(layer, RandomCropFlip | CenterCrop) for layer in model.layers)
    if wanted and not cuts:
        raise UserError(
            f"Received the model {model.name!r}, which cuts no window out of its images.",
            "Ten crops need a model that begins with a RandomCropFlip or CenterCrop.",
            "Leave ten crops out, or put the layers of training_preprocessor before it.",
        )
    return ten_crop_model(model) if cuts and wanted is not False else None


class _Readable:
    """Batches that end with the error of the first file that cannot be read."""

    def __init__(self, data, reader: ImageReader):
        self.data = data
        self.reader = reader

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self):
        for batch in self.data:
            if self.reader.failure is not None:
                raise self.reader.failure
            yield batch


def _check_outputs(model, class_names: Sequence[str]) -> None:
    outputs = model.output_shape[-1]
    if outputs != len(class_names):
        raise UserError(
            f"Received the model {model.name!r} of {outputs} classes and images of "
            f"{len(class_names)}.",
            "Both must be of the same classes.",
            "Give a folder for each class that the model knows, or the model's class names, "
            "in its order, in a file classes.json beside it.",
        )


def size_and_method(model) -> tuple[int, str]:
    """Return the side of the squares that a model takes, and how they are made."""
    for layer in model.layers:
        if isinstance(layer, SquareResize):
            return layer.size, layer.method
    shape = tuple(model.input_shape[1:])
    if len(shape) != 3 or shape[0] is None or shape[0] != shape[1] or shape[2] != 3:
        raise UserError(
            f"Received the model {model.name!r} with an input of shape {shape}.",
            "A model of square RGB images, (size, size, 3), was expected.",
            "Put a keras.Input of that shape and the missing layers before it.",
        )
    return shape[0], "shorter_side"
