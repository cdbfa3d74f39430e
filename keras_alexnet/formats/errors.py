"""The one error for a checkpoint that cannot be read or does not fit, and words for it."""

import contextlib
from collections.abc import Iterator

from keras_alexnet.errors import UserError

LISTED = 8  # names in a message
SHOWN = 100  # characters of untrusted text in a message
AGAIN = "Get the file again, and compare its size and hash with its source's."


class CheckpointError(UserError):
    """A checkpoint that cannot be read, or that does not fit; nothing was assigned.

    A reader leaves out the path of the file: `open_checkpoint` puts it in front.

    Example:

    >>> print(CheckpointError("It has 0 bytes.", "A checkpoint has some.", "Download it again."))
    It has 0 bytes. A checkpoint has some. Download it again.
    """

    def __init__(self, received: str, expected: str, remedy: str = AGAIN):
        super().__init__(received, expected, remedy)


@contextlib.contextmanager
def errors_about(subject: str) -> Iterator[None]:
    """Put words in front of the errors of a block that say what they are about.

    Example:

    >>> with errors_about("Tensor 'conv1/0':"):
    ...     raise CheckpointError("It has 9 axes.", "A kernel has 4.")
    Traceback (most recent call last):
    keras_alexnet.formats.errors.CheckpointError: Tensor 'conv1/0': It has 9 axes. A kernel has 4. \
Get the file again, and compare its size and hash with its source's.
    """
    try:
        yield
    except CheckpointError as error:
        raise error.about(subject) from error


def shown(text: str | bytes) -> str:
    r"""Return untrusted text in quotes, for a message: in ASCII, escaped, and cut.

    Example:

    >>> print(shown("conv1\x1b[2J"))
    'conv1\x1b[2J'
    >>> len(shown("a" * 1000))
    105
    """
    if len(text) > SHOWN:
        return ascii(text[:SHOWN]) + "..."
    return ascii(text)


def listed(names: list[str]) -> str:
    """Return names one after the other, and of many the first and how many more there are.

    Example:

    >>> listed(["conv1/0", "conv1/1"])
    'conv1/0, conv1/1'
    >>> listed([f"x{n}" for n in range(11)])
    'x0, x1, x2, x3, x4, x5, x6, x7 and 3 more'
    """
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")
