"""Writes .caffemodel and .binaryproto files as Caffe does, and as it never would.

OpenCV, which has an importer of Caffe's networks, and the library of protocol buffers check these
writers.
"""

import numpy as np

from protobuf_writer import field, fields, packed

NET_NAME, INPUT = 1, 3  # NetParameter
NUM, CHANNELS, HEIGHT, WIDTH, DATA, DIFF, SHAPE, DOUBLE_DATA = 1, 2, 3, 4, 5, 6, 7, 8  # BlobProto
# By version: NetParameter's field with the layers, and a layer's with its name, type and blobs.
LAYERS = {"V1": (2, 4, 5, 6), "V2": (100, 1, 2, 7)}
TYPES = {  # of a convolution, an inner product, a ReLU
    "V1": {"conv": 4, "fc": 14, "relu": 18},
    "V2": {"conv": "Convolution", "fc": "InnerProduct", "relu": "ReLU"},
}
ARRAYS = {
    "conv1/0": np.arange(24, dtype="f4").reshape(2, 3, 2, 2),
    "conv1/1": np.array([0.5, -1.5], "f4"),
    "fc6/0": np.linspace(-1, 1, 8, dtype="f4").reshape(4, 2),
    "fc6/1": np.arange(4, dtype="f4"),
}


def four_sizes(shape):
    """Return the sizes as before 2015: four, ones in front."""
    return b"".join(map(field, (NUM, CHANNELS, HEIGHT, WIDTH), (1,) * (4 - len(shape)) + shape))


def new_shape(shape):
    """Return the sizes as since 2015: as many as there are."""
    return field(SHAPE, packed(1, shape))


SIZES = {"V1": four_sizes, "V2": new_shape}


def blob(array, version="V1", data=None, sizes=None):
    """Return an array; its data, and its sizes, may be given as other fields."""
    data = field(DATA, array.astype("<f4").tobytes()) if data is None else data
    return (SIZES[version](array.shape) if sizes is None else sizes) + data


def layer(name, blobs=(), version="V1", more=b""):
    """Return a layer: a field of a network."""
    layers, name_field, type_field, blobs_field = LAYERS[version]
    kinds = TYPES[version]
    kind = kinds.get(name.rstrip("0123456789"), kinds["relu"])
    content = field(name_field, name) + field(type_field, kind) + fields(blobs_field, blobs)
    return field(layers, content + more)


def network(*layers, name="AlexNet"):
    """Return a whole file."""
    return field(NET_NAME, name) + b"".join(layers)


def caffemodel(arrays=None, version="V1", write=blob):
    """Return the file with arrays by the names that they get when read, and a layer without."""
    groups = {}
    for name, array in (ARRAYS if arrays is None else arrays).items():
        groups.setdefault(name.split("/")[0], []).append(write(array, version))
    layers = [layer(name, blobs, version) for name, blobs in groups.items()]
    return network(layer("relu1", version=version), *layers)


def mean_file(array):
    """Return a .binaryproto file with a mean image (channels, height, width)."""
    return blob(array, "V1")
