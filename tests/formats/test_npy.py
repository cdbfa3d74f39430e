"""NumPy's files are read as NumPy reads them, and any array by rows as by slices."""

import os
import pickle

import numpy as np
import pytest

from keras_alexnet.formats.arrays import DecodedArray, FileArray, MemoryArray
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.opening import open_checkpoint
from numpy_files import LAYERS, NUMBERS, array2, npy_file, saved, toronto_file
from pickle_writer import Called, Named, Text2, pickled
from stored import assert_same, read_all

pytestmark = pytest.mark.backend_free

RANDOM = np.random.default_rng(0)
PARTS = {f"{name}/{i}": part for name, parts in LAYERS.items() for i, part in enumerate(parts)}


@pytest.fixture
def contents(tmp_path):
    """Return a function that writes bytes to a file and reads all of it."""

    return lambda content: read_all(tmp_path / "weights", content)[:2]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("descr", ["<f2", ">f4", "<f4", ">f8", "<i8", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(contents, version, descr, order):
    """Each version, type and order; NaN and infinities come as they are."""
    array = RANDOM.normal(size=(3, 4, 5), scale=50).astype(descr).copy(order)
    if array.dtype.kind == "f":
        array[0, 0, :3] = [np.nan, np.inf, -np.inf]
    content = saved(np.lib.format.write_array, array, version=version)
    assert_same(contents(content)[1], {"array": array})


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (7,)])
def test_npy_shapes(contents, shape):
    assert_same(contents(saved(np.save, np.ones(shape)))[1], {"array": np.ones(shape)})


def test_npy_header_of_python_2(contents):
    """Python 2 wrote sizes as long integers."""
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }   \n"
    assert_same(contents(npy_file(header))[1], {"array": NUMBERS})


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(contents, save):
    """Stored members are read from where they are, compressed ones when they are asked for."""
    arrays = {
        "conv1": RANDOM.normal(size=(60, 70, 80)).astype("f4"),  # more than a piece of reading
        "fortran": np.asfortranarray(RANDOM.normal(size=(30, 40)).astype(">f4")),
        "scalar": np.float32(2.5),
        "a/b": np.arange(3),
    }
    assert_same(contents(saved(save, **arrays))[1], arrays)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickled_dictionary(contents, protocol):
    """What Python 3 pickles, in each protocol: layers with parts, numbered or named, and arrays."""
    weights = RANDOM.normal(size=(40, 50)).astype("f4")
    value = {
        "conv1": [weights, weights[:2]],
        "fc6": {"weights": np.asfortranarray(weights), "biases": np.arange(5, dtype=">f8")},
        "plain": weights[::2, ::3],
        "paddle": ("fc_0.w_0", weights.astype("f2")),
        "StructuredToParameterName@@": {"plain": "fc_0.w_0"},
        "epoch": 3,
    }
    expected = {
        "conv1/0": weights,
        "conv1/1": weights[:2],
        "fc6/0": weights,
        "fc6/1": np.arange(5, dtype=">f8"),
        "plain": weights[::2, ::3],
        "paddle": weights.astype("f2"),
    }
    kind, arrays = contents(pickle.dumps(value, protocol))
    assert kind == "pickle"
    assert_same(arrays, expected)
    kind, arrays = contents(saved(np.save, value, allow_pickle=True))
    assert kind == "npy"
    assert_same(arrays, expected)


def test_pickled_bytes_as_characters(contents):
    """Python 3 in protocol 2 writes each byte as a character, of one or two bytes."""
    values = RANDOM.integers(0, 1 << 32, 1_500_000, "u4")  # some pieces end between the two
    assert_same(contents(pickle.dumps({"a": values}, 2))[1], {"a": values})


def test_dictionary_of_python_2(contents, tmp_path):
    """The kind of file that BVLC's weights came to TensorFlow in; NumPy reads the same from it."""
    content = toronto_file()
    kind, arrays = contents(content)
    assert kind == "npy"
    assert_same(arrays, PARTS)
    (tmp_path / "again.npy").write_bytes(content)
    again = np.load(tmp_path / "again.npy", allow_pickle=True, encoding="latin1").item()
    assert_same({f"{k}/{i}": v for k, parts in again.items() for i, v in enumerate(parts)}, PARTS)


