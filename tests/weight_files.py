"""A file of each format, with the weights of a network as programs that use the format keep them.

Each writer is small and on its own: none uses the package.
"""

import json
import pickle
import struct

import h5py
import numpy as np

from made_checkpoints import (
    caffe,
    imgclsmob_tf2,
    imgclsmob_torch,
    onnx_zoo,
    own,
    paddle,
    torchvision,
    two_towers,
)
from numpy_files import dictionary2, toronto_file
from torch_files import (
    joined,
    legacy_parts,
    state,
    tar_file,
    tar_parts,
    zip_file,
    zip_parts,
)

FLOAT, RAW = 1, 9  # of ONNX's TensorProto: the type, the field of the numbers


def varint(number):
    """Return a whole number as protobuf writes it."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def field(number, value):
    """Return a field of a protobuf message: a whole number, or text, bytes, a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def caffemodel(arrays):
    """Return a .caffemodel as of 2014: V1 layers, four legacy sizes for each array."""
    layers = {}
    for name, array in arrays.items():
        sizes = b"".join(field(number, size) for number, size in enumerate(array.shape, 1))
        layer = name.rpartition("/")[0]
        layers.setdefault(layer, []).append(field(6, sizes + field(5, array.tobytes())))
    return field(1, "AlexNet") + b"".join(
        field(2, field(4, name) + b"".join(blobs)) for name, blobs in layers.items()
    )


def onnx(arrays):
    """Return an ONNX model of initialisers alone."""
    kinds = {"f4": FLOAT, "i8": 7}
    tensors = (
        b"".join(field(1, size) for size in array.shape)
        + field(2, kinds[array.dtype.str[1:]])
        + field(8, name)
        + field(RAW, array.tobytes())
        for name, array in arrays.items()
    )
    return field(1, 7) + field(7, b"".join(field(5, tensor) for tensor in tensors))


def safetensors(arrays, metadata=None):
    """Return a safetensors file of float32 arrays."""
    table, place = {"__metadata__": metadata} if metadata else {}, 0
    for name, array in arrays.items():
        end = place + array.nbytes
        table[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [place, end]}
        place = end
    text = json.dumps(table).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(a.tobytes() for a in arrays.values())


def _npz(path, weights):
    with open(path, "wb") as file:
        np.savez(file, **two_towers(weights))


def _hdf5(path, weights):
    with h5py.File(path, "w") as file:
        for name, array in imgclsmob_tf2(weights).items():
            file[name] = array


def _keras(path, weights):
    """Write what a .keras archive has of weights; nothing else of it is read."""
    with h5py.File(f"{path}.h5", "w") as file:
        for name, array in own(weights).items():
            layer, part = name.split("/")
            file[f"layers/{layer}/vars/{int(part == 'bias')}"] = array
    with open(f"{path}.h5", "rb") as file:
        path.write_bytes(zip_file({"config.json": b"{}", "model.weights.h5": file.read()}))


def _torch_legacy(path, weights):
    arrays = imgclsmob_torch(weights)
    path.write_bytes(joined(legacy_parts(arrays=arrays)))


def _torch_zip(path, weights):
    arrays = torchvision(weights)
    path.write_bytes(zip_file(zip_parts(state(arrays), arrays)))


FILES = {
    "torch_zip": _torch_zip,
    "torch_legacy": _torch_legacy,
    "torch_tar": lambda path, weights: path.write_bytes(tar_file(tar_parts(torchvision(weights)))),
    "npz": _npz,
    "npy": lambda path, weights: path.write_bytes(
        toronto_file(dictionary2({name: list(pair) for name, pair in weights.items()}))
    ),
    "pickle": lambda path, weights: path.write_bytes(pickle.dumps(paddle(weights), 2)),
    "hdf5": _hdf5,
    "keras": _keras,
    "safetensors": lambda path, weights: path.write_bytes(safetensors(torchvision(weights))),
    "onnx": lambda path, weights: path.write_bytes(onnx(onnx_zoo(weights))),
    "caffe": lambda path, weights: path.write_bytes(caffemodel(caffe(weights))),
}
