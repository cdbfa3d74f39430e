"""`CheckpointError`, which every reader of checkpoints raises, and helpers for its messages."""

import contextlib
from collections.abc import Iterator

from keras_alexnet.errors import UserError

LISTED = 8  # names in a message
SHOWN = 100  # characters of untrusted text in a message
DOWNLOAD_AGAIN = "Download the file again, and compare its size and hash with its source's."


class CheckpointError(UserError):
    """A checkpoint cannot be read, or does not fit the model; nothing is assigned.

    A reader leaves out the path of the file: `open_checkpoint` puts it in front.

    Example:

    >>> print(CheckpointError("The file is empty.", "A checkpoint has arrays.", "Check the path."))
    The file is empty. A checkpoint has arrays. Check the path.
    """

    def __init__(self, received: str, expected: str, remedy: str = DOWNLOAD_AGAIN):
        super().__init__(received, expected, remedy)


@contextlib.contextmanager
def errors_about(subject: str) -> Iterator[None]:
    """Put a subject in front of every `CheckpointError` that a `with` block raises.

    Example:

    >>> with errors_about("Tensor 'conv1/0':"):
    ...     raise CheckpointError("The array has 9 axes.", "A kernel must have 4 axes.")
    Traceback (most recent call last):
    keras_alexnet.formats.errors.CheckpointError: Tensor 'conv1/0': The array has 9 axes. \
A kernel must have 4 axes. Download the file again, and compare its size and hash with its source's.
    """
    try:
        yield
    except CheckpointError as error:
        raise error.about(subject) from error


def quoted(text: str | bytes) -> str:
    r"""Return untrusted text for a message: in quotes, in ASCII, escaped, at most 100 characters.

    Example:

    >>> print(quoted("conv1\x1b[2J"))
    'conv1\x1b[2J'
    >>> len(quoted("a" * 1000))
    105
    """
    if len(text) > SHOWN:
        return ascii(text[:SHOWN]) + "..."
    return ascii(text)


def first_eight(names: list[str]) -> str:
    """Return the first eight names, joined by commas, and the number of further names.

    Example:

    >>> first_eight(["conv1/0", "conv1/1"])
    'conv1/0, conv1/1'
    >>> first_eight([f"x{n}" for n in range(11)])
    'x0, x1, x2, x3, x4, x5, x6, x7 and 3 more'
    """
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")
