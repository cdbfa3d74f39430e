"""Parts of several commands: kinds of arguments, JSON, tables, notes."""

import contextlib
import sys
import warnings
from collections.abc import Iterator, Sequence

from keras_alexnet.errors import Note, escaped
from keras_alexnet.tables import json_text, screen_width, table_text

OF_ALL = ("name", "command", "needs_keras", "json")  # what the parser adds to every command


def print_json(value) -> None:
    """Print a value for scripts."""
    print(json_text(value))


def print_table(table, first_to_go: Sequence[str] = ()) -> None:
    """Print a table as wide as the screen; `table_text` explains `first_to_go`."""
    print(table_text(table, screen_width(), first_to_go))


def count(text: str) -> int:
    """Return the whole number of at least 1 that an argument says."""
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise ValueError


def positive(text: str) -> float:
    """Return the finite number above 0 that an argument says."""
    if 0 < float(text) < float("inf"):
        return float(text)
    raise ValueError


@contextlib.contextmanager
def notes_of(command: str) -> Iterator[None]:
    """Print the package's warnings in the block as notes of a command, one on a line."""

    def show(message, category, filename, lineno, file=None, line=None) -> None:
        if issubclass(category, Note):
            print(f"keras-alexnet {command}: note: {escaped(str(message))}", file=sys.stderr)
        else:
            others(message, category, filename, lineno, file, line)

    others = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("default", Note)
        warnings.showwarning = show
        yield
