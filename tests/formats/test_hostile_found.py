"""Damaged files that tests/fuzz has found: each is refused since."""

import io
import json
import struct
import threading
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

import onnx_files
from hostile import assert_refused
from keras_alexnet.formats.arrays import DecodedArray
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.opening import open_checkpoint
from keras_alexnet.formats.protobuf.onnx import read as read_onnx
from numpy_files import NDARRAY, RECONSTRUCT, saved
from pickle_writer import Called, Named, Raw, Text2, opcodes, pickled
from protobuf_writer import field
from torch_files import zip_file

pytestmark = pytest.mark.backend_free


def safetensors(shape="[2]", place="[0, 8]", about="a"):
    table = (
        f'{{"__metadata__": {{"{about}": "b"}}, '
        f'"conv1": {{"dtype": "F32", "shape": {shape}, "data_offsets": {place}}}}}'
    ).encode()
    return struct.pack("<Q", len(table)) + table + bytes(8)


@pytest.mark.parametrize("part", ["shape", "place"])
def test_numbers_of_thousands_of_digits(tmp_path, part):
    """A message that repeats them would be as long."""
    many = f"[{'9' * 4000}, 0]"
    content = safetensors(**{part: many})
    assert_refused(tmp_path / "weights", r"has the number '9{100}'\.\.\.", content)


def test_half_a_character(tmp_path):
    """JSON can hold it, and no terminal can print it."""
    content = safetensors(about=r"\ud800")
    assert_refused(tmp_path / "weights", r"cannot be read as safetensors \(Unicode", content)


def test_text_in_four_bytes_a_character(tmp_path):
    """Python would look for it, and import what reads it."""
    weights = io.BytesIO()
    with h5py.File(weights, "w") as root:
        root["kernel"] = np.arange(3.0)
    about = json.dumps({"keras_version": "3"})
    for encoding, message in (
        ("utf-8", ""),
        ("utf-32", r"metadata\.json' of the archive cannot be read"),
    ):
        parts = {"metadata.json": about.encode(encoding), "model.weights.h5": weights.getvalue()}
        (tmp_path / "weights").write_bytes(zip_file(parts))
        if message:
            assert_refused(tmp_path / "weights", message)
        else:
            with open_checkpoint(tmp_path / "weights") as contents:
                assert contents.metadata == {"keras_version": "3"}


def test_a_type_with_two_byte_orders(tmp_path):
    """NumPy itself does not know it, and says so in its own way."""
    kind = Called(Named("numpy", "dtype"), ("<f4", 0, 1), (3, ">", None, None, None, -1, -1, 0))
    state = (1, (2,), kind, False, Text2(bytes(8)))
    value = {"conv1": Called(RECONSTRUCT, (NDARRAY, (0,), Text2(b"b")), state)}
    assert_refused(tmp_path / "weights", "has the dtype '><f4'", pickled(value))


@pytest.mark.parametrize("content", [7, True, None, (), {}, [1.0]], ids=repr)
def test_an_array_whose_content_is_no_bytes(tmp_path, content):
    kind = Called(Named("numpy", "dtype"), ("f4", 0, 1), (3, "<", None, None, None, -1, -1, 0))
    state = (1, (2,), kind, False, content)
    value = {"conv1": Called(RECONSTRUCT, (NDARRAY, (0,), Text2(b"b")), state)}
    assert_refused(tmp_path / "weights", "'conv1': The array holds objects", pickled(value))


def test_text_encoded_again_and_again(tmp_path):
    """Ten bytes of a pickle each, which make 4 KB each: 160 MB of 400 KB."""
    start = opcodes(Named("_codecs", "encode")) + b"q\0" + opcodes("a" * 4000) + b"q\1"
    start += opcodes("latin1") + b"q\2"
    once = b"h\0h\1h\2\x86R"
    content = pickled({"conv1": Raw(b"](" + start + once * 39_000 + b"e")})
    tracemalloc.start()
    try:
        assert_refused(tmp_path / "weights", "takes more than 200000 steps", content)
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()


def test_many_arrays_of_numbers_packed_one_by_one(tmp_path):
    """Together they would be eight times the file: each is decoded alone, when it is read."""
    count = 1 << 19
    packed = field(onnx_files.INT64_DATA, bytes(count))
    tensors = [onnx_files.tensor(name, np.zeros(count, "i8"), packed) for name in "abcdefgh"]
    (tmp_path / "weights").write_bytes(onnx_files.model(onnx_files.graph(tensors)))
    tracemalloc.start()
    try:
        with CheckpointFile(tmp_path / "weights") as file:
            for array in read_onnx(file)[0].values():
                assert array.shape == (count,)
                assert not array.read().any()
        assert tracemalloc.get_traced_memory()[1] < 48 << 20  # all would be 32 MB more
    finally:
        tracemalloc.stop()


def test_what_cannot_be_decoded_is_named(tmp_path):
    """Numbers are read long after the file was opened: the error says of which file."""
    content = bytearray(saved(np.savez_compressed, conv1=np.arange(1000.0)))
    (tmp_path / "weights").write_bytes(content)
    with open_checkpoint(tmp_path / "weights") as contents:
        content[60:80] = bytes(20)
        (tmp_path / "weights").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"weights' cannot be decoded: .* was changed"):
            contents.arrays["conv1"].read()


def test_threads_decode_an_array_once(tmp_path):
    (tmp_path / "weights").write_bytes(b"a")
    together, made = threading.Barrier(4), []

    def decode():
        made.append(1)
        return np.arange(40.0).reshape(8, 5)

    def read(start):
        together.wait()
        return array.read(start, start + 2)

    with CheckpointFile(tmp_path / "weights") as file, ThreadPoolExecutor(4) as threads:
        array = DecodedArray(file, (8, 5), "f8", decode)
        rows = list(threads.map(read, range(0, 8, 2)))
        assert len(made) == 1
        assert np.array_equal(np.concatenate(rows), np.arange(40.0).reshape(8, 5))


def test_a_compressed_array_is_in_memory_once(tmp_path):
    """A few kilobytes may grow to 24 MB and more, and no copies are made of them."""
    header = io.BytesIO()
    numbers = np.zeros((5 << 20,), "f4")
    np.save(header, numbers)
    (tmp_path / "weights").write_bytes(
        zip_file({"conv1.npy": header.getvalue()}, zipfile.ZIP_DEFLATED)
    )
    tracemalloc.start()
    try:
        with open_checkpoint(tmp_path / "weights") as contents:
            assert np.array_equal(contents.arrays["conv1"].read(), numbers)
        assert tracemalloc.get_traced_memory()[1] < 1.3 * numbers.nbytes
    finally:
        tracemalloc.stop()
