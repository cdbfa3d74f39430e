"""Functions that write files whole or not at all, read JSON, and make and lock folders."""

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
WRITING = ".writing-"  # prefix of the names of temporary folders


@contextlib.contextmanager
def written_whole(path: str, writing: str = WRITING) -> Iterator[str]:
    """Give a temporary path beside `path` to write to; rename it when the block succeeds.

    If the block fails, an older file at `path` stays as it is and no partial file is left. The
    file is flushed to the disk before it is renamed, and its new name is flushed afterwards: both
    survive a loss of power. The temporary name keeps the ending, from which many writers take the
    format. The name of its folder begins with `writing`. Other files that the block writes beside
    the temporary path stand beside `path` then, since some formats have two.

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
    with _beside(path, writing) as beside:
        target = os.path.join(beside, name)
        yield target
        others = sorted({*os.listdir(beside)} - {name})
        for each in (*others, name):  # the file itself last: without it there is none
            _flush(os.path.join(beside, each))
            os.replace(os.path.join(beside, each), os.path.join(folder, each))


@contextlib.contextmanager
def written_folder(path: str) -> Iterator[str]:
    """Give a temporary path to make a folder at; rename it to `path` when the block succeeds.

    If the block fails, an older folder at `path` stays as it is, and nothing else is left.

    Raises:
        UserError: If the folder around does not exist or cannot be written to, or the disk is full.

    Example:

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "net")
    >>> with written_folder(path) as beside:
    ...     os.mkdir(beside)
    >>> os.path.isdir(path)
    True
    """
    if not os.path.isdir(path):
        check_writable(path)
    with _beside(path, WRITING) as beside:
        target = os.path.join(beside, "new")
        yield target
        for around, _, names in os.walk(target):
            for name in names:
                _flush(os.path.join(around, name))
        if os.path.isdir(path):
            os.replace(path, os.path.join(beside, "old"))
        os.replace(target, path)


@contextlib.contextmanager
def _beside(path: str, writing: str) -> Iterator[str]:
    """Give a temporary folder beside a path, and flush the folder of both afterwards."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        with tempfile.TemporaryDirectory(prefix=writing, dir=folder) as beside:
            yield beside
    except OSError as error:
        raise UserError(
            f"Could not write {path!r}: {_reason(error)}.",
            "The disk must have room for the file, and the folder must be writable.",
            "Free some space or choose another folder. Nothing was changed.",
        ) from error
    with contextlib.suppress(OSError):  # some systems open no folder, or flush none
        _flush(folder)


def write_json(path: str, value) -> None:
    """Write a value as JSON, whole or not at all."""
    with written_whole(path) as beside, open(beside, "w", encoding="utf-8") as file:
        file.write(json_text(value))


def read_json(path: str, parse: Callable[[Any], Any], expected: str, remedy: str):
    """Return the value in a JSON file, after `parse` has checked it.

    Args:
        path: The file.
        parse: Takes the value and returns the result; raises `ValueError` with the reason if the
            value is not the expected one.
        expected: A sentence that says which content the file must have.
        remedy: A sentence that says how to repair the file.

    Raises:
        UserError: If the file cannot be read, or holds another value.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return parse(json.load(file))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"The file {path!r} cannot be read: {error}.", expected, remedy) from error


def name_list(value) -> list[str]:
    """Return a value of a JSON file if it is a list of names; raise `ValueError` otherwise."""
    if not (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        raise ValueError("it holds no list of names")
    return value


def _flush(path: str) -> None:
    """Wait until a file, or the list of files in a folder, is on the disk."""
    is_folder = os.path.isdir(path)
    handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)  # Windows flushes writable ones
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_room(path: str, size: int) -> None:
    """Raise unless a new file of this size can be written at `path`.

    Writers that cannot handle a full disk need it: the HDF5 library crashes the process (seen with
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
                raise  # any other error means that the file system cannot tell
    os.remove(path)


def remove_leftovers(folder: str, writing: str = WRITING) -> None:
    """Remove the temporary folders of killed writers; no writer may be active in the folder."""
    for name in os.listdir(folder):
        if name.startswith(writing):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def _reason(error: OSError) -> str:
    """Return the system's reason in a line; the texts of libraries can fill pages."""
    return os.strerror(error.errno) if error.errno else str(error)


def check_writable(path: str) -> None:
    """Raise unless a file can be written at `path`; call it before an hour's work."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        received = f"Received the path {path!r}, but the folder {folder!r} does not exist."
    elif os.path.isdir(path):
        received = f"Received the path {path!r}, which is a folder."
    elif not os.access(folder, os.W_OK):
        received = f"Received the path {path!r}, but the folder {folder!r} is not writable."
    else:
        return
    expected = "The path must name a file, in a folder that exists and is writable."
    raise UserError(received, expected, "Choose another path.")


def check_free(out: str, overwrite: bool) -> None:
    """Raise unless a file may be written at `out`, where no older one may be replaced."""
    check_writable(out)
    if os.path.lexists(out) and not overwrite:
        raise UserError(
            f"Received the path {out!r}, but there is a file already.",
            "The output file must be a new one, so that no file is lost.",
            "Choose another name, or pass overwrite=True (--overwrite) to replace the file.",
        )


@contextlib.contextmanager
def made_folder(path: str) -> Iterator[None]:
    """Make a folder, and those above it, for the results of the block.

    If the block fails, the folders that were made are removed, as long as they are empty.

    Raises:
        UserError: If the folder cannot be made, or nothing can be written in it.
    """
    missing, folder = [], os.path.abspath(path)
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Received the output folder {path!r}, which cannot be made: {error.strerror}.",
            "The path must be that of a folder, or of one that can be made.",
            "Choose another folder.",
        ) from error
    try:
        if not os.access(path, os.W_OK):
            raise UserError(
                f"Received the output folder {path!r}, which is not writable.",
                "The folder must be writable.",
                "Choose another folder, or change its permissions.",
            )
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # it is not empty: another process uses it
            for folder in missing:
                os.rmdir(folder)
        raise


@contextlib.contextmanager
def locked_folder(folder: str, waiting: Callable[[], None] = lambda: None) -> Iterator[bool]:
    """Let one process at a time run the block for a folder; give whether the folder is locked.

    Windows and some network file systems cannot lock a folder: the block runs all the same there.

    Args:
        folder: A folder that exists. It is made again if the process before removed it.
        waiting: Called once if another process has the lock.

    Example:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked_folder(folder):
    ...     os.listdir(folder)
    []
    """
    with contextlib.ExitStack() as stack:
        try:
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(handle, fcntl.LOCK_EX)
            os.makedirs(folder, exist_ok=True)
            locked = True
        except (ImportError, OSError):
            locked = False
        yield locked


def keras_home() -> str:
    """Return the folder of Keras's downloads: `KERAS_HOME`, or `~/.keras`."""
    return os.path.expanduser(os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))
