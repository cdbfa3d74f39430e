"""The one error for a checkpoint that cannot be read or does not fit, and words for it."""

import contextlib
from collections.abc import Iterator

from keras_alexnet.errors import UserError, explain

LISTED = 8  # names in a message
SHOWN = 100  # characters of untrusted text in a message
AGAIN = "Get the file again, and compare its size and hash with its source's."


class CheckpointError(UserError):
    """A checkpoint that cannot be read, or that does not fit; nothing was assigned."""


def refused(wrong: str, expected: str, remedy: str = AGAIN) -> CheckpointError:
    """Return the error that says what is wrong, what was expected, and what to do.

    A reader leaves out the path of the file: `open_checkpoint` puts it in front.

    Example:

    >>> str(refused("It has 0 bytes.", "A checkpoint was expected.", "Download it again."))
    'It has 0 bytes. A checkpoint was expected. Download it again.'
    """
    return CheckpointError(explain(wrong, expected, remedy))


@contextlib.contextmanager
def not_loaded(path: str) -> Iterator[None]:
    """Put the path of a file that is not loaded in front of the errors of a block."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path!r} was not loaded. {error}") from error


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
