"""`moved_aside`: moves a file without overwriting another."""

import errno
import os
import shutil

from keras_alexnet.errors import UserError


def moved_aside(path: str, target: str) -> str:
    """Move a file to `target`, or to the first free name like it, and return its new path.

    The file is renamed, or copied and then removed if the target is on another disk. If that
    fails, the file stays where it was.

    Raises:
        UserError: If it cannot be moved.
    """
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        free = _reserved(target)
        try:
            _replace(path, free)
        except BaseException:
            os.remove(free)
            raise
    except OSError as error:
        raise UserError(
            f"Could not move {path!r} to {target!r}: {error.strerror or error}.",
            "Both folders must be writable, and the disk must have room.",
            "Choose another folder: this file is where it was, those before it were moved.",
        ) from error
    return free


def _reserved(target: str) -> str:
    """Make an empty file at the first free name, which reserves it, and return the name."""
    stem, ending = os.path.splitext(target)
    name, number = target, 1
    while True:
        try:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            return name
        except FileExistsError:
            number += 1
            name = f"{stem}-{number}{ending}"


def _replace(path: str, free: str) -> None:
    try:
        os.replace(path, free)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copy2(path, free)
        os.remove(path)