def test_fortran_and_big_endian_of_python_2(contents):
    arrays = {
        "fortran": np.asfortranarray(np.arange(3000.0, dtype="f4").reshape(50, 60)),
        "big": np.arange(2000, dtype=">f4"),
        "short": np.asfortranarray(np.arange(6, dtype=">f8").reshape(2, 3)),
    }
    value = {Text2(name.encode()): array2(array) for name, array in arrays.items()}
    assert_same(contents(pickled(value))[1], arrays)


def test_pairs_of_paddle(contents):
    """Paddle pairs a name with an array by a call of `tuple`."""
    pair = Called(Named("__builtin__", "tuple"), (("conv2d_0.w_0", array2(NUMBERS)),))
    assert_same(contents(pickled({"features.0.weight": pair}))[1], {"features.0.weight": NUMBERS})


STORED = np.arange(120, dtype="<f4").reshape(4, 5, 6)
KINDS = {
    "plain": lambda file: (FileArray(file, 0, (4, 5, 6), "<f4"), STORED),
    "offset": lambda file: (FileArray(file, 8, (2, 3), "<f4"), STORED.ravel()[2:8].reshape(2, 3)),
    "transposed": lambda file: (FileArray(file, 0, (6, 4), "<f4", (1, 6)), STORED[0, :4].T),
    "every other": lambda file: (FileArray(file, 4, (3, 2), "<f4", (2, 60)), odd_numbers()),
    "bfloat16": lambda file: (
        FileArray(file, 0, (10, 24), "<u2", bfloat16=True),
        (STORED.view("<u2").astype("u4") << 16).view("f4").reshape(10, 24),
    ),
    "memory": lambda file: (MemoryArray(STORED.astype(">f4")), STORED),
    "decoded": lambda file: (DecodedArray(file, (4, 5, 6), "f4", STORED.copy), STORED),
    "rank 0": lambda file: (FileArray(file, 16, (), "<f4"), np.float32(4)),
}


def odd_numbers():
    return np.array([[1, 61], [3, 63], [5, 65]], "f4")


@pytest.mark.parametrize("kind", KINDS)
def test_rows(tmp_path, kind):
    """Any rows are the slice of the whole, in memory that is the reader's to change."""
    path = tmp_path / "numbers"
    STORED.tofile(path)
    with CheckpointFile(path) as file:
        array, expected = KINDS[kind](file)
        rows = len(expected) if expected.shape else 1
        assert array.nbytes == expected.nbytes and array.size == expected.size
        for start in range(rows + 1 if expected.shape else 0):
            for stop in range(start, rows + 1):
                part = array.read(start, stop)
                np.testing.assert_array_equal(part, expected[start:stop])
                part[...] = -1
        np.testing.assert_array_equal(array.read(), expected)
        for start, stop in ((-1, 1), (1, 0), (0, rows + 1)):
            with pytest.raises(IndexError, match=f"rows {start} to {stop}"):
                array.read(start, stop)


def test_only_the_last_whole_array_stays_in_memory(tmp_path):
    """What must be decoded as a whole is decoded once for many rows, and then forgotten."""
    (tmp_path / "empty").touch()
    decoded = []

    def decode(name):
        decoded.append(name)
        return STORED

    with CheckpointFile(tmp_path / "empty") as file:
        arrays = [DecodedArray(file, STORED.shape, "f4", lambda n=n: decode(n)) for n in "ab"]
        for array in (*arrays, arrays[0]):
            for row in range(4):
                array.read(row, row + 1)
    assert decoded == ["a", "b", "a"]


def test_without_reading_at_a_position(contents, monkeypatch):
    """Windows has no `preadv`; what is read is the same."""
    monkeypatch.delattr(os, "preadv")
    array = RANDOM.normal(size=(700, 800))  # more than is read at once
    assert_same(contents(saved(np.save, array))[1], {"array": array})


def test_a_file_that_shrinks(tmp_path):
    """A file that is cut while it is open gives an error in words, not a crash."""
    path = tmp_path / "weights.npy"
    np.save(path, np.ones((100, 1000)))
    with open_checkpoint(path) as contents:
        os.truncate(path, 300_000)
        with pytest.raises(CheckpointError, match="was changed or replaced while it was"):
            contents.arrays["array"].read(0, 30)
        with pytest.raises(CheckpointError, match=r"ends early, at byte 300000 of 800128.*changed"):
            contents.arrays["array"].read()


def test_a_file_that_is_closed(tmp_path):
    path = tmp_path / "weights.npy"
    np.save(path, np.ones(3))
    with open_checkpoint(path) as contents:
        pass
    with pytest.raises(CheckpointError, match=r"Bad file descriptor.*open until all of it is read"):
        contents.arrays["array"].read()
