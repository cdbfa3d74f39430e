"""The files below a folder, and those among them with the ending of an image."""

import contextlib
import os
import pathlib
from collections.abc import Iterator, Sequence

from keras_alexnet.data.image_formats import image_endings
from keras_alexnet.errors import UserError, amount, first_few

UNNAMED = ("desktop.ini", "thumbs.db")  # files that Windows leaves in folders of images


def image_paths(directory: str, deep: bool = True) -> Iterator[str]:
    """Yield the images of a folder and, if `deep`, of the folders in it, without hidden ones."""
    endings = image_endings()
    return (path for path in _paths(directory, deep, _above(directory)) if _ending(path) in endings)


def images_and_others(directory: str) -> tuple[list[str], list[str]]:
    """Return the images of a folder and of the folders in it, and the other files, in order.

    Both lack hidden files and those that an operating system leaves beside images.
    """
    endings = image_endings()
    images: list[str] = []
    others: list[str] = []
    for path in sorted(_paths(directory, True, _above(directory))):
        if _ending(path) in endings:
            images.append(path)
        elif os.path.basename(path).lower() not in UNNAMED:
            others.append(path)
    return images, others


def subfolders(directory: str) -> list[str]:
    """Return the paths of the folders in a folder, in order of name, without hidden ones."""
    with os.scandir(directory) as entries:
        found = (entry for entry in entries if _is_folder(entry) and entry.name[0] != ".")
        return [entry.path for entry in sorted(found, key=lambda entry: entry.name)]


def passed_over_note(paths: Sequence[str]) -> str:
    """Return a sentence that counts and names the files passed over; empty if there are none.

    Example:

    >>> passed_over_note(["cats/notes.txt", "dogs/1.heic"])
    "Passed over 2 files without the ending of an image that can be read: 'notes.txt', '1.heic'."
    """
    if not paths:
        return ""
    files = amount(len(paths), "file")
    return f"Passed over {files} without the ending of an image that can be read: {few(paths)}."


def few(paths: Sequence[str]) -> str:
    """Return the base names of the first files or folders in quotes.

    Example:

    >>> few(["animals/cats", "animals/dogs"])
    "'cats', 'dogs'"
    """
    return first_few([os.path.basename(path) for path in paths])


def _above(directory) -> frozenset[str]:
    """Return the folders above a folder; a link inside it may lead back to one."""
    return frozenset(map(str, pathlib.PurePath(os.path.realpath(directory)).parents))


def _paths(directory, deep, above):
    here = os.path.realpath(directory)
    if here in above:  # a link that leads back to a folder above it
        return
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                if deep:
                    yield from _paths(entry.path, deep, above | {here})
            elif _is_file(entry):
                yield entry.path


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _is_file(entry) -> bool:
    """Return whether an entry is a file or a broken link; a later error names the link."""
    return (entry.is_symlink() and not os.path.exists(entry.path)) or entry.is_file()


def _is_folder(entry) -> bool:
    """Return whether an entry is a folder; a link that leads to itself is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


@contextlib.contextmanager
def readable_folder(directory: str, expected: str) -> Iterator[None]:
    """Raise a `UserError` if there is no such folder, or the block cannot read all of it.

    Args:
        directory: The folder.
        expected: A sentence that says which kind of folder is expected.
    """
    if not os.path.isdir(directory):
        state = "is a file" if os.path.exists(directory) else "does not exist"
        raise UserError(
            f"Received the folder {directory!r}, which {state}.",
            expected,
            f"Check the path; the current folder is {os.getcwd()!r}.",
        )
    try:
        yield
    except OSError as error:
        raise UserError(
            f"Received the folder {directory!r}, in which {error.filename!r} cannot be read: "
            f"{error.strerror}.",
            "All folders in it must be readable.",
            "Change their permissions, or copy the images to another folder.",
        ) from error
