"""Reads checkpoints of every format: path -> {name: stored array}, and nothing is ever executed."""

import contextlib
import dataclasses
import importlib
import os
import struct
import zlib
from collections.abc import Iterator

from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.sniffing import Format, recognise

# What Python raises, somewhere deep, when data lie about themselves.
LIES = (RecursionError, MemoryError, OverflowError, UnicodeError, struct.error, zlib.error, OSError)


@dataclasses.dataclass(frozen=True)
class Contents:
    """The content of a checkpoint.

    Args:
        path: The file.
        format: Its format: the name of a row of `FORMATS`.
        arrays: The arrays by the names they have in the file; read row by row, as long as the
            file is open.
        metadata: What else the file says about itself.
    """

    path: str
    format: str
    arrays: dict[str, StoredArray]
    metadata: dict[str, str]


@contextlib.contextmanager
def open_checkpoint(path: str | os.PathLike) -> Iterator[Contents]:
    """Open a checkpoint of any format, which its content tells, not its ending.

    Names and shapes are known at once. Numbers are read when they are asked for, and compared with
    their checksum, where the format has one, before the first is returned. A tensor that cannot be
    read raises its error then; others are not affected.

    Args:
        path: The file.

    Raises:
        CheckpointError: If it is none of the formats, or damaged, or holds what it should not.

    Example:

    >>> import os, tempfile
    >>> import numpy as np
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.npz")
    >>> np.savez(path, conv1=np.arange(6.0).reshape(2, 3))
    >>> with open_checkpoint(path) as contents:
    ...     contents.format, contents.arrays["conv1"].shape, contents.arrays["conv1"].read(1)
    ('npz', (2, 3), array([[3., 4., 5.]]))
    """
    with CheckpointFile(os.fspath(path)) as file:
        yield _contents(file)


def _contents(file: CheckpointFile) -> Contents:
    title = "a checkpoint"
    try:
        row = recognise(file)
        title = row.title
        arrays, metadata = _function(row)(file)
        for text in (*arrays, *metadata, *metadata.values()):
            text.encode("utf-8")  # JSON can hold halves of characters, which nobody can print
    except CheckpointError as error:
        raise error.about(f"{file.path!r} cannot be read as {title}:") from error
    except LIES as error:
        wrong = f"{file.path!r} cannot be read as {title} ({type(error).__name__})."
        raise CheckpointError(wrong, "A whole file of this format was expected.") from error
    return Contents(file.path, row.name, arrays, metadata)


def _function(row: Format):
    """Return the function that reads a format."""
    module, function = row.read.split(":")
    return getattr(importlib.import_module(f"{__package__}.{module}"), function)
