"""Files to convert, and readers of converted ones."""

import json
import struct
import zipfile

import h5py
import numpy as np
import pytest

from keras_alexnet import AlexNet
from keras_alexnet.conversion.formats import WRITTEN_FORMATS
from made_networks import learned_filters

ENDINGS = [row.ending for row in WRITTEN_FORMATS]
QUIET = {"verify": "off", "verbose": False}
UNTRAINED = pytest.mark.filterwarnings("ignore:(?s).*look untrained:UserWarning")


def names(folder):
    """Return the names of all that is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def cifar_file(path, variant="cifar10_80sec", **options):
    """Save a network with weights that look learned; return it."""
    network = AlexNet(variant, data_format="channels_last", **options)
    kernel, bias = network.get_layer("conv1").get_weights()
    filters = learned_filters()[:5, :5, : kernel.shape[2]]
    network.get_layer("conv1").set_weights([filters, bias])
    network.save_weights(path)
    return network


def read_safetensors(path):
    """Return the arrays and the metadata of a safetensors file, by the format's own words."""
    content = memoryview(path.read_bytes())  # whose parts are no copies
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(bytes(content[8 : 8 + length]))
    metadata = header.pop("__metadata__")
    arrays, data = {}, content[8 + length :]
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32"
        arrays[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
    return arrays, metadata


def metadata_of(path):
    """Return what a converted file says about itself, read with each format's own library."""
    if path.suffix == ".safetensors":
        return read_safetensors(path)[1]
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))["config"]
            if "card" in config:
                return config["card"]
            return json.loads(archive.read("keras_alexnet.json"))  # another class of model
    with h5py.File(path) as file:
        return {name: bytes(value).decode() for name, value in file.attrs.items()}


def assert_same(weights, expected):
    """Check that weights by layer are the same bit for bit."""
    assert weights.keys() == expected.keys()
    for name, pair in expected.items():
        for mine, theirs in zip(weights[name], pair, strict=True):
            assert mine.dtype == theirs.dtype == "float32"
            np.testing.assert_array_equal(mine.view("u4"), theirs.view("u4"), err_msg=name)
