"""Where images lie: the paths under a folder that end as images do."""

import contextlib
import os
from collections.abc import Iterator

from keras_alexnet.errors import UserError, explain

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


def image_paths(directory: str, deep: bool = True) -> Iterator[str]:
    """Give the images of a folder and of the folders in it, the hidden ones left out."""
    return _image_paths(directory, deep, frozenset())


def _image_paths(directory, deep, above):
    here = os.path.realpath(directory)
    if here in above:  # a link that leads back to where it stands
        return
    for entry in os.scandir(directory):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if deep:
                yield from _image_paths(entry.path, deep, above | {here})
        elif entry.name.lower().endswith(ENDINGS) and _is_file(entry):
            yield entry.path


def _is_file(entry) -> bool:
    """Return whether there is something to read; a broken link is, so that it is named later."""
    return entry.is_file() or entry.is_symlink()


@contextlib.contextmanager
def listed(directory: str, expected: str) -> Iterator[None]:
    """Raise a `UserError` if there is no such folder, or the block cannot list all of it.

    Args:
        directory: The folder.
        expected: A sentence that says what kind of folder was expected.
    """
    if not os.path.isdir(directory):
        what = "is a file" if os.path.exists(directory) else "does not exist"
        raise UserError(
            explain(
                f"Received the folder {directory!r}, which {what}.",
                expected,
                f"Check the path; the current folder is {os.getcwd()!r}.",
            )
        )
    try:
        yield
    except OSError as error:
        raise UserError(
            explain(
                f"Received the folder {directory!r}, of which {error.filename!r} cannot be read: "
                f"{error.strerror}.",
                "All folders must be readable.",
                "Change their permissions, or copy the images elsewhere.",
            )
        ) from error
