"""`load_images`: the training and held-out images of a job, from a folder or drawn."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_alexnet.data.bad_files import refuse_unreadable, skipped_note, without_unreadable
from keras_alexnet.data.batches import array_batches, file_batches
from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images
from keras_alexnet.data.image_reader import ImageReader, ReadableBatches
from keras_alexnet.data.labelled_files import (
    LabelledFiles,
    balanced_weights,
    folder_notes,
    training_and_held_out,
)
from keras_alexnet.data.order import EpochOrder
from keras_alexnet.data.split_record import SplitRecord, sizes
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.folder import spread
from keras_alexnet.training.job import Job

_REMEDY = (
    "Replace or remove it (`keras-alexnet check-images {directory!r} --move-to FOLDER` moves all "
    "such files aside), or pass bad_images='skip' (--bad-images skip). Then start again: a run "
    "that has begun goes on."
)


@dataclasses.dataclass(frozen=True)
class Images:
    """Training and held-out images in batches, uint8 of 0 to 255, in the order of each epoch.

    Args:
        training: The training batches.
        held_out: The batches to measure after each epoch.
        training_count: Number of training images.
        held_out_count: Number of held-out images.
        class_names: The classes.
        order: The order of the training images, to be told each epoch.
        sample: Returns a number of held-out images of as many classes as possible, and their
            labels.
        reader: The reader of image files, `None` for drawn images.
        split: The files of both parts.
        notes: Sentences on files and folders that are not used.
        measured: Returns the batches to measure at the end.
        class_weight: The weights that give every class the same influence in training.
    """

    training: Any
    held_out: Any
    training_count: int
    held_out_count: int
    class_names: tuple[str, ...]
    order: EpochOrder
    sample: Callable[[int], tuple[Any, Any]]
    reader: ImageReader | None = None
    split: SplitRecord | None = None
    notes: tuple[str, ...] = ()
    measured: Callable[[], Any] | None = None
    class_weight: Mapping[int, float] = dataclasses.field(default_factory=dict)

    @property
    def skipped(self) -> tuple[tuple[str, str], ...]:
        """The path and the reason of each file that cannot be read and was left out."""
        return tuple(self.reader.bad) if self.reader is not None else ()

    def steps_per_epoch(self, job: Job) -> int:
        """Return the number of training batches."""
        return -(-self.training_count // job.batch_size)

    def to_measure(self):
        """Return the batches to measure, without the files that were skipped so far."""
        return self.held_out if self.measured is None else self.measured()


def load_images(
    job: Job,
    first_epoch: int = 0,
    earlier: SplitRecord | None = None,
    accept_changes: bool = False,
    progress: bool = False,
) -> Images:
    """Return the images of a job: four fifths to train on, one fifth held out.

    A folder with folders named `train` and `val` keeps this division.

    Args:
        job: The job.
        first_epoch: Number of epochs done, for a run that continues.
        earlier: The files of that run: held-out images stay held out.
        accept_changes: Whether the folder may hold other files than in that run. New files become
            training images.
        progress: Whether a bar shows the number of headers read.

    Raises:
        UserError: If the folder does not exist, has too few images or other files than before, or
            has files that cannot be read and that the job does not skip.
    """
    if job.directory is None:
        return _drawn(job, first_epoch)
    skips = job.bad_images == "skip"
    remedy = _REMEDY.format(directory=job.directory)
    if skips:
        usable = functools.partial(without_unreadable, progress=progress)
    else:
        usable = functools.partial(refuse_unreadable, progress=progress, remedy=remedy)
    files, test, split = _divided(job.directory, job.seed, usable, earlier, accept_changes)
    unreadable = dict.fromkeys(files.unreadable + test.unreadable)
    resizing = job.record.pixels.resizing
    reader = ImageReader(job.base, resizing, unreadable=tuple(unreadable), remedy=remedy)

    def sample(count: int):
        chosen = _whole(test, reader)
        chosen = chosen.take(spread(chosen.labels, count))
        return np.stack([reader.read(path) for path in chosen.paths]), chosen.labels

    # A bad file is a black image until `ReadableBatches` or `StopOnFailure` raises.
    bad_images = "skip" if skips else "black"
    order = EpochOrder(len(files), job.seed, first_epoch)
    return Images(
        file_batches(files, reader, job.batch_size, order, bad_images),
        file_batches(test, reader, job.batch_size, None, bad_images),
        len(files),
        len(test),
        tuple(files.class_names),
        order,
        sample,
        reader,
        split,
        tuple(filter(None, [*folder_notes(files, test), skipped_note(reader.bad)])),
        lambda: ReadableBatches(
            file_batches(_whole(test, reader), reader, job.batch_size, None, bad_images), reader
        ),
        files.class_weight(),
    )


def _divided(
    directory: str,
    seed: int,
    usable: Callable[[LabelledFiles], LabelledFiles],
    earlier: SplitRecord | None,
    accept_changes: bool,
) -> tuple[LabelledFiles, LabelledFiles, SplitRecord]:
    """Return the training files and the held-out files of a folder, and the record of both.

    Args:
        directory: The folder.
        seed: Decides which files are held out.
        usable: Takes the files found and returns those to use.
        earlier: The record of the run that continues, whose held-out files stay held out; `None`
            for a new run.
        accept_changes: Whether the folder may hold other files than that run had.
    """
    files, test = training_and_held_out(directory, seed, usable=usable)
    split = SplitRecord.of(directory, files, test)
    if earlier is None or earlier == split:
        return files, test, split
    if not accept_changes:
        raise _changed(directory, earlier.differences(split.files))
    files, test = _as_before(directory, files, test, earlier)
    return files, test, SplitRecord.of(directory, files, test)


def _whole(files: LabelledFiles, reader: ImageReader) -> LabelledFiles:
    """Return the files without those that the reader could not read when it read them all."""
    bad = {path for path, _ in reader.bad}
    return files.take([index for index, path in enumerate(files.paths) if path not in bad])


def _changed(directory: str, differences: list[str]) -> UserError:
    """Return the error for a run that would continue with other images."""
    return UserError(
        f"The images in {directory!r} are not those that the run began with: "
        f"{'; '.join(differences) or 'other images are held out'}.",
        "A run must continue with the images that it began with, so that it never trains on "
        "held-out ones.",
        "Restore the images, begin again with overwrite=True (--overwrite), or pass "
        "accept_changed_data=True (--accept-changed-data) to continue with the images as they are "
        "now.",
    )


def _as_before(directory: str, files, test, earlier: SplitRecord):
    """Return the images, divided as in an earlier run."""
    together = files.joined(test)
    # A held-out path with another size is another image, possibly a training image.
    found = sizes(directory, together)
    held = [earlier.held_out.get(name) == size for name, size in found.items()]
    kept = together.take([index for index, out in enumerate(held) if not out])
    out = together.take([index for index, out in enumerate(held) if out])
    if not (len(kept) and len(out)):
        raise UserError(
            f"The folder {directory!r} holds {len(kept)} training images and {len(out)} of the "
            "images that the run held out.",
            "The folder must hold at least one of each to continue the run.",
            "Restore the images, or begin again with overwrite=True (--overwrite).",
        )
    return kept, out


def _drawn(job: Job, first_epoch: int) -> Images:
    images, labels = drawn_images(job.drawn, job.seed, job.base)
    cut = len(images) * 4 // 5

    def sample(count: int):
        chosen = spread(labels[cut:].tolist(), count)
        return images[cut:][chosen], labels[cut:][chosen]

    order = EpochOrder(cut, job.seed, first_epoch)
    return Images(
        array_batches(images[:cut], labels[:cut], job.batch_size, order),
        array_batches(images[cut:], labels[cut:], job.batch_size),
        cut,
        len(images) - cut,
        CLASS_NAMES,
        order,
        sample,
        class_weight=balanced_weights(labels[:cut].tolist()),
    )
