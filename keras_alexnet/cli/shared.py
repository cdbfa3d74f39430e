"""Parts of several commands: kinds of arguments, the network, JSON, tables, notes."""

import contextlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Literal

from keras_alexnet.errors import Note, escaped
from keras_alexnet.published.lookup import get_checkpoint
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


def add_network(command) -> None:
    """Declare the arguments that name a network with weights."""
    network = command.add_mutually_exclusive_group()
    network.add_argument(
        "--weights",
        metavar="NAME_OR_PATH",
        help="a published checkpoint, by a name that keras-alexnet download --list shows, "
        "imagenet for a variant's best documented one, or a file of weights, of which "
        "nothing is executed; imagenet without --weights and --model",
    )
    network.add_argument(
        "--model", metavar="FILE", help="a .keras file, of fit or another, which Keras loads"
    )
    command.add_argument(
        "--variant", help="the network of a file of weights; needed where the file does not tell"
    )


def named_network(arguments) -> dict:
    """Return the arguments of `jobs` that name a network, and print which it is by default."""
    if arguments.weights is None and arguments.model is None:
        record = get_checkpoint(arguments.variant or "imagenet")
        print(
            f"keras-alexnet {arguments.name}: note: without --weights and --model, the weights are "
            f"imagenet's: {record.name}, {record.title}, {record.size_text()}",
            file=sys.stderr,
        )
    return {name: getattr(arguments, name) for name in ("weights", "model", "variant")}


@contextlib.contextmanager
def messages_aside(aside: bool) -> Iterator[int | Literal["auto"]]:
    """Send messages to the error stream if the standard output is for a program.

    Gives the `verbose` of what runs in the block. A download says its size in either case.
    """
    with contextlib.redirect_stdout(sys.stderr if aside else sys.stdout):
        yield 2 if aside else "auto"


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
