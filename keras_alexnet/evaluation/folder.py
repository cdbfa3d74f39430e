"""`measure_files`: a model measured on image files, and the choice of these files."""

import collections
import os
from collections.abc import Sequence

import numpy as np

from keras_alexnet.cards.records import Training
from keras_alexnet.data.bad_files import refuse_unreadable
from keras_alexnet.data.batches import file_batches
from keras_alexnet.data.classes import matches
from keras_alexnet.data.image_reader import ImageReader, ReadableBatches
from keras_alexnet.data.labelled_files import LabelledFiles, find_images, folder_notes
from keras_alexnet.data.layout import EXPECTED, NamedSplits
from keras_alexnet.data.paths import readable_folder, subfolders
from keras_alexnet.data.split_record import FILES, SplitRecord, below, counted, sizes
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.figures import Evaluation
from keras_alexnet.evaluation.measuring import measure
from keras_alexnet.functional_graphs import made_once
from keras_alexnet.preprocessing import SquareResize, multi_crop_model
from keras_alexnet.preprocessing.multi_crop import crop_layers
from keras_alexnet.progress import has_display
from keras_alexnet.published.imagenet import CLASSES, imagenet_class_names
from keras_alexnet.type_aliases import Resizing


def images_to_measure(
    directory: str,
    splits: NamedSplits | None,
    class_names: Sequence[str] | None = None,
    training: Training | None = None,
    run: str | None = None,
) -> tuple[LabelledFiles, str, list[str]]:
    """Return the images of a folder that a model was not trained on, as far as records show it.

    Args:
        directory: A folder with one folder of images per class, all of which are measured; or
            with two such folders, `train` and `val`, the second of which is measured.
        splits: These two folders, as `named_splits` finds them.
        class_names: The model's classes, which the names of the folders must match; `None` for the
            names of the folders in alphabetical order.
        training: The training of the model, from its card; `None` if unknown.
        run: The folder of that run. If it holds the list of its files, and some of them lie in
            `directory`, exactly the held-out ones are measured.

    Returns:
        The files, their description, and notes on held-out files that are missing, on files
        that the run did not use, and on a list that is missing.

    Raises:
        UserError: If there are no images, a folder matches none of the classes, or none of the
            held-out images is left.
    """
    place = splits.held_out if splits else directory
    found = find_images(place, class_names).noted(splits.notes if splits else ())
    which, said = f"the images in {place!r}", folder_notes(found)
    if training is None or training.held_out_sha256 is None:  # none held out, or drawn images
        return found, which, said
    record = SplitRecord.read(os.path.join(run, FILES)) if run is not None else None
    if record is None or record.held_out_hash() != training.held_out_sha256:
        absent = f"The model's folder has no {FILES}, the list of the images that it was trained on"
        if record is not None:
            absent = f"The {FILES} in the model's folder belongs to another run"
        note = f"{absent}: some of the measured images may be training images."
        return found, which, [note, *said]
    everything = found
    if splits:
        everything = find_images(splits.training, class_names).joined(found)
    present = sizes(directory, everything)
    names = [below(directory, path) for path in everything.paths]
    if not record.files.keys() & present.keys():
        return found, which, [f"None of the images is in the {FILES} of the model's run.", *said]
    held = [n for n, name in enumerate(names) if record.held_out.get(name) == present[name]]
    if not held:
        raise UserError(
            f"The folder {directory!r} holds none of the {len(record.held_out)} images that "
            "were held out in training.",
            "The folder must hold at least one of them, to measure the model on images that it was "
            "not trained on.",
            "Restore them, or give a folder of other images.",
        )
    notes = [*_changes(record, present), *said]
    return (
        everything.take(held),
        f"the images in {directory!r} that were held out in training",
        notes,
    )


def _changes(record: SplitRecord, present: dict[str, int]) -> list[str]:
    """Return notes on held-out images that are not measured, and on images that were not used."""
    gone = [name for name in record.held_out if name not in present]
    other = [n for n, size in record.held_out.items() if n in present and present[n] != size]
    new = [name for name in present if name not in record.files]
    missing = counted("missing", gone), counted("of another size", other)
    notes = [f"Of the held-out images, {phrase}." for phrase in missing if phrase]
    if new:  # since then, or skipped because they could not be read
        notes.append(f"The run did not use all images: {counted('not measured', new)}.")
    return notes


