"""`run_lock`: a lock that lets one process at a time write to the folder of a run."""

import contextlib
import dataclasses
import json
import os
import socket
import time
from collections.abc import Iterator

from keras_alexnet.errors import UserError
from keras_alexnet.files import locked_folder
from keras_alexnet.interrupts import delayed_interrupts

LOCK = "fit.lock"  # name of the file in the folder


@dataclasses.dataclass(frozen=True)
class Owner:
    """The process that a lock names.

    Args:
        pid: Number of the process.
        host: Name of its machine.
        since: Local time at which it made the lock.
        start: Time of its start, as Linux counts it, which distinguishes it from a later process
            with the same number; empty on other systems.
    """

    pid: int
    host: str
    since: str
    start: str

    def __post_init__(self):
        """Raise `ValueError` unless the values can be those of a process."""
        texts = (self.host, self.since, self.start)
        if type(self.pid) is not int or self.pid < 1 or not all(type(t) is str for t in texts):
            raise ValueError

    @classmethod
    def current(cls) -> "Owner":
        """Return this process."""
        pid = os.getpid()
        return cls(pid, socket.gethostname(), time.strftime("%Y-%m-%d %H:%M:%S"), _state(pid)[1])

    def has_ended(self) -> bool:
        """Return whether the process is known to have ended."""
        if self.host != socket.gethostname() or os.name == "nt":  # signal 0 is Ctrl-C on Windows
            return False
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except OSError:  # the process belongs to another user
            pass
        state, start = _state(self.pid)
        return state == "Z" or ("" not in (start, self.start) and start != self.start)


@contextlib.contextmanager
def run_lock(folder: str) -> Iterator[None]:
    """Keep every other process from training into a folder during the block.

    The file `fit.lock` names the process. The block removes it however it ends. It replaces the
    lock of a process of this machine that was killed.

    Raises:
        UserError: If another process trains into the folder, or may do so on another machine; or
            if the lock cannot be read or written.

    Example:

    >>> import os, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with run_lock(folder):
    ...     os.listdir(folder)
    ['fit.lock']
    >>> os.listdir(folder)
    []
    """
    path, held = os.path.join(folder, LOCK), False
    try:
        with delayed_interrupts(), locked_folder(folder):
            check_lock(folder)
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
            _create(path)
            held = True
        yield
    finally:
        if held:
            with contextlib.suppress(OSError):
                os.remove(path)


def check_lock(folder: str) -> None:
    """Raise `UserError` if a process trains into a folder, or may do so on another machine."""
    path = os.path.join(folder, LOCK)
    owner = _owner(path)
    if owner is None or owner.has_ended():
        return
    raise UserError(
        f"The process {owner.pid} on the machine {owner.host!r} has been training "
        f"into {folder!r} since {owner.since}.",
        "Only one process at a time can write to the folder of a run.",
        f"Wait for its end or choose another folder; if it no longer runs, remove {path!r}.",
    )


def _owner(path: str) -> Owner | None:
    """Return the process that a lock names, `None` without a lock or a process in it."""
    try:
        with open(path, encoding="utf-8") as file:
            return Owner(**json.load(file))
    except (FileNotFoundError, ValueError, TypeError, RecursionError):
        return None
    except OSError as error:
        raise _unusable(path, error) from error


def _create(path: str) -> None:
    """Write the lock; fail if it exists, as another process may be faster on some systems."""
    try:
        with open(path, "x", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(Owner.current()), file)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: str, error: OSError) -> UserError:
    return UserError(
        f"The lock {path!r} can be neither read nor written: {error.strerror}.",
        "The lock must be a file that names the process that trains into the folder.",
        "If no process trains there, remove the file; otherwise choose another folder.",
    )


def _state(pid: int) -> tuple[str, str]:
    """Return the state of a process, "Z" if it has ended, and its start; empty without /proc."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()  # the name before is any text
        return fields[0], fields[19]
    except (OSError, IndexError):
        return "", ""
