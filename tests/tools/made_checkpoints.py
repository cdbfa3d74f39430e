"""Small networks with AlexNet's layer names, weights for them, and those in other programs' ways.

Nothing here uses the package's own naming or layouts: every name is written out, and every layout
is made index by index or with NumPy's own words for it.
"""

import contextlib
import functools

import keras
import numpy as np

from keras_alexnet.formats.arrays import MemoryArray
from keras_alexnet.formats.opening import Contents

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
MAPS = (4, 6, 8)  # height, width, channels of what fc6 sees: all different


def small_network(channels=3, classes=5, top=True, groups=2, data_format=None, dtype=None):
    """Return a network with AlexNet's layers with weights and no others, of some 10,000 weights."""
    last = (data_format or keras.config.image_data_format()) == "channels_last"
    shape = (8, 12, channels) if last else (channels, 8, 12)
    common = {"data_format": data_format, "dtype": dtype}

    def conv(name, filters, kernel, count=1, strides=1):
        return keras.layers.Conv2D(
            filters, kernel, strides, "same", groups=count, name=name, **common
        )

    layers = [
        keras.Input(shape),
        conv("conv1", 32, 7, strides=2),
        conv("conv2", 16, 5, groups),
        conv("conv3", 12, 3),
        conv("conv4", 12, 3, groups),
        conv("conv5", MAPS[2], 3, groups),
    ]
    if top:
        layers += [
            keras.layers.Flatten(data_format, name="flatten"),
            keras.layers.Dense(64, name="fc6", dtype=dtype),
            keras.layers.Dense(64, name="fc7", dtype=dtype),
            keras.layers.Dense(classes, name="fc8", dtype=dtype),
        ]
    return keras.Sequential(layers)


def weights_of(model):
    """Return the kernels and biases of a model by layer, as float32."""
    return {
        name: tuple(
            np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")))
            for value in (model.get_layer(name).kernel, model.get_layer(name).bias)
        )
        for name in LAYERS
        if name in [layer.name for layer in model.layers]
    }


def drawn_weights(model, seed=1):
    """Return random kernels and biases in the shapes of a model's, by layer."""
    rng = np.random.default_rng(seed)
    return {
        name: tuple(rng.normal(0, 0.1, array.shape).astype("float32") for array in arrays)
        for name, arrays in weights_of(model).items()
    }


def learned_weights(model, seed=2):
    """Return kernels and biases that look as if they were learned, in the shapes of a model's.

    Smooth filters in the first convolution, units of differing strength, and in fc6 weights that
    change slowly from place to place.
    """
    rng = np.random.default_rng(seed)
    learned = {}
    for name, (kernel, bias) in drawn_weights(model, seed).items():
        if name == "conv1":
            kernel = waves(rng, kernel.shape)
        elif name == "fc6":
            maps = kernel.reshape(*MAPS, -1)
            maps[1:] += maps[:-1]
            maps[:, 1:] += maps[:, :-1]
        kernel = kernel * np.exp(rng.normal(0, 0.5, kernel.shape[-1])).astype("float32")
        learned[name] = kernel, bias
    return learned


@functools.cache
def learned_filters():
    """Return the first kernel of `learned_weights` of a small network, 7 x 7, for others to cut."""
    return learned_weights(small_network())["conv1"][0]


def waves(rng, shape):
    """Return filters `(height, width, in, out)`: a long wave in a random direction each."""
    height, width, channels, filters = shape
    rows, columns = np.mgrid[:height, :width][..., None, None]
    angle, phase = rng.uniform(0, np.pi, (2, 1, filters))
    along = rows * np.sin(angle) + columns * np.cos(angle)
    color = rng.normal(0, 1, (channels, filters))
    return (color * np.cos(2 * np.pi * along / 7 + phase)).astype("float32")


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


CONVS = {  # filters, side of the kernel, channels of a group
    "paper": [(96, 11, 3), (256, 5, 48), (384, 3, 256), (384, 3, 192), (256, 3, 192)],
    "source2012_half": [(48, 11, 3), (128, 5, 48), (192, 3, 128), (192, 3, 192), (256, 3, 192)],
    "owt": [(64, 11, 3), (192, 5, 64), (384, 3, 192), (256, 3, 384), (256, 3, 256)],
    "slim_v2": [(64, 11, 3), (192, 5, 64), (384, 3, 192), (384, 3, 384), (256, 3, 384)],
    "ungrouped": [(96, 11, 3), (256, 5, 96), (384, 3, 256), (384, 3, 384), (256, 3, 384)],
    "cifar10_18pct": [(32, 5, 3), (32, 5, 32), (64, 5, 32)],
    "cifar10_80sec": [(32, 5, 3), (32, 5, 32), (64, 5, 32)],
}
DENSE = {
    **{name: [("fc6", 9216, 4096), ("fc7", 4096, 4096), ("fc8", 4096, 1000)] for name in CONVS},
    "slim_v2": [("fc6", 6400, 4096), ("fc7", 4096, 4096), ("fc8", 4096, 1000)],
    "cifar10_18pct": [("fc10", 1024, 10)],
    "cifar10_80sec": [("fc64", 1024, 64), ("fc10", 64, 10)],
}


def empty(shape):
    """Return an array that takes no memory."""
    return np.broadcast_to(np.float32(0), shape)


def weights_like(variant, top=True):
    """Return kernels and biases of the shapes of a variant, by layer, in Keras's layout."""
    weights = {
        f"conv{number}": (empty((side, side, channels, filters)), empty(filters))
        for number, (filters, side, channels) in enumerate(CONVS[variant], 1)
    }
    for name, rows, units in DENSE[variant] if top else ():
        weights[name] = empty((rows, units)), empty(units)
    return weights


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
