"""A file that fails or changes during loading leaves the model as it was, to the last bit.

Every read of every format's file is a point where that can happen.
"""

import errno
import os
import time
import tracemalloc

import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import load_checkpoint
from keras_alexnet.formats.errors import CheckpointError
from made_networks import blank_network, drawn_weights, small_network, weights_of
from safetensors_files import safetensors_file
from weight_files import FILES

POINTS = 5  # reads of a file that fail in turn, from the first to the last
TICK = 0.02  # seconds: more than the steps of the clock that a file system writes down


@pytest.fixture(scope="module")
def made():
    """A network, its weights, and other weights for it."""
    model = small_network()
    return model, model.get_weights(), drawn_weights(model)


@pytest.fixture
def network(made):
    """The network with its own weights, whatever another test did, and the other ones."""
    model, own, weights = made
    model.set_weights(own)
    return model, weights


@pytest.fixture(scope="module", params=FILES)
def content(request, made):
    """The bytes of a file of each format in turn."""
    return FILES[request.param](made[2])


@pytest.fixture
def path(content, tmp_path):
    """A file of each format in turn."""
    place = tmp_path / "weights"
    place.write_bytes(content)
    time.sleep(TICK)
    return place


def bits(model):
    return [to_numpy(weight.value).tobytes() for weight in model.weights]


def load(model, path):
    load_checkpoint(model, path, verify="off", verbose=False)


class Reads:
    """Counts the reads of a file, and does something before one of them."""

    def __init__(self, patch, point=0, what=lambda: None):
        self.count, self.point, self.what = 0, point, what
        self.preadv = os.preadv
        patch.setattr(os, "preadv", self.read)

    def read(self, *arguments):
        self.count += 1
        answer = self.what() if self.count == self.point else None
        return self.preadv(*arguments) if answer is None else answer


@pytest.fixture(scope="module")
def points(content, tmp_path_factory):
    """The numbers of several reads, the first and the last among them, by another model."""
    place = tmp_path_factory.mktemp("points") / "weights"
    place.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        reads = Reads(patch)
        load(blank_network(), place)
    return sorted({int(point) for point in np.linspace(1, reads.count, POINTS)})


def broken():
    raise OSError(errno.EIO, "Input/output error")


def interrupted():
    raise KeyboardInterrupt


FAILURES = {
    "error": (broken, CheckpointError, r"cannot be read at byte \d+: Input/output error"),
    "end": (lambda: 0, CheckpointError, "ends early, at byte"),
    "Ctrl-C": (interrupted, KeyboardInterrupt, None),
}


@pytest.mark.medium
def test_a_read_that_fails(path, points, network, monkeypatch):
    """An error of the disk, the end of a cut file and Ctrl-C, each at every point."""
    model, _ = network
    before = bits(model)
    for point in points:
        for what, error, message in FAILURES.values():
            with monkeypatch.context() as patch, pytest.raises(error, match=message):
                Reads(patch, point, what)
                load(model, path)
            assert bits(model) == before


def overwritten(path):
    """Write other bytes into a file, as many as it has."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    with open(path, "r+b") as file:
        file.write(content)


def overwritten_in_secret(path):
    """Do the same, and set the time of the last change back."""
    times = path.stat()
    overwritten(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replaced(path):
    """Put another file in the place of one."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.medium
@pytest.mark.parametrize("change", [overwritten, overwritten_in_secret, replaced])
def test_a_file_that_changes(path, points, network, change, monkeypatch):
    """Between the pass that checks its sums and the last read, a file must stay as it is."""
    model, _ = network
    before, content = bits(model), path.read_bytes()
    for point in points:
        path.write_bytes(content)
        time.sleep(TICK)
        message = "was changed or replaced while it was being read.*Load the file again"
        with monkeypatch.context() as patch, pytest.raises(CheckpointError, match=message):
            Reads(patch, point, lambda: change(path))
            load(model, path)
        assert bits(model) == before


@pytest.mark.parametrize("kind", FILES)
def test_the_last_number_is_looked_at_before_the_first_is_assigned(kind, network, tmp_path):
    """Infinity at the end of any format's file is found, and nothing is assigned."""
    model, weights = network
    before = bits(model)
    kernel, bias = weights["fc8"]
    path = tmp_path / "weights"
    path.write_bytes(
        FILES[kind]({**weights, "fc8": (kernel, np.append(bias[1:], np.float32(np.inf)))})
    )
    with pytest.raises(CheckpointError, match="holds NaN, infinity"):
        load(model, path)
    assert bits(model) == before


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_stays_is_loaded(kind, network, tmp_path):
    """The tests above would fail for another reason if these files could not be loaded at all."""
    _, weights = network
    model = blank_network()
    path = tmp_path / "weights"
    path.write_bytes(FILES[kind](weights))
    load(model, path)
    for name, arrays in weights.items():
        for mine, expected in zip(weights_of(model)[name], arrays, strict=True):
            np.testing.assert_array_equal(mine, expected)


def test_one_more_copy_of_the_model_is_in_memory(tmp_path):
    """NumPy holds the new values once, and some rows of the file."""
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="conv1"), keras.layers.Flatten()]
        + [keras.layers.Dense(3000, name=name) for name in ("fc6", "fc7")]
    )
    arrays = {
        f"{layer.name}.{part}": np.ones(getattr(layer, part).shape, "float32")
        for layer in model.layers
        if layer.weights
        for part in ("kernel", "bias")
    }
    path = tmp_path / "weights"
    path.write_bytes(safetensors_file(arrays))
    size = sum(array.nbytes for array in arrays.values())
    del arrays
    tracemalloc.start()
    try:
        load(model, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size < peak < 1.25 * size
