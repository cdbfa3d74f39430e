"""Parts of several commands: kinds of arguments, JSON, models from files."""

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence

from keras_alexnet.errors import escaped
from keras_alexnet.files import name_list, read_json
from keras_alexnet.tables import json_text


def print_json(value) -> None:
    """Print a value for scripts."""
    print(json_text(value))


def count(text: str) -> int:
    """Return the whole number of at least 1 that an argument says."""
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def positive(text: str) -> float:
    """Return the finite number above 0 that an argument says."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")


def ready(weights: str, variant: str | None, command: str, is_quiet: bool, by_keras: bool = True):
    """Return the network of weights or of a model, ready for images, as a `ReadyNetwork`.

    Notes, on odd weights for example, go to the standard error.
    """
    from keras_alexnet.evaluation.networks import ready_network

    with quiet(is_quiet), notes_of(command):
        return ready_network(weights, variant, by_keras)


@contextlib.contextmanager
def notes_of(command: str) -> Iterator[None]:
    """Print the block's warnings for users as notes of a command, one on a line."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        yield
    for note in notes:
        print(f"keras-alexnet {command}: note: {escaped(str(note.message))}", file=sys.stderr)


@contextlib.contextmanager
def quiet(wanted: bool):
    """Keep what is said while weights are fetched out of the standard output."""
    import keras

    before = keras.config.is_interactive_logging_enabled()
    if wanted:
        keras.config.disable_interactive_logging()
    try:
        yield
    finally:
        if before:
            keras.config.enable_interactive_logging()


def class_names(network, path: str) -> tuple[Sequence[str] | None, str | None]:
    """Return the names of a network's classes, and the assumption that they rest on, if any.

    They are the model card's, or else those of a file classes.json beside the model; `None` if
    there is none either.
    """
    if network.card.class_names is not None:
        return network.card.class_names, None
    beside = os.path.join(os.path.dirname(os.path.abspath(path)), "classes.json")
    if not (os.path.exists(path) and os.path.exists(beside)):
        return None, None
    names = read_json(
        beside,
        name_list,
        "A file classes.json beside a model must hold the list of its class names.",
        "Restore it, or move the model to another folder to go without.",
    )
    return names, (
        f"{path!r} does not name its classes: those of the file classes.json in the same folder "
        "are assumed."
    )
