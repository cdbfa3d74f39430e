"""A checkpoint file on the disk: read by position, exactly, and never mapped into memory.

A file that shrinks while it is mapped kills the process (SIGBUS); read by position it gives an
error, and 16 rows at a time are read as fast as from a map. A file that changes otherwise after it
was opened gives an error with the next read: what was checked once is what is read again.
"""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from keras_alexnet.formats.errors import CheckpointError

CHUNK = 1 << 20  # bytes at a time where a file is read through: fits a CPU's cache
# Of which each works on a part of a file: one more than cores, since each waits for Python's lock
# now and then, and few where there are many cores, which share one memory.
THREADS = min(4, (os.cpu_count() or 1) + 1)
MOST_AT_ONCE = 1024  # pieces of memory that a system fills in one call: IOV_MAX
FLAGS = ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY")  # those that the system has; a pipe must not hang
KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class CheckpointFile:
    """A regular file, open for reading; closed at the end of the `with` block.

    Args:
        path: Its path. Symbolic links are followed.

    Attributes:
        size: Number of bytes.
        magnitudes: The greatest magnitude of numbers that were looked at already, by the first
            byte, the number of bytes, and the type; NaN if one of them is.

    Raises:
        CheckpointError: If there is no such file, it may not be read, or it is a folder, a pipe
            or a device.

    Example:

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "weights")
    >>> with open(path, "wb") as file:
    ...     _ = file.write(b"abcdef")
    >>> with CheckpointFile(path) as file:
    ...     file.size, file.pread(2, 3)
    (6, b'cde')
    """

    def __init__(self, path: str):
        self.path = os.fspath(path)
        self._lock, self._keeping = threading.Lock(), threading.Lock()
        self._kept: tuple[object, Any] | None = None
        self.magnitudes: dict[tuple[int, int, np.dtype], float] = {}
        try:
            self._descriptor = _opened(self.path)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = getattr(error, "strerror", None) or str(error)
            raise CheckpointError(
                f"The checkpoint {self.path!r} cannot be opened: {reason}.",
                "A file that can be read was expected.",
                "Check the path.",
            ) from error
        self._state = _state(self._descriptor)
        self.size = self._state[0]

    def __enter__(self) -> Self:
        """Return itself: it is open already."""
        return self

    def __exit__(self, *error) -> None:
        """Close the file."""
        self._kept = None
        os.close(self._descriptor)
        self._descriptor = -1  # a read after this fails, whatever file gets the number next

    def pread(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset` on.

        Raises:
            CheckpointError: If the file ends before them.
        """
        if length < 0 or offset < 0 or offset + length > self.size:
            raise self._too_short(offset, length)
        content = bytearray(length)
        self.read_into(offset, memoryview(content))
        return bytes(content)

    def read_into(self, offset: int, *targets: memoryview) -> None:
        """Fill each of `targets`, which are contiguous, one after another, from `offset` on.

        Raises:
            CheckpointError: If the file ends before them, or has changed since it was opened.
        """
        length = sum(target.nbytes for target in targets)
        if offset < 0 or offset + length > self.size:
            raise self._too_short(offset, length)
        left = [target.cast("B") for target in targets if target.nbytes]
        while left:
            count = self._read_some(offset, left[:MOST_AT_ONCE])
            if count == 0:
                raise self._changed(f"ends early, at byte {offset} of {self.size}: it was changed")
            offset += count
            left = _without(left, count)
        if _state(self._descriptor) != self._state:
            raise self._changed("was changed or replaced")

    def chunks(self, offset: int, length: int) -> Iterator[memoryview]:
        """Give the bytes from `offset` on, piece by piece, in memory that the next piece reuses.

        Raises:
            CheckpointError: If the file ends before them.
        """
        buffer = memoryview(bytearray(min(length, CHUNK)))
        for start in range(0, length, CHUNK):
            piece = buffer[: min(CHUNK, length - start)]
            self.read_into(offset + start, piece)
            yield piece

    def kept(self, owner: object, make: Callable[[], Any]) -> Any:
        """Return what `make()` gives, without making it again until another owner asks.

        For arrays that cannot be read row by row: only the last one stays in memory, and threads
        that ask for it together wait until one of them has made it.
        """
        with self._keeping:
            kept = self._kept
            if kept is None or kept[0] is not owner:
                self._kept = None  # freed before the next one is made
                self._kept = kept = (owner, make())
            return kept[1]

    def _read_some(self, offset: int, targets: list[memoryview]) -> int:
        """Fill some of the targets, in order, and return how many bytes that are."""
        try:
            if hasattr(os, "preadv"):
                return os.preadv(self._descriptor, targets, offset)
            with self._lock:  # Windows: the file has one position, which threads share
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                piece = os.read(self._descriptor, min(len(targets[0]), CHUNK))
        except OSError as error:
            raise CheckpointError(
                f"The file {self.path!r} cannot be read at byte {offset}: {error.strerror}.",
                "A file that can be read was expected, open until all of it is read.",
                "Check the disk, or copy the file elsewhere.",
            ) from error
        targets[0][: len(piece)] = piece
        return len(piece)

    def _changed(self, how: str) -> CheckpointError:
        return CheckpointError(
            f"The file {self.path!r} {how} while it was being read.",
            "It must stay as it is until it is loaded.",
            "Load it again when nothing writes to it.",
        )

    def _too_short(self, offset: int, length: int) -> CheckpointError:
        return CheckpointError(
            f"The file ends early: {length} bytes from byte {offset} on are missing, in part or "
            f"in full; it has {self.size}.",
            "All of the file was expected.",
        )


def _without(targets: list[memoryview], count: int) -> list[memoryview]:
    """Return what is left of targets when their first `count` bytes are filled."""
    for place, target in enumerate(targets):
        if count < len(target):
            return [target[count:], *targets[place + 1 :]]
        count -= len(target)
    return []


def _state(descriptor: int) -> tuple[int, int, int]:
    """Return what changes with a file: its size, and the times of its content and its inode.

    A program can set the first time back, as `cp -p` does, but not the second one. That one also
    changes when another file takes the path.
    """
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _opened(path: str) -> int:
    """Return the descriptor of a regular file."""
    flags = os.O_RDONLY
    for name in FLAGS:
        flags |= getattr(os, name, 0)
    if os.path.isdir(path):  # Windows cannot open one to see what it is
        raise OSError(0, "it is a folder")
    descriptor = os.open(path, flags)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = next((kind for test, kind in KINDS if test(mode)), "no regular file")
        raise OSError(0, f"it is {kind}")
    return descriptor
