"""What several commands print: JSON, tables, messages and notes."""

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from keras_alexnet.cli.options import job_arguments
from keras_alexnet.errors import Note, escaped
from keras_alexnet.tables import json_text, screen_width, table_text


def print_json(value) -> None:
    """Print a value for scripts."""
    print(json_text(value))


def print_table(table, first_to_go: Sequence[str] = ()) -> None:
    """Print a table as wide as the screen; `table_text` explains `first_to_go`."""
    print(table_text(table, screen_width(), first_to_go))


@contextlib.contextmanager
def messages_aside(aside: bool) -> Iterator[int | Literal["auto"]]:
    """Send messages to the error stream if the standard output is for a program.

    Gives the `verbose` of what runs in the block. A download says its size in either case.
    """
    with contextlib.redirect_stdout(sys.stderr if aside else sys.stdout):
        yield 2 if aside else "auto"


def print_result(arguments, job: Callable[..., Any]) -> None:
    """Run a function of `jobs` with the arguments of its command, and print its result.

    Args:
        arguments: The arguments, by the names that the function has for them.
        job: The function. Its result has a `to_dict()`.
    """
    with messages_aside(arguments.json) as verbose:
        result = job(**job_arguments(arguments), verbose=verbose)
    if arguments.json:
        print_json(result.to_dict())
    else:
        print(result)


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
