"""Members beside the weights are neither read nor inflated, and cause no error."""

import io
import pickle
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest

from caffe_files import caffemodel
from keras_alexnet import load_checkpoint
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.opening import open_checkpoint
from made_checkpoints import caffe, own, torchvision
from made_networks import drawn_weights, small_network, weights_of
from numpy_files import npy_file, saved
from safetensors_files import framed, safetensors_file, table_of
from torch_files import zip_file


@pytest.fixture(scope="module")
def made():
    """A network, and the weights that the files hold."""
    model = small_network()
    return model, drawn_weights(model)


def load(made, path):
    """Load a file into the network, which is all zeros before, and check every number."""
    model, weights = made
    model.set_weights([np.zeros(weight.shape, "float32") for weight in model.weights])
    loaded = load_checkpoint(model, path, verify="off", verbose=False)
    for layer, pair in weights_of(model).items():
        for mine, expected in zip(pair, weights[layer], strict=True):
            np.testing.assert_array_equal(mine, expected)
    return loaded


def npz(weights):
    others = {"classes": np.array(["cat", "dog"]), "args": np.array({"lr": 0.1}, object)}
    return saved(np.savez_compressed, **own(weights), **others, mask=np.array([True]))


def safetensors(weights):
    arrays = torchvision(weights)
    content = b"".join(array.tobytes() for array in arrays.values())
    table = table_of(arrays)
    for i, kind in enumerate(("BOOL", "F8_E4M3")):
        place = [len(content) + 4 * i, len(content) + 4 * i + 4]
        table[f"mask{i}"] = {"dtype": kind, "shape": [4], "data_offsets": place}
    return framed(table, content + bytes(8))


def hdf5(weights):
    target = io.BytesIO()
    with h5py.File(target, "w") as root:
        for name, array in own(weights).items():
            root[name] = array
        root["classes"] = ["cat", "dog"]
        root["mask"] = [True, False]
        root["empty"] = h5py.Empty("f4")
    return target.getvalue()


def pickled(weights):
    state = torchvision(weights)
    others = {"classes": np.array(["cat", "dog"]), "accuracy": np.float64(0.5), "seen": {1, 2}}
    return pickle.dumps({"state": state, **others, "lists": np.array([None, 1], object)}, 4)


FILES = {"npz": npz, "safetensors": safetensors, "hdf5": hdf5, "pickle": pickled}


@pytest.mark.parametrize("kind", FILES)
def test_other_things_beside_the_weights(kind, made, tmp_path):
    """Names, options and masks, each of a type of which no weights are."""
    (tmp_path / "net").write_bytes(FILES[kind](made[1]))
    loaded = load(made, tmp_path / "net")
    assert set(loaded.left_out.values()) <= {"it is not a weight", "it is outside the network"}


def test_a_network_in_a_larger_one(made, tmp_path):
    """Names in safetensors may have a prefix, as in PyTorch's files."""
    arrays = {f"backbone.body.{name}": value for name, value in torchvision(made[1]).items()}
    arrays["neck.weight"] = np.ones((3, 3), "f4")
    (tmp_path / "net").write_bytes(safetensors_file(arrays))
    assert load(made, tmp_path / "net").left_out == {"neck.weight": "it is outside the network"}


def test_a_shape_that_caffe_lacks(made, tmp_path):
    """Another layer of a network of Caffe's, with an array of nine axes, whatever it is for."""
    arrays = {**caffe(made[1]), "other/0": np.ones((1,) * 9, "f4")}
    (tmp_path / "net").write_bytes(caffemodel(arrays, version="V2"))
    assert load(made, tmp_path / "net").left_out == {"other/0": "it is not a weight"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_array_beside(method, made, tmp_path):
    """It is never looked at. A damaged array among the weights is, and nothing is assigned."""
    model, weights = made
    arrays = {name.replace("/", "."): value for name, value in own(weights).items()}
    members = {f"{name}.npy": saved(np.save, value) for name, value in arrays.items()}
    other = saved(np.save, np.random.default_rng(0).integers(0, 9, 30_000))
    whole = zip_file({**members, "ids.npy": other}, method)

    def damaged(name):
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            info = archive.getinfo(name)
        content = bytearray(whole)
        content[info.header_offset + 30 + len(name) + info.compress_size - 9] ^= 4
        return bytes(content)

    path = tmp_path / "net.npz"
    path.write_bytes(damaged("ids.npy"))
    assert load(made, path).left_out == {"ids": "it is not a weight"}
    with open_checkpoint(path) as opened, pytest.raises(CheckpointError, match=r"'ids\.npy'"):
        opened.arrays["ids"].read()
    before = model.get_weights()
    path.write_bytes(damaged("fc8.bias.npy"))
    with pytest.raises(
        CheckpointError, match=r"'fc8.bias.npy' (that cannot|of the archive is dam)"
    ):
        load_checkpoint(model, path, verify="off", verbose=False)
    for mine, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, expected)


@pytest.mark.medium
@pytest.mark.backend_free
def test_what_grows(tmp_path):
    """One member may grow to 15 MB, two may not together; and none is inflated to be listed."""
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3750000,), }"
    one = npy_file(header, bytes(15_000_000))
    path = tmp_path / "net.npz"
    path.write_bytes(zip_file({"a.npy": one, "b.npy": one}, zipfile.ZIP_DEFLATED))
    message = r"archive would grow from \d+ to 30000\d+ bytes.*8 times the size of the file and 24"
    with pytest.raises(CheckpointError, match=message), open_checkpoint(path):
        pass
    path.write_bytes(zip_file({"a.npy": one}, zipfile.ZIP_DEFLATED))
    tracemalloc.start()
    try:
        with open_checkpoint(path) as opened:
            assert opened.arrays["a"].shape == (3_750_000,)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
