"""`run_lock`: one process at a time writes to the folder of a run."""

import contextlib
import dataclasses
import json
import os
import socket
import time
from collections.abc import Iterator

from keras_alexnet.backends.assignment import delayed_interrupts
from keras_alexnet.errors import UserError

LOCK = "fit.lock"  # in the folder of a run


@dataclasses.dataclass(frozen=True)
class Owner:
    """The process that a lock names.

    Args:
        pid: Its number.
        host: The machine that it runs on.
        since: The local time at which it made the lock.
        start: The time of its start, as Linux counts it; empty on other systems. It tells the
            process from a later one with the same number.
    """

    pid: int
    host: str
    since: str
    start: str

    def __post_init__(self):
        """Raise unless the values are those of a process."""
        texts = (self.host, self.since, self.start)
        if type(self.pid) is not int or self.pid < 1 or not all(type(t) is str for t in texts):
            raise ValueError

    @classmethod
    def current(cls) -> "Owner":
        """Return this process."""
        pid = os.getpid()
        return cls(pid, socket.gethostname(), time.strftime("%Y-%m-%d %H:%M:%S"), _state(pid)[1])

    def has_ended(self) -> bool:
        """Return whether the process is known to run no more."""
        if self.host != socket.gethostname() or os.name == "nt":  # signal 0 is Ctrl-C on Windows
            return False
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except OSError:  # another user's
            pass
        state, start = _state(self.pid)
        return state == "Z" or ("" not in (start, self.start) and start != self.start)


@contextlib.contextmanager
def run_lock(folder: str) -> Iterator[None]:
    """Keep every other process from training into a folder during the block.

    The file `fit.lock` names the process. It is removed however the block ends. That of a process
    of this machine that was killed is replaced.

    Raises:
        UserError: If another process trains into the folder, or may do so on another machine.

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
        with delayed_interrupts(), _one_at_a_time(folder):
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
    """Raise if a process trains into a folder, or may do so on another machine."""
    path = os.path.join(folder, LOCK)
    owner = _owner(path)
    if owner is None or owner.has_ended():
        return
    raise UserError(
        f"The process {owner.pid} on the machine {owner.host!r} has been training "
        f"into {folder!r} since {owner.since}.",
        "One process at a time can write to the folder of a run.",
        f"Wait for its end or choose another folder; if it no longer runs, remove {path!r}.",
    )


def _owner(path: str) -> Owner | None:
    """Return the process that a lock names; `None` without a lock, or if it names no process."""
    try:
        with open(path, encoding="utf-8") as file:
            return Owner(**json.load(file))
    except (FileNotFoundError, ValueError, TypeError, RecursionError):
        return None
    except OSError as error:
        raise _refused(path, error) from error


def _create(path: str) -> None:
    """Make the lock; fail if it exists, since another process may be faster on some systems."""
    try:
        with open(path, "x", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(Owner.current()), file)
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: str, error: OSError) -> UserError:
    return UserError(
        f"The lock {path!r} can be neither read nor written: {error.strerror}.",
        "The lock must name the process that trains into the folder.",
        "If no process trains there, remove the file; otherwise choose another folder.",
    )


@contextlib.contextmanager
def _one_at_a_time(folder: str) -> Iterator[None]:
    """Let no other process look for a lock or make one; Windows and some networks cannot."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _state(pid: int) -> tuple[str, str]:
    """Return a process's state, "Z" once it has ended, and start; empty texts without /proc."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()  # behind the name, which is any text
        return fields[0], fields[19]
    except (OSError, IndexError):
        return "", ""
