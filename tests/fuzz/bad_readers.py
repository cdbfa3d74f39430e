"""Readers that do what none must, to see whether it is noticed."""

import mmap
import os
import signal
import struct

import numpy as np

from fuzz import judging
from keras_alexnet.formats.errors import CheckpointError

COUNT = struct.Struct("<q")


def find_fault(path):
    """Raise an error that is not the package's own."""
    raise KeyError("conv1")


def mutter(path):
    """Refuse with a message that can do harm on a terminal."""
    raise CheckpointError(f"{path!r} \x1b[2J.", "No escape was expected.")


def execute(path):
    """Run a command, and hide what happened."""
    try:
        os.system("true")
    except Exception as error:
        raise CheckpointError(f"{path!r}.", "No commands were expected.") from error


def look_elsewhere(path):
    """Open another file."""
    with open("/etc/hostname", "rb"):
        pass


def write(path):
    """Open the file itself, for writing."""
    with open(path, "r+b"):
        pass


def grow(path):
    """Ask for 150 MB, and give them back."""
    np.empty(150 << 20, np.uint8)


def want(path):
    """Ask for more than there is, and put it down to the file."""
    try:
        np.empty(1 << 50, np.uint8)
    except MemoryError as error:
        raise CheckpointError(f"{path!r}.", "Less was expected.") from error


def crash(path):
    """End the process as damaged memory does."""
    signal.raise_signal(signal.SIGSEGV)


def hang(path):
    """Compute for ever."""
    while True:
        pass


def wait(path):
    """Wait for ever."""
    signal.pause()


FAULTS = (find_fault, mutter, execute, look_elsewhere, write, grow, want, crash, hang, wait)
_count = mmap.mmap(-1, 8)  # of the files read, in memory that outlives a process that crashes


def _number():
    """Return the number of the file at hand."""
    (number,) = COUNT.unpack_from(_count)
    COUNT.pack_into(_count, 0, number + 1)
    return number


def each_fault(path):
    """Do each of the faults once, with every second file, and else read as one should."""
    fault, rest = divmod(_number(), 2)
    if rest and fault < len(FAULTS):
        FAULTS[fault](path)
    return judging.read(path)


def mislead(path):
    """Give an array that no file has, from the eighth file on."""
    if _number() >= 7:
        return "npz", {"conv1": ("float32", (2,), 0)}
    return judging.read(path)
