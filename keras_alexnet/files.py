"""Files that are there in full or not at all."""

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from keras_alexnet.errors import UserError
from keras_alexnet.tables import json_text

NO_ROOM = {getattr(errno, name, errno.ENOSPC) for name in ("ENOSPC", "EFBIG", "EDQUOT")}
WRITING = ".writing-"  # how the names of temporary folders begin


@contextlib.contextmanager
def written_whole(path: str, writing: str = WRITING) -> Iterator[str]:
    """Give a temporary path beside `path` to write to; rename it when the block succeeds.

    When the block fails, whatever stood at `path` before still stands and nothing half-written is
    left. The file is on the disk before it is renamed, and its new name is before this returns:
    both outlast a loss of power. The temporary name keeps the ending, from which many writers take
    the format. Its folder has a name that begins with `writing`.

    Raises:
        UserError: If the folder does not exist or cannot be written to, or the disk is full.

    Example:

    >>> import os, pathlib, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "note.txt")
    >>> with written_whole(path) as beside, open(beside, "w") as file:
    ...     _ = file.write("all of it")
    >>> pathlib.Path(path).read_text()
    'all of it'
    """
    folder, name = os.path.split(os.path.abspath(path))
    check_writable(path)
    with tempfile.TemporaryDirectory(prefix=writing, dir=folder) as beside:
        target = os.path.join(beside, name)
        try:
            yield target
            _flush(target)
        except OSError as error:
            raise UserError(
                f"Could not write {path!r}: {_reason(error)}.",
                "The disk must have room for the file.",
                "Nothing was changed; free some space or choose another place.",
            ) from error
        os.replace(target, path)
        with contextlib.suppress(OSError):  # some systems open no folder, or flush none
            _flush(folder)


def write_json(path: str, value) -> None:
    """Write a value as JSON, whole or not at all."""
    with written_whole(path) as beside, open(beside, "w", encoding="utf-8") as file:
        file.write(json_text(value))


def read_json(path: str, parse: Callable[[Any], Any], expected: str, remedy: str, aside: str = ""):
    """Return the value in a JSON file, after `parse` has checked it.

    Args:
        path: The file.
        parse: Takes the value and returns the result; raises `ValueError` with the reason if the
            value is not the expected one.
        expected: A sentence on the content that the file must have.
        remedy: A sentence on the way to mend the file.
        aside: A clause on the file, between commas.

    Raises:
        UserError: If the file cannot be read, or holds another value.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return parse(json.load(file))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"The file {path!r}{aside} cannot be read: {error}.", expected, remedy
        ) from error


def name_list(value) -> list[str]:
    """Return a value of a JSON file that is a list of names; raise `ValueError` if it is not."""
    if not (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        raise ValueError("it holds no list of names")
    return value


def _flush(path: str) -> None:
    """Wait until a file, or the list of the files in a folder, is on the disk."""
    is_folder = os.path.isdir(path)
    handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)  # Windows: to be writable
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_room(path: str, size: int) -> None:
    """Raise unless a file of this size can be written at `path`, where there is none yet.

    For writers that do not bear a full disk: the HDF5 library crashes the process (seen with
    1.14.6).

    Raises:
        OSError: If the disk is too full, or a quota or limit too small.
    """
    with open(path, "wb") as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            elif shutil.disk_usage(os.path.dirname(path)).free < size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            if error.errno in NO_ROOM:
                raise  # others: the file system cannot tell
    os.remove(path)


def remove_leftovers(folder: str, writing: str = WRITING) -> None:
    """Remove what writers that were killed left in a folder; no writer may be at work there."""
    for name in os.listdir(folder):
        if name.startswith(writing):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def _reason(error: OSError) -> str:
    """Say in a line why the system refused; the words of libraries can be pages."""
    return os.strerror(error.errno) if error.errno else str(error)


def check_writable(path: str) -> None:
    """Raise unless a file can be written at `path`: better before an hour's work than after."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        wrong = f"Received the path {path!r}, but the folder {folder!r} does not exist."
    elif os.path.isdir(path):
        wrong = f"Received the path {path!r}, which is a folder."
    elif not os.access(folder, os.W_OK):
        wrong = f"Received the path {path!r}, but the folder {folder!r} cannot be written to."
    else:
        return
    raise UserError(wrong, "The folder must exist and be writable.", "Choose another path.")


@contextlib.contextmanager
def made_folder(path: str) -> Iterator[None]:
    """Make a folder for the results of the block, unmade if the block fails and leaves it empty.

    Raises:
        UserError: If the folder cannot be made, or nothing can be written in it.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Received the output folder {path!r}, which cannot be made: {error.strerror}.",
            "A folder was expected, or a place where one can be made.",
            "Choose another.",
        ) from error
    try:
        check_writable(os.path.join(path, "file"))
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # not empty: an earlier run's results stay
            os.rmdir(path)
        raise


def keras_home() -> str:
    """Return the folder where Keras keeps what it downloads: `KERAS_HOME`, or `~/.keras`."""
    return os.path.expanduser(os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))
