"""Functions that find files with unreadable headers before training, and skip or refuse them."""

import dataclasses
from collections.abc import Sequence

from keras_alexnet.data.image_check import unreadable
from keras_alexnet.data.labelled_files import LabelledFiles
from keras_alexnet.errors import UserError, amount, first_few

BAD_IMAGES = ("stop", "skip")  # what to do about them
REMEDY = (
    "Replace or remove it (`keras-alexnet check-images FOLDER --move-to ELSEWHERE` moves all such "
    "files aside), and start again."
)


def without_unreadable(files: LabelledFiles, progress: bool = False) -> LabelledFiles:
    """Return the files whose headers can be read; `unreadable` holds the others.

    Raises:
        UserError: If no image is left, or none of a class.
    """
    bad = dict(unreadable(files.paths, progress))
    kept = files.take([index for index, path in enumerate(files.paths) if path not in bad])
    if bad and not len(kept):
        raise nothing_left(len(files), *next(iter(bad.items())))
    if lost := sorted({*files.labels} - {*kept.labels}):
        first = files.paths[files.labels.index(lost[0])]
        raise UserError(
            f"None of the images of the class {files.class_names[lost[0]]!r} can be read; the "
            f"reason for {first!r} is: {bad[first]}.",
            "Every class must have at least one whole image.",
            "Replace the files, or remove the folder of the class.",
        )
    return dataclasses.replace(kept, unreadable=tuple(bad.items()))


def refuse_unreadable(files: LabelledFiles, progress: bool = False, remedy: str = REMEDY):
    """Return the files unchanged if all their headers can be read.

    Raises:
        UserError: If a header cannot be read; the error names the first such file.
    """
    bad = unreadable(files.paths, progress)
    if bad:
        raise not_readable(*bad[0], remedy, others=len(bad) - 1)
    return files


def not_readable(path: str, reason: str, remedy: str = REMEDY, others: int = 0) -> UserError:
    """Return the error for a file that cannot be read."""
    more = f" {amount(others, 'other file')} cannot be read either."
    return UserError(
        f"The image {path!r} cannot be read: {reason}.{more if others else ''}",
        "Every file must be a whole image.",
        remedy,
    )


def skipped_note(bad: Sequence[tuple[str, str]]) -> str:
    """Return a sentence that counts and names the files that were skipped; empty for none.

    Example:

    >>> skipped_note([("cats/1.jpg", "it is empty (0 bytes)")])
    "Skipped 1 image that cannot be read: 'cats/1.jpg'."
    """
    if not bad:
        return ""
    files = amount(len(bad), "image")
    return f"Skipped {files} that cannot be read: {first_few([path for path, _ in bad])}."


def nothing_left(count: int, path: str, reason: str) -> UserError:
    """Return the error for a folder of which no file can be read; it names one of them."""
    return UserError(
        f"None of the {count} images can be read; the reason for {path!r} is: {reason}.",
        "The folder must hold at least one whole image.",
        "Replace the files, and start again.",
    )
