"""What refusing a checkpoint must be like: one kind of error, soon, in words that are safe."""

import contextlib
import re
import struct
import time
import tracemalloc

import pytest

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.opening import open_checkpoint

SECONDS = 5  # of computing, whatever else the machine does; far more than any of them takes
MEMORY = 100 << 20  # bytes; the same
SUBJECT = re.compile(r"^.*? cannot be (read as [^:]*|decoded): ")
SENTENCES = re.compile(r"[A-Z'\"`].*\.")  # or one; a name in quotes may begin it
LONG = 1 << 16  # bytes of a file in which a million small things may be: tracing each takes long


@contextlib.contextmanager
def bounded(traced=True):
    """Check that a block computes neither for long nor, if that is traced, with much memory."""
    if traced:
        tracemalloc.start()
    start = time.process_time()
    try:
        yield
        seconds = time.process_time() - start
        memory = tracemalloc.get_traced_memory()[1] if traced else 0
    finally:
        if traced:  # otherwise it may be the caller who traces
            tracemalloc.stop()
    assert seconds < SECONDS
    assert memory < MEMORY


def assert_refused(path, message, content=None):
    """Check that a file is refused, when it is opened or read, with what the pattern says."""
    if content is not None:
        path.write_bytes(content)
    traced = content is None or len(content) < LONG
    with bounded(traced), pytest.raises(CheckpointError) as caught, open_checkpoint(path) as opened:
        for array in opened.arrays.values():
            array.read()
    text = str(caught.value)
    assert re.search(message, text), f"{message!r} is not in {text!r}"
    assert repr(str(path)) in text
    assert text.isascii() and text.isprintable()
    assert len(text) < 1500
    received = SUBJECT.sub("", caught.value.received)
    for sentences in (received, caught.value.expected, caught.value.remedy):
        assert SENTENCES.fullmatch(sentences), sentences


def patched(content, *changes):
    """Return bytes with others from some places on: (place, layout, value)."""
    content = bytearray(content)
    for place, layout, value in changes:
        struct.pack_into(layout, content, place, value)
    return bytes(content)
