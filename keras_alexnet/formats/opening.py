"""`open_checkpoint` reads a checkpoint of any format: path -> {name: stored array}.

Nothing in a checkpoint is ever executed.
"""

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
from keras_alexnet.formats.sniffing import detect_format

# What Python and its libraries raise when sizes or texts in a file are wrong.
DECODING_ERRORS = (
    *(RecursionError, MemoryError, OverflowError, UnicodeError, OSError),
    *(struct.error, zlib.error),
)


@dataclasses.dataclass(frozen=True)
class Contents:
    """The content of a checkpoint.

    Args:
        path: The file.
        format: Its format: the name of a row of `FORMATS`.
        arrays: The arrays by their names in the file. Their rows can be read as long as the file
            is open.
        metadata: Further texts in the file, by name.
    """

    path: str
    format: str
    arrays: dict[str, StoredArray]
    metadata: dict[str, str]


@contextlib.contextmanager
def open_checkpoint(path: str | os.PathLike) -> Iterator[Contents]:
    """Open a checkpoint. Its content tells the format, not its ending.

    Names and shapes are read at once. Numbers are read on demand; if the format has a checksum,
    it is compared before the first number is returned. A tensor that cannot be read raises its
    error then. It does not affect the others.

    Args:
        path: The file.

    Raises:
        CheckpointError: If the file has none of the formats, is damaged, or holds content that
            its format does not allow.

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
        yield _read(file)


def _read(file: CheckpointFile) -> Contents:
    title = "a checkpoint"
    try:
        row = detect_format(file)
        title = row.title
        module, function = row.read.split(":")
        read = getattr(importlib.import_module(f"{__package__}.{module}"), function)
        arrays, metadata = read(file)
        for text in (*arrays, *metadata, *metadata.values()):
            text.encode("utf-8")  # JSON can hold lone surrogates, which cannot be printed
    except CheckpointError as error:
        raise error.about(f"{file.path!r} cannot be read as {title}:") from error
    except DECODING_ERRORS as error:
        received = f"{file.path!r} cannot be read as {title} ({type(error).__name__})."
        raise CheckpointError(received, "The file must be complete and undamaged.") from error
    return Contents(file.path, row.name, arrays, metadata)