def classes_of(model, folder: str) -> tuple[tuple[str, ...] | None, str]:
    """Return the classes of a model without a list of them, and the assumption in words.

    Args:
        model: The model.
        folder: A folder with one folder of images per class.

    Returns:
        ImageNet's classes if the model has a thousand outputs and the name of a folder is a WordNet
        identifier or a label of ImageNet; otherwise `None`, for the names of the folders. Then a
        sentence that says so.
    """
    names = imagenet_class_names()
    if model.output_shape[-1] == CLASSES and os.path.isdir(folder):
        with readable_folder(folder, EXPECTED):
            folders = [os.path.basename(path) for path in subfolders(folder)]
        if any(matches(name, names) for name in folders):
            return names, (
                "The model's thousand classes are assumed to be ImageNet's, in the order of their "
                "WordNet identifiers."
            )
    return None, "The model's classes are assumed to be the folders, in alphabetical order."


def spread(labels: Sequence[int], count: int) -> list[int]:
    """Return the numbers of some images at random, of as many classes as possible."""
    order = np.random.default_rng(0).permutation(len(labels)).tolist()
    seen: collections.Counter = collections.Counter()
    turns = []
    for index in order:
        turns.append(seen[labels[index]])
        seen[labels[index]] += 1
    ranked = sorted(range(len(order)), key=turns.__getitem__)
    return [order[rank] for rank in ranked[:count]]


def measure_files(
    model,
    files: LabelledFiles,
    ten_crop: bool | None = None,
    batch_size: int = 32,
    progress: bool = True,
) -> Evaluation:
    """Measure a model on image files, in the size and shape that the model takes.

    Args:
        model: A model of RGB pixels of 0 to 255. If it begins with a `SquareResize`, as the models
            of `keras-alexnet fit` do, its method resizes the images; otherwise the images are
            squares of the input's size, cut out of the middle.
        files: The images and their classes, in the order of the model's outputs.
        ten_crop: Whether to measure ten crops as well; `None` to do so if the model cuts a window.
        batch_size: Images per step.
        progress: Whether to show a progress bar, on a terminal or in a notebook.

    Raises:
        UserError: If the model does not fit the images or the classes; if a file cannot be read,
            which is known before the measuring if its header is damaged.
    """
    _check_outputs(model, files.class_names)
    reader = ImageReader(*size_and_method(model))
    tens = ten_crops(model, ten_crop)
    refuse_unreadable(files, progress and has_display())
    data = ReadableBatches(file_batches(files, reader, batch_size, bad_images="black"), reader)
    return measure(model, data, files.class_names, tens, progress=progress)


def ten_crops(model, wanted: bool | None):
    """Return the ten-crop form of a model, `None` without one.

    Args:
        model: The model.
        wanted: Whether it is wanted; `None` for models that cut a window.

    Raises:
        UserError: If it is wanted and the model cuts no window.
    """
    cuts = bool(crop_layers(model))
    if wanted and not cuts:
        raise UserError(
            f"Received the model {model.name!r}, which cuts no window out of its images.",
            "A model for ten crops must begin with a RandomCropFlip or a CenterCrop.",
            "Leave ten crops out, or put the layers of training_preprocessor before the model.",
        )
    if not cuts or wanted is False:
        return None
    return made_once(model, "ten crops", lambda: multi_crop_model(model))


def _check_outputs(model, class_names: Sequence[str]) -> None:
    outputs = model.output_shape[-1]
    if outputs != len(class_names):
        raise UserError(
            f"Received the model {model.name!r} with {outputs} outputs, and images of "
            f"{len(class_names)} classes.",
            "The model must have one output for each class.",
            "Give a folder for each class of the model, or write the names of its classes, in its "
            "order, into a file classes.json beside the model.",
        )


def size_and_method(model) -> tuple[int, Resizing]:
    """Return the side of the square images that a model takes, and the method of resizing."""
    for layer in model.layers:
        if isinstance(layer, SquareResize):
            return layer.size, layer.method
    shape = tuple(model.input_shape[1:])
    if len(shape) != 3 or shape[0] is None or shape[0] != shape[1] or shape[2] != 3:
        raise UserError(
            f"Received the model {model.name!r} with an input of shape {shape}.",
            "The input must have the shape of square RGB images, (size, size, 3).",
            "Put a keras.Input of that shape and the missing layers before the model.",
        )
    return shape[0], "shorter_side"
