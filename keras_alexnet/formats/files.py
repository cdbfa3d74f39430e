"""`CheckpointFile`: a checkpoint on the disk, read by position and never mapped into memory.

A mapped file that shrinks kills the process (SIGBUS). A read by position raises an error instead,
and reads 16 rows at a time as fast as a map does. If the file changes after it was opened, the
next read raises an error: so a second read returns the bytes that the first one checked.
"""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from keras_alexnet.formats.errors import CheckpointError

CHUNK = 1 << 20  # bytes at a time where a file is read through: fits a CPU's cache
# Threads that read parts of one file: one more than cores, since each sometimes waits for Python's
# lock, and at most 4, since all cores share one memory.
THREADS = min(4, (os.cpu_count() or 1) + 1)
MAX_TARGETS = 1024  # buffers that a system fills in one call: IOV_MAX
# As far as the system has them; opening a pipe must not hang.
FLAGS = ("O_RDONLY", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class CheckpointFile:
    """A regular file, open for reading until its `with` block ends.

    Args:
        path: Its path. Symbolic links are followed.

    Attributes:
        size: Number of bytes.
        magnitudes: The greatest magnitude of numbers that were read already, by first byte,
            number of bytes, and dtype; NaN if one of the numbers is NaN.

    Raises:
        CheckpointError: If the file does not exist or is not readable, or the path is that of a
            folder, a pipe or a device.

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
        self._lock, self._cache_lock = threading.Lock(), threading.Lock()
        self._cached: tuple[object, Any] | None = None
        self.magnitudes: dict[tuple[int, int, np.dtype], float] = {}
        try:
            self._descriptor = _open(self.path)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = getattr(error, "strerror", None) or str(error)
            raise CheckpointError(
                f"The checkpoint {self.path!r} cannot be opened: {reason}.",
                "The path must be that of a readable file.",
                "Give a file in it." if os.path.isdir(path) else "Check the path.",
            ) from error
        self._state = _state(self._descriptor)
        self.size = self._state[0]

    def __enter__(self) -> Self:
        """Return the file, which is open already."""
        return self

    def __exit__(self, *error) -> None:
        """Close the file."""
        self._cached = None
        os.close(self._descriptor)
        self._descriptor = -1  # so that a later read fails, whatever file gets the number next

    def pread(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset` on.

        Raises:
            CheckpointError: If the file ends early.
        """
        if length < 0 or offset < 0 or offset + length > self.size:
            raise self._too_short(offset, length)
        content = bytearray(length)
        self.read_into(offset, memoryview(content))
        return bytes(content)

    def read_into(self, offset: int, *targets: memoryview) -> None:
        """Fill contiguous buffers, one after another, with the bytes from `offset` on.

        Raises:
            CheckpointError: If the file ends early, or has changed since it was opened.
        """
        length = sum(target.nbytes for target in targets)
        if offset < 0 or offset + length > self.size:
            raise self._too_short(offset, length)
        remaining = [target.cast("B") for target in targets if target.nbytes]
        while remaining:
            count = self._read_some(offset, remaining[:MAX_TARGETS])
            if count == 0:
                raise self._changed(f"ends early, at byte {offset} of {self.size}: it was changed")
            offset += count
            remaining = _drop_bytes(remaining, count)
        if _state(self._descriptor) != self._state:
            raise self._changed("was changed or replaced")

    def chunks(self, offset: int, length: int) -> Iterator[memoryview]:
        """Yield the bytes from `offset` on in pieces. Each piece reuses the memory of the last.

        Raises:
            CheckpointError: If the file ends early.
        """
        buffer = memoryview(bytearray(min(length, CHUNK)))
        for start in range(0, length, CHUNK):
            piece = buffer[: min(CHUNK, length - start)]
            self.read_into(offset + start, piece)
            yield piece

    def cached(self, owner: object, make: Callable[[], Any]) -> Any:
        """Return the result of `make()`, kept until another owner asks for its own.

        It serves arrays that cannot be read row by row: only the last one stays in memory, and
        threads that ask for it at the same time wait until one of them has made it.
        """
        with self._cache_lock:
            cached = self._cached
            if cached is None or cached[0] is not owner:
                self._cached = None  # frees the memory before the next result is made
                self._cached = cached = (owner, make())
            return cached[1]

    def _read_some(self, offset: int, targets: list[memoryview]) -> int:
        """Fill some of the buffers, in order, and return the number of bytes."""
        try:
            if hasattr(os, "preadv"):
                return os.preadv(self._descriptor, targets, offset)
            with self._lock:  # Windows: the file has one position, which threads share
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                piece = os.read(self._descriptor, min(len(targets[0]), CHUNK))
        except OSError as error:
            raise CheckpointError(
                f"The file {self.path!r} cannot be read at byte {offset}: {error.strerror}.",
                "The file must be readable, and open until all of it is read.",
                "Check the disk, or copy the file to another one.",
            ) from error
        targets[0][: len(piece)] = piece
        return len(piece)

    def _changed(self, how: str) -> CheckpointError:
        return CheckpointError(
            f"The file {self.path!r} {how} while it was being read.",
            "The file must not change until it is loaded.",
            "Load the file again when no program writes to it.",
        )

    def _too_short(self, offset: int, length: int) -> CheckpointError:
        return CheckpointError(
            f"The file has {self.size} bytes. It ends before the {length} bytes from byte {offset} "
            "on, or inside them.",
            "The file must be complete.",
        )


def _drop_bytes(targets: list[memoryview], count: int) -> list[memoryview]:
    """Return the buffers without their first `count` bytes, which are filled."""
    for i, target in enumerate(targets):
        if count < len(target):
            return [target[count:], *targets[i + 1 :]]
        count -= len(target)
    return []


def _state(descriptor: int) -> tuple[int, int, int]:
    """Return the size of a file, and the times at which its content and its inode changed.

    A program can set the first time back, as `cp -p` does, but not the second one. The second one
    also changes when another file takes the path.
    """
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _open(path: str) -> int:
    """Open a regular file, and return its descriptor."""
    if os.path.isdir(path):  # Windows cannot open a folder to see its kind
        raise OSError(0, "it is a folder")
    descriptor = os.open(path, sum(getattr(os, name, 0) for name in FLAGS))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = next((kind for test, kind in KINDS if test(mode)), "not a regular file")
        raise OSError(0, f"it is {kind}")
    return descriptor
