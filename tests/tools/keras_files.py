"""Writes HDF5 files in the layouts of Keras 2 and 3, and .keras archives around them.

Keras itself checks these writers: it loads weights from what they write.
"""

import io
import json

import h5py
import numpy as np

from torch_files import zip_file

ARRAYS = {
    "conv1": (np.arange(24, dtype="f4").reshape(2, 2, 3, 2), np.array([0.5, -1.5], "f4")),
    "fc6": (np.linspace(-1, 1, 8, dtype="f4").reshape(2, 4), np.arange(4, dtype="f4")),
}
BY_CLASS = dict(zip(("conv2d", "dense"), ARRAYS.values(), strict=True))  # as Keras 3 names them
PARTS = ("kernel", "bias")


def hdf5_file(write, **options):
    """Return the HDF5 file that `write` fills."""
    target = io.BytesIO()
    with h5py.File(target, "w", **options) as root:
        write(root)
    return target.getvalue()


def weights_file(layers=None, **options):
    """Return a .weights.h5 file of Keras 3, which names layers by their classes."""
    layers = BY_CLASS if layers is None else layers

    def write(root):
        for name, arrays in layers.items():
            group = root.create_group(f"layers/{name}/vars")
            for i, array in enumerate(arrays):
                group.create_dataset(str(i), data=array)

    return hdf5_file(write, **options)


def write_legacy(root, layers=None):
    """Fill a group with the weights of layers as Keras 1 and 2 did."""
    layers = ARRAYS if layers is None else layers
    root.attrs["layer_names"] = np.array([name.encode() for name in layers])
    root.attrs["backend"] = np.bytes_(b"tensorflow")
    root.attrs["keras_version"] = np.bytes_(b"2.4.0")
    for name, arrays in layers.items():
        group = root.create_group(name)
        names = [f"{name}/{part}:0" for part in PARTS[: len(arrays)]]
        group.attrs["weight_names"] = np.array([name.encode() for name in names])
        for weight, array in zip(names, arrays, strict=True):
            group[weight] = array


def legacy_file(layers=None):
    """Return an .h5 file of Keras 2 with weights alone."""
    return hdf5_file(lambda root: write_legacy(root, layers))


def legacy_model_file(layers=None, config="{}"):
    """Return an .h5 file of Keras 2 with a model: its weights are a group of it."""

    def write(root):
        root.attrs["model_config"] = config  # of variable length, as Keras writes it
        write_legacy(root.create_group("model_weights"), layers)
        root.create_group("optimizer_weights/Adam")["iterations"] = np.int64(7)

    return hdf5_file(write)


def archive(content=None, about=None, **members):
    """Return a .keras archive of Keras 3 around a .weights.h5 file."""
    about = (
        {"keras_version": "3.15.1", "date_saved": "2025-11-24@18:00:00"} if about is None else about
    )
    parts = {
        "metadata.json": about if isinstance(about, bytes) else json.dumps(about).encode(),
        "config.json": b"{}",
        "model.weights.h5": weights_file() if content is None else content,
    }
    return zip_file(parts | members)
