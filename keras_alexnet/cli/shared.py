"""What several commands need: kinds of arguments, JSON, models from files."""

import argparse
import contextlib
import json
import os
import re
import sys
import warnings
from collections.abc import Iterator

import keras

from keras_alexnet.errors import UserError, explain


def print_json(value) -> None:
    """Print a value for scripts."""
    print(json.dumps(value, indent=2))


def printable(path: str) -> str:
    """Return a path that any terminal can show, whatever bytes it is made of."""
    shown = path.encode(sys.stdout.encoding or "utf-8", "backslashreplace")
    return shown.decode(sys.stdout.encoding or "utf-8")


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


def load_model(path: str) -> keras.Model:
    """Load a `.keras` file, not compiled.

    Raises:
        UserError: If there is no such file, or Keras cannot load it.
    """
    if not os.path.isfile(path):
        raise UserError(
            explain(
                f"Received the model {path!r}, but there is no such file.",
                "A .keras file or the name of a variant was expected.",
                f"Check the path; the current folder is {os.getcwd()!r}.",
            )
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        # Keras wraps the reason in the config of every model around it.
        missing = re.search(r"Could not locate \w+ '[^']+'", str(error))
        reason = f"{missing[0]}." if missing else str(error).strip().split("\n")[0]
        raise UserError(
            explain(
                f"Received the model {path!r}, which Keras cannot load: {reason}",
                "A .keras file was expected, made of Keras's layers and this package's.",
                "Save it again with model.save(...), or load a model with other layers in "
                "Python, after importing the package that registers them.",
            )
        ) from error


def is_published(name: str) -> bool:
    """Say whether a name is that of published weights, not of a file."""
    from keras_alexnet.checkpoints.registry import list_checkpoints

    return name in ("imagenet", *list_checkpoints())


def load_weights(weights: str, variant: str | None, command: str) -> keras.Model:
    """Build the network that weights belong to; what is to be noted goes to the standard error."""
    from keras_alexnet.evaluation.classifying import published_classifier

    with notes_of(command):  # of odd weights, say
        return published_classifier(weights, variant)


@contextlib.contextmanager
def notes_of(command: str) -> Iterator[None]:
    """Print the warnings of a block that are for users as notes of a command, a line each."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        yield
    for note in notes:
        print(f"keras-alexnet {command}: note: {note.message}", file=sys.stderr)


@contextlib.contextmanager
def quiet(wanted: bool):
    """Keep what is said while weights are fetched out of the standard output."""
    before = keras.config.is_interactive_logging_enabled()
    if wanted:
        keras.config.disable_interactive_logging()
    try:
        yield
    finally:
        if before:
            keras.config.enable_interactive_logging()


def beside(model: str, name: str):
    """Return what a JSON file beside a model holds, `None` if there is none."""
    path = os.path.join(os.path.dirname(os.path.abspath(model)), name)
    if not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise UserError(
            explain(
                f"The file {path!r}, which stands beside the model, cannot be read: {error}.",
                "It was written with the model.",
                "Restore it, or move the model to another folder to go without.",
            )
        ) from error
