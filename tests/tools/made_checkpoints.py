"""Weights in the names and layouts of other programs.

Nothing here uses the package's own naming or layouts: every name is written out, and every layout
is made index by index or with NumPy's own words for it.
"""

import contextlib

import numpy as np

from keras_alexnet.formats.arrays import MemoryArray
from keras_alexnet.formats.opening import Contents
from made_networks import LAYERS, MAPS


def oihw(kernel):
    """Return a convolution's kernel `(height, width, in, out)` as PyTorch and Caffe keep it."""
    return np.einsum("hwio->oihw", kernel)


def rows_by_channel(kernel):
    """Return fc6's kernel with its rows in the order channels, height, width."""
    height, width, channels = MAPS
    moved = np.empty_like(kernel)
    for row in range(len(kernel)):
        h, w, c = row // (width * channels), row // channels % width, row % channels
        moved[c * height * width + h * width + w] = kernel[row]
    return moved


def as_torch(weights, names):
    """Return weights as a state dict, with the names of the layers in it."""
    state = {}
    for name, layer in zip(names, weights, strict=False):
        kernel, bias = weights[layer]
        if layer.startswith("fc"):
            kernel = rows_by_channel(kernel).T if layer == "fc6" else kernel.T
        else:
            kernel = oihw(kernel)
        state[f"{name}.weight"], state[f"{name}.bias"] = np.ascontiguousarray(kernel), bias
    return state


def renamed(state, weight, bias):
    """Return a state dict with other endings of the names."""
    return {
        name.replace(".weight", weight).replace(".bias", bias): value
        for name, value in state.items()
    }


def torchvision(weights):
    """Return weights with the names and layouts of torchvision's file."""
    convs = [f"features.{number}" for number in (0, 3, 6, 8, 10)]
    return as_torch(weights, [*convs, "classifier.1", "classifier.4", "classifier.6"])


def imgclsmob_torch(weights):
    """Return weights as imgclsmob's files for PyTorch have them."""
    units = ("stage1.unit1", "stage2.unit1", "stage3.unit1", "stage3.unit2", "stage3.unit3")
    names = [f"features.{unit}.conv" for unit in units]
    return as_torch(weights, [*names, "output.fc1.fc", "output.fc2.fc", "output.fc3"])


def imgclsmob_tf2(weights):
    """Return weights as imgclsmob's files for TensorFlow have them: only fc6's rows differ."""
    units = ("stage1/unit1", "stage2/unit1", "stage3/unit1", "stage3/unit2", "stage3/unit3")
    tops = ("output1/output1/fc1/fc", "output1/output1/fc2/fc", "output1/output1/fc3")
    found = {}
    for (layer, (kernel, bias)), place in zip(weights.items(), (*units, *tops), strict=False):
        if layer.startswith("conv"):
            stage = place.split("/")[0]
            place = f"features/features/features/{stage}/{place}/conv/conv"
        kernel = rows_by_channel(kernel) if layer == "fc6" else kernel
        found[f"{place}/kernel:0"], found[f"{place}/bias:0"] = kernel, bias
    return found


def caffe(weights):
    """Return weights as Caffe has them: four axes for everything, as before 2015."""
    state = renamed(as_torch(weights, LAYERS), "/0", "/1")
    return {
        name: value.reshape((1,) * (4 - value.ndim) + value.shape) for name, value in state.items()
    }


def toronto(weights):
    """Return weights as caffe-tensorflow converts them: Caffe's names, TensorFlow's layouts."""
    return {
        f"{layer}/{number}": array
        for layer, arrays in weights.items()
        for number, array in enumerate(arrays)
    }


def onnx_zoo(weights):
    """Return weights as the ONNX model zoo's files have them."""
    state = renamed(as_torch(weights, LAYERS), "_w_0", "_b_0")
    return {**state, "OC2_DUMMY_1": np.array([1, 64])}


def paddle(weights):
    """Return weights as PaddlePaddle has them: fc kernels as Keras's, but for fc6's rows.

    Its dropout halves at test time, in front of fc6 and fc7, so what it keeps is twice as large.
    """
    names = ("_conv1._conv", "_conv2._conv", "_conv3", "_conv4", "_conv5._conv")
    found = {}
    for layer, (kernel, bias) in weights.items():
        if layer.startswith("conv"):
            name, kernel = names[int(layer[4:]) - 1], oihw(kernel)
        else:
            name = f"_{layer}"
            kernel = rows_by_channel(kernel) if layer == "fc6" else kernel
            kernel = kernel * 2 if layer in ("fc6", "fc7") else kernel
        found[f"{name}.weight"], found[f"{name}.bias"] = np.ascontiguousarray(kernel), bias
    return found


def two_towers(weights):
    """Return weights with each convolution's filters in two tensors, a tower each."""
    found = {}
    for layer, arrays in weights.items():
        for part, array in zip(("kernel", "bias"), arrays, strict=True):
            if layer.startswith("conv"):
                found[f"{layer}a.{part}"], found[f"{layer}b.{part}"] = np.split(array, 2, axis=-1)
            else:
                found[f"{layer}.{part}"] = array
    return found


def own(weights):
    """Return weights with the names of the package's own layers."""
    return {
        f"{layer}/{part}": array
        for layer, arrays in weights.items()
        for part, array in zip(("kernel", "bias"), arrays, strict=True)
    }


WAYS = {
    "torchvision": torchvision,
    "imgclsmob_torch": imgclsmob_torch,
    "imgclsmob_tf2": imgclsmob_tf2,
    "caffe": caffe,
    "toronto": toronto,
    "onnx_zoo": onnx_zoo,
    "paddle": paddle,
    "two_towers": two_towers,
    "keras": own,
}


@contextlib.contextmanager
def contents(arrays, path="made", metadata=None):
    """Give arrays as if they came from a file, in the place of `open_checkpoint`."""
    stored = {
        name: array if hasattr(array, "read") else MemoryArray(array)
        for name, array in arrays.items()
    }
    yield Contents(path, "made", stored, metadata or {})


def numbered(weights):
    """Return weights as Keras's files have them: layers numbered by class."""
    seen, found = {"conv2d": 0, "dense": 0}, {}
    for layer, pair in weights.items():
        kind = "conv2d" if layer.startswith("conv") else "dense"
        name = f"{kind}_{seen[kind]}" if seen[kind] else kind
        seen[kind] += 1
        for number, array in enumerate(pair):
            found[f"layers/{name}/vars/{number}"] = array
    return found
