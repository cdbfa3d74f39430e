"""Readers that do what none must, to see whether it is noticed; each does it once."""

import itertools
import os
import signal

import numpy as np

from fuzz import judging
from keras_alexnet.checkpoints.errors import CheckpointError, refused

BAD = 7  # the mutant with which it happens
_calls = itertools.count()


def _is_due():
    return next(_calls) == BAD


def crash(path):
    """End the process as damaged memory does."""
    if _is_due():
        signal.raise_signal(signal.SIGSEGV)
    return judging.read(path)


def hang(path):
    """Compute for ever."""
    if _is_due():
        while True:
            pass
    return judging.read(path)


def wait(path):
    """Wait for ever."""
    if _is_due():
        signal.pause()
    return judging.read(path)


def grow(path):
    """Ask for 150 MB, and give them back."""
    if _is_due():
        np.empty(150 << 20, np.uint8)
    return judging.read(path)


def want(path):
    """Ask for more than there is, and put it down to the file."""
    if _is_due():
        try:
            np.empty(1 << 50, np.uint8)
        except MemoryError as error:
            raise refused(f"{path!r}.", "Less was expected.") from error
    return judging.read(path)


def execute(path):
    """Run a command, and hide what happened."""
    if _is_due():
        try:
            os.system("true")
        except Exception as error:
            raise refused(f"{path!r}.", "No commands were expected.") from error
    return judging.read(path)


def look_elsewhere(path):
    """Open another file."""
    if _is_due():
        with open("/etc/hostname", "rb"):
            pass
    return judging.read(path)


def write(path):
    """Open the file itself, for writing."""
    if _is_due():
        with open(path, "r+b"):
            pass
    return judging.read(path)


def find_fault(path):
    """Raise an error that is not the package's own."""
    if _is_due():
        raise KeyError("conv1")
    return judging.read(path)


def mutter(path):
    """Refuse with a message that can do harm on a terminal."""
    if _is_due():
        raise CheckpointError(f"{path!r} \x1b[2J.")
    return judging.read(path)


def mislead(path):
    """Give an array that no file has, again and again."""
    if next(_calls) >= BAD:
        return "npz", {"conv1": ("float32", (2,), 0)}
    return judging.read(path)
