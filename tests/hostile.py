"""What refusing a checkpoint must be like: one kind of error, soon, in words that are safe."""

import re
import time

import pytest

from keras_alexnet.checkpoints.errors import CheckpointError
from keras_alexnet.checkpoints.reading import open_checkpoint

SECONDS = 5  # far more than any of them takes


def assert_refused(path, message, content=None):
    """Check that a file is refused, when it is opened or read, with what the pattern says."""
    if content is not None:
        path.write_bytes(content)
    start = time.perf_counter()
    with pytest.raises(CheckpointError) as caught, open_checkpoint(path) as contents:
        for array in contents.arrays.values():
            array.read()
    assert time.perf_counter() - start < SECONDS
    text = str(caught.value)
    assert re.search(message, text), f"{message!r} is not in {text!r}"
    assert repr(str(path)) in text
    assert text.isascii() and text.isprintable()
    assert text.endswith(".") and len(text) < 1500
