"""`UserError`, `Interrupted`, `Note` and `warn`, and functions that make names safe to print."""

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Self

__all__ = ["Interrupted", "Note", "UserError", "escaped"]

PACKAGE = os.path.dirname(__file__) + os.sep
FEW = 3  # names in a sentence


def escaped(text: str) -> str:
    r"""Return a text with an escape sequence for every character that is not printable.

    They are control characters, line ends, marks that reverse the direction of writing, and bytes
    of a file name that are not text. `repr` escapes the same characters and adds quotes.

    Example:

    >>> print(escaped("a \x1b[31mred\u202e name"), escaped("caf\u00e9"))
    a \x1b[31mred\u202e name café
    """
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def first_few(names: Sequence[str]) -> str:
    """Return the first three names in quotes, followed by "..." if there are more.

    Example:

    >>> first_few(["cat", "dog"]), first_few("abcd")
    ("'cat', 'dog'", "'a', 'b', 'c', ...")
    """
    return ", ".join([*map(repr, names[:FEW]), *(["..."] if len(names) > FEW else [])])


def amount(number: int, noun: str) -> str:
    """Return a number and its noun, which has an s unless the number is 1.

    Example:

    >>> amount(1, "image"), amount(1500, "image")
    ('1 image', '1,500 images')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class UserError(ValueError):
    """A mistake of the user; the command line prints it as one line and returns the exit code 2.

    Args:
        received: A sentence with the name and the value that the user gave.
        expected: A sentence that says which values are right.
        remedy: A sentence that says what to do, in the imperative.

    Keras replaces an error from a layer by one of the same type with a single argument: the whole
    text and the layer's name. That text becomes `received`.

    Example:

    >>> error = UserError("Received beta=-1.", "`beta` must be positive.", "The paper has 0.75.")
    >>> print(error)
    Received beta=-1. `beta` must be positive. The paper has 0.75.
    >>> error.remedy
    'The paper has 0.75.'
    """

    def __init__(self, received: str, expected: str = "", remedy: str = ""):
        super().__init__(" ".join(filter(None, (received, expected, remedy))))
        self.received, self.expected, self.remedy = received, expected, remedy

    def __reduce__(self) -> tuple:
        """Return the class and the arguments, for `copy` and `pickle`."""
        return type(self), (self.received, self.expected, self.remedy)

    def about(self, subject: str) -> Self:
        """Return the same error with its subject in front.

        Example:

        >>> print(UserError("It has 9 axes.", "A kernel has 4.", "Get it again.").about("'a.npy':"))
        'a.npy': It has 9 axes. A kernel has 4. Get it again.
        """
        return type(self)(f"{subject} {self.received}", self.expected, self.remedy)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with a text on the files kept; the command line prints it and returns 130."""


class Note(UserWarning):
    """A warning of this package; the command line prints it as a note of the command."""


def warn(text: str) -> None:
    """Warn at the line of the user's code that called the package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, Note, stacklevel=level + 1)
