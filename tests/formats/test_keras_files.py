"""Keras's files are read as Keras reads them: both layouts of HDF5, and .keras archives."""

import zipfile
import zlib

import h5py
import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_files import (
    ARRAYS,
    BY_CLASS,
    archive,
    hdf5_file,
    legacy_file,
    legacy_model_file,
    weights_file,
)
from stored import as_bfloat16, assert_same, peak_of_rows, read_all


def named(pattern, layers):
    """Return arrays by the names that they have in a file, sorted, as the library lists them."""
    return dict(
        sorted(
            (pattern.format(layer=layer, number=number, part=part), array)
            for layer, arrays in layers.items()
            for part, number, array in zip(("kernel", "bias"), (0, 1), arrays, strict=True)
        )
    )


def small_model(dtype=None):
    """Return a model whose layers have the shapes of `ARRAYS`, and others without weights."""
    return keras.Sequential(
        [
            keras.Input((2, 2, 3)),
            keras.layers.Conv2D(2, 2, name="conv1", dtype=dtype),
            keras.layers.ReLU(name="relu1"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(4, name="fc6", dtype=dtype),
        ],
        name="small",
    )


def weights_of(model):
    """Return kernels and biases by layer, as float32 if they are bfloat16."""
    pairs = {layer.name: layer.weights for layer in model.layers if layer.weights}
    return {name: [to_numpy(v.value) for v in values] for name, values in pairs.items()}


KERAS_3, KERAS_2 = "layers/{layer}/vars/{number}", "{layer}/{layer}/{part}:0"
ABOUT_2 = {"backend": "tensorflow", "keras_version": "2.4.0"}
ABOUT_3 = {"keras_version": "3.15.1", "date_saved": "2025-11-24@18:00:00"}
OURS = {  # the writer, the format, the arrays and what the file says about itself
    "net.weights.h5": (weights_file, "hdf5", named(KERAS_3, BY_CLASS), {}),
    "net.h5": (legacy_file, "hdf5", named(KERAS_2, ARRAYS), ABOUT_2),
    "model.h5": (legacy_model_file, "hdf5", named(KERAS_2, ARRAYS), {}),
    "net.keras": (archive, "keras", named(KERAS_3, BY_CLASS), ABOUT_3),
}


@pytest.mark.parametrize("name", OURS)
def test_our_own_writers(tmp_path, name):
    """Keras loads weights from what the tests' own writers write, and so do we."""
    write, kind, expected, about = OURS[name]
    path = tmp_path / name
    found, arrays, metadata = read_all(path, write())
    assert (found, metadata) == (kind, about)
    assert_same(arrays, expected)
    if kind == "keras":  # Keras would build the model first
        path = tmp_path / "net.weights.h5"
        path.write_bytes(zipfile.ZipFile(tmp_path / name).read("model.weights.h5"))
    model = small_model()
    model.load_weights(path)
    assert_same(named(KERAS_2, weights_of(model)), named(KERAS_2, ARRAYS))


# JAX has no float64 unless the whole process is told to.
DTYPES = ["float32", "float16", "bfloat16", *(["float64"] * (keras.backend.backend() != "jax"))]


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_keras_saves(tmp_path, dtype):
    """Models and weights, in each layout and type, with the state of training."""
    model = small_model(dtype)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    expected = weights_of(model)
    by_class = dict(zip(BY_CLASS, expected.values(), strict=True))
    model.save_weights(tmp_path / "net.weights.h5")
    model.save(tmp_path / "net.keras")
    model.save(tmp_path / "net.h5")
    assert_same(read_all(tmp_path / "net.h5")[1], named("{layer}/small/{layer}/{part}", expected))
    for name, kind in (("net.weights.h5", "hdf5"), ("net.keras", "keras")):
        found, arrays, metadata = read_all(tmp_path / name)
        assert found == kind
        assert metadata.get("keras_version") == (keras.__version__ if kind == "keras" else None)
        state = {key: arrays.pop(key) for key in list(arrays) if key.startswith("optimizer/")}
        assert len(state) == 2 + 2 * 4 and state["optimizer/vars/0"].shape == ()
        assert_same(arrays, named(KERAS_3, by_class))


NUMBERS = np.random.default_rng(0).normal(size=(7, 5, 3))
LAYOUTS = {  # how the HDF5 library may store an array
    "in one piece": {},
    "in chunks": {"chunks": (2, 5, 2)},  # the last ones reach beyond the array
    "one chunk": {"chunks": (7, 5, 3)},
    "gzip": {"chunks": (3, 3, 3), "compression": "gzip"},
    "shuffle": {"chunks": (3, 3, 3), "shuffle": True},
    "gzip and shuffle": {"chunks": (4, 4, 2), "compression": "gzip", "shuffle": True},
    "sizes may grow": {"chunks": (2, 2, 2), "maxshape": (None, 5, None)},
}
KINDS = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<i8", ">i4", "<i2", "i1", "u1", "<u2", ">u8"]


@pytest.mark.backend_free
@pytest.mark.parametrize("libver", ["earliest", "v108", "latest"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(tmp_path, layout, libver):
    """Every layout and type, in each format of files; the newest one's chunks are not read."""
    if libver == "latest" and layout != "in one piece":
        libver = ("earliest", "latest")
    expected = {kind: (NUMBERS * 50).astype(kind) for kind in sorted(KINDS)}

    def write(root):
        for name, array in expected.items():
            root.create_dataset(name, data=array, **LAYOUTS[layout])

    assert_same(read_all(tmp_path / "net", hdf5_file(write, libver=libver))[1], expected)


@pytest.mark.backend_free
@pytest.mark.parametrize("skipped", range(4))
def test_filters_left_out_for_a_chunk(tmp_path, skipped):
    """A file says so chunk by chunk, by a bit for each; the library reads the same."""
    path = tmp_path / "net"
    with h5py.File(path, "w") as root:
        options = {"chunks": (8,), "compression": "gzip", "shuffle": True}
        made = root.create_dataset("a", data=np.linspace(0, 1, 16), **options)
        content = np.linspace(3, 4, 8).tobytes()
        if not skipped & 1:
            content = np.frombuffer(content, "u1").reshape(8, 8).T.tobytes()
        made.id.write_direct_chunk(
            (8,), content if skipped & 2 else zlib.compress(content), skipped
        )
    with h5py.File(path) as root:
        expected = root["a"][()]
    assert expected[8] == 3
    assert_same(read_all(path)[1], {"a": expected})


@pytest.mark.backend_free
def test_bfloat16(tmp_path):
    """Keras keeps it as two bytes without a meaning."""
    expected, halves = as_bfloat16(NUMBERS)
    content = hdf5_file(lambda root: root.create_dataset("a", data=halves.view("V2")))
    assert_same(read_all(tmp_path / "net", content)[1], {"a": expected})


@pytest.mark.backend_free
@pytest.mark.parametrize("chunks", [None, True])
def test_no_numbers_and_no_axes(tmp_path, chunks):
    def write(root):
        root["none"] = np.float32(2.5)
        root.create_dataset(
            "zero", data=np.ones((3, 0), ">f8"), maxshape=(None, None), chunks=(2, 2)
        )
        root["other"] = np.ones((0, 2), "f4")

    expected = {"none": np.float32(2.5), "other": np.ones((0, 2), "f4"), "zero": np.ones((3, 0))}
    assert_same(read_all(tmp_path / "net", hdf5_file(write))[1], expected)


@pytest.mark.backend_free
@pytest.mark.parametrize("options", [{}, {"track_order": True}, {"libver": "latest"}])
def test_many_groups(tmp_path, options):
    """Groups of thousands of members are kept in trees of their own."""
    layers = {f"dense_{i}": (np.full(3, i, "f4"),) for i in range(400)}
    arrays = read_all(tmp_path / "net", weights_file(layers, **options))[1]
    assert len(arrays) == 400
    for name, (array,) in layers.items():
        np.testing.assert_array_equal(arrays[f"layers/{name}/vars/0"], array)


@pytest.mark.backend_free
def test_texts_of_fixed_length_are_metadata(tmp_path):
    """Others, as the configuration of a model, are passed over: nothing in them is read."""

    def write(root):
        root["a"] = np.ones(3, "f4")
        root.attrs["keras_version"] = np.bytes_(b"2.4.0")
        root.attrs["config"] = "{"
        root.attrs["number"] = 3
        root.attrs["texts"] = np.array([b"a", b"b"])

    assert read_all(tmp_path / "net", hdf5_file(write))[2] == {"keras_version": "2.4.0"}


@pytest.mark.backend_free
def test_configurations_are_never_read(tmp_path, monkeypatch):
    """Whatever a file says about its model, its weights are read, and nothing is built."""
    config = b'{"module": "os", "class_name": "system", "config": {"command": "touch harm"}}'
    monkeypatch.chdir(tmp_path)
    for content in (
        archive(**{"config.json": config}),
        archive(**{"config.json": b"\xff no JSON"}),
        archive(**{"assets/a.txt": b"a"}),
        legacy_model_file(config=config.decode()),
    ):
        arrays = read_all(tmp_path / "net", content)[1]
        assert len(arrays) == 4
    assert not (tmp_path / "harm").exists()


@pytest.mark.backend_free
def test_what_an_archive_says_about_itself(tmp_path):
    """Texts alone; without any, the archive is read all the same."""
    about = b'{"keras_version": "3.15.1", "number": 3, "list": []}'
    assert read_all(tmp_path / "net", archive(about=about))[2] == {"keras_version": "3.15.1"}
    for about in (b"[]", b"3"):
        assert read_all(tmp_path / "net", archive(about=about))[2] == {}


@pytest.mark.backend_free
@pytest.mark.parametrize("write", [weights_file, lambda layers: archive(weights_file(layers))])
def test_rows_are_read_where_they_are(tmp_path, write):
    """4 MB of weights are never in memory as a whole."""
    path = tmp_path / "net"
    path.write_bytes(write({"dense": (np.ones((1000, 1000), "f4"),)}))
    assert peak_of_rows(path, "layers/dense/vars/0") < 3 << 19


@pytest.mark.backend_free
def test_compressed_arrays_are_decoded_once(tmp_path):
    """Row by row, 4 MB that are compressed take one array, not one for each row."""
    path = tmp_path / "net"
    options = {"chunks": (100, 1000), "compression": "gzip"}
    array = np.ones((1000, 1000), "f4")
    path.write_bytes(hdf5_file(lambda root: root.create_dataset("a", data=array, **options)))
    assert peak_of_rows(path, "a") < 3 * array.nbytes // 2
