"""Checksums on the one pass over an archive, and rows read into the caller's memory."""

import os
import zlib
from functools import reduce

import numpy as np
import pytest

import torch_files
from keras_alexnet import load_checkpoint
from keras_alexnet.errors import UserError
from keras_alexnet.formats.archives import zip_members
from keras_alexnet.formats.archives.crc32 import Summary
from keras_alexnet.formats.arrays import FileArray
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.opening import open_checkpoint
from made_checkpoints import WAYS
from made_networks import drawn_weights, small_network, weights_of

RANDOM = np.random.default_rng(0)


@pytest.fixture(params=[0, 1 << 20], ids=["threads", "no threads"])
def archive(request, tmp_path, monkeypatch):
    """Return a function that writes arrays as PyTorch does, to be looked at by 64 bytes."""
    monkeypatch.setattr(zip_members, "PART", 64)
    monkeypatch.setattr(zip_members, "THREADS_FROM", request.param)

    def archive(arrays):
        path = tmp_path / "weights.pth"
        path.write_bytes(torch_files.zip_file(torch_files.zip_parts(arrays=arrays)))
        return path

    return archive


@pytest.mark.backend_free
@pytest.mark.parametrize("lengths", [(5, 3), (0, 7), (7, 0), (1,), (), (1000, 1 << 20, 3)])
def test_crc_of_parts(lengths):
    parts = [RANDOM.bytes(length) for length in lengths]
    seen = reduce(
        Summary.followed_by, [Summary(zlib.crc32(part), len(part)) for part in parts], Summary()
    )
    whole = b"".join(parts)
    assert (seen.crc, seen.length) == (zlib.crc32(whole), len(whole))


@pytest.mark.backend_free
@pytest.mark.parametrize("place", [0, 64, 200, -1])
def test_a_changed_bit_is_found_in_any_part(archive, place):
    values = RANDOM.normal(size=(7, 11)).astype("float32")  # 308 bytes: five parts
    path = archive({"a": values})
    content = bytearray(path.read_bytes())
    start = content.index(values.tobytes())
    content[start + place % values.nbytes] ^= 4
    path.write_bytes(content)
    with open_checkpoint(path) as contents:
        for _ in range(2):
            with pytest.raises(CheckpointError, match="damaged: its CRC-32") as caught:
                contents.arrays["a"].read(0, 1)
    assert repr(str(path)) in str(caught.value)


@pytest.mark.backend_free
@pytest.mark.parametrize("place", [None, 0, 40, -1])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -77])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_magnitude(archive, kind, value, place):
    """It is the greatest of all parts, whatever its sign; NaN wins over all."""
    values = RANDOM.normal(size=(7, 11)).astype(kind)
    if place is not None:
        values.flat[place] = value
    with open_checkpoint(archive({"a": values, "b": np.ones(3, kind)})) as contents:
        found = contents.arrays["a"].magnitude
        np.testing.assert_equal(found, float(np.abs(values).max()))
        assert contents.arrays["b"].magnitude == 1


@pytest.mark.medium
def test_what_is_not_finite_in_an_archive_changes_nothing(archive):
    model = small_network()
    before = weights_of(model)
    arrays = WAYS["torchvision"](drawn_weights(model))
    name = list(arrays)[-2]
    arrays[name].flat[-1] = np.nan
    path = archive({name: array.astype("float32") for name, array in arrays.items()})
    with pytest.raises(UserError, match=rf"'{name}' holds NaN"):
        load_checkpoint(model, path, verify="off", verbose=False)
    after = weights_of(model)
    for name, values in before.items():
        for mine, expected in zip(after[name], values, strict=True):
            np.testing.assert_array_equal(mine, expected)


SOURCES = {
    "as stored": ("<f4", None),
    "other byte order": (">f4", None),
    "strided": ("<f4", (1, 12)),
    "half precision": ("<f2", None),
}


@pytest.mark.backend_free
@pytest.mark.parametrize("short", [False, True], ids=["at once", "few bytes at a time"])
@pytest.mark.parametrize("apart", [0, 3])
@pytest.mark.parametrize("source", SOURCES)
def test_rows_into_memory(source, apart, short, tmp_path, monkeypatch):
    """The rows may lie apart, be divided otherwise, and come in pieces of any size."""
    kind, strides = SOURCES[source]
    stored = np.arange(60).astype(kind)
    stored.tofile(tmp_path / "weights")
    shape = (12, 5) if strides else (15, 4)
    expected = stored.reshape(5, 12).T if strides else stored.reshape(15, 4)
    if short:
        whole = os.preadv
        monkeypatch.setattr(
            os, "preadv", lambda file, targets, offset: whole(file, [targets[0][:7]], offset)
        )
    room = np.full((4, 10 + apart), -1, "float32")
    target = room[:, :10]
    with CheckpointFile(tmp_path / "weights") as file:
        array = FileArray(file, 0, shape, kind, strides)
        start = 2 if strides else 5
        array.read_into(target, start)
        np.testing.assert_array_equal(
            target.ravel(), expected.ravel()[20 - 10 * bool(strides) :][:40]
        )
        assert (room[:, 10:] == -1).all()
        with pytest.raises(IndexError, match="Received"):
            array.read_into(target, 11)
