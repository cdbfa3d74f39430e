"""Two published AlexNets as rows, and those rows as Caffe's text and as ONNX's nodes.

The rows say what Caffe's models/bvlc_alexnet and torchvision's models/alexnet.py say, and no more:
sizes, paddings and defaults are for the engines to work out.
"""

from typing import NamedTuple

import numpy as np

from onnx_files import graph, model, node, tensor, value

CLASSES = 1000


class Conv(NamedTuple):
    """A convolution."""

    outputs: int
    kernel: int
    stride: int = 1
    pad: int = 0
    groups: int = 1


class Norm(NamedTuple):
    """Local response normalization over 5 maps."""


class Pool(NamedTuple):
    """The largest of 3 x 3, at every other place."""


class Dense(NamedTuple):
    """A fully connected layer."""

    outputs: int


class Relu(NamedTuple):
    """A rectifier."""


class Drop(NamedTuple):
    """A dropout of one half."""


class Softmax(NamedTuple):
    """The probabilities."""


BVLC = {
    **{"conv1": Conv(96, 11, 4), "relu1": Relu(), "norm1": Norm(), "pool1": Pool()},
    **{"conv2": Conv(256, 5, 1, 2, 2), "relu2": Relu(), "norm2": Norm(), "pool2": Pool()},
    **{"conv3": Conv(384, 3, 1, 1), "relu3": Relu()},
    **{"conv4": Conv(384, 3, 1, 1, 2), "relu4": Relu()},
    **{"conv5": Conv(256, 3, 1, 1, 2), "relu5": Relu(), "pool5": Pool()},
    **{"fc6": Dense(4096), "relu6": Relu(), "drop6": Drop()},
    **{"fc7": Dense(4096), "relu7": Relu(), "drop7": Drop()},
    **{"fc8": Dense(CLASSES), "prob": Softmax()},
}
OWT = {
    **{"conv1": Conv(64, 11, 4, 2), "relu1": Relu(), "pool1": Pool()},
    **{"conv2": Conv(192, 5, 1, 2), "relu2": Relu(), "pool2": Pool()},
    **{"conv3": Conv(384, 3, 1, 1), "relu3": Relu()},
    **{"conv4": Conv(256, 3, 1, 1), "relu4": Relu()},
    **{"conv5": Conv(256, 3, 1, 1), "relu5": Relu(), "pool5": Pool()},
    **{"drop6": Drop(), "fc6": Dense(4096), "relu6": Relu()},
    **{"drop7": Drop(), "fc7": Dense(4096), "relu7": Relu()},
    **{"fc8": Dense(CLASSES), "prob": Softmax()},
}


def drawn(rows, seed):
    """Return weights by layer as Caffe and ONNX keep them, drawn so that no layer's output dies."""
    rng = np.random.default_rng(seed)
    channels, weights = 3, {}
    for name, row in rows.items():
        if isinstance(row, Conv):
            shape = (row.outputs, channels // row.groups, row.kernel, row.kernel)
            channels = row.outputs
        elif isinstance(row, Dense):
            shape = (row.outputs, channels * 6 * 6 if name == "fc6" else 4096)
        else:
            continue
        reach = np.float32((6 / np.prod(shape[1:])) ** 0.5)  # He's: the variance stays
        kernel = rng.random(shape, "f4") * (2 * reach) - reach
        weights[name] = kernel, rng.random(row.outputs, "f4") - np.float32(0.5)
    return weights


WITH_WEIGHTS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
ZOO_NAMES = {layer: (f"{layer}_w_0", f"{layer}_b_0") for layer in WITH_WEIGHTS}
PLACES = [
    *[f"features.{number}" for number in (0, 3, 6, 8, 10)],
    *[f"classifier.{number}" for number in (1, 4, 6)],
]
TORCH_NAMES = {
    layer: (f"{place}.weight", f"{place}.bias")
    for layer, place in zip(WITH_WEIGHTS, PLACES, strict=True)
}
PROTOTXT = {
    Conv: 'type: "Convolution" convolution_param {{ num_output: {outputs} kernel_size: {kernel} '
    "stride: {stride} pad: {pad} group: {groups} }}",
    Norm: 'type: "LRN" lrn_param {{ local_size: 5 alpha: 0.0001 beta: 0.75 }}',
    Pool: 'type: "Pooling" pooling_param {{ pool: MAX kernel_size: 3 stride: 2 }}',
    Dense: 'type: "InnerProduct" inner_product_param {{ num_output: {outputs} }}',
    Relu: 'type: "ReLU"',
    Drop: 'type: "Dropout" dropout_param {{ dropout_ratio: 0.5 }}',
    Softmax: 'type: "Softmax"',
}


def prototxt(rows, size):
    """Return the description of a network for square images, as Caffe reads it."""
    lines = [f'name: "AlexNet" input: "data" input_dim: [1, 3, {size}, {size}]']
    bottom = "data"
    for name, row in rows.items():
        what = PROTOTXT[type(row)].format(**row._asdict())
        lines.append(f'layer {{ name: "{name}" bottom: "{bottom}" top: "{name}" {what} }}')
        bottom = name
    return "\n".join(lines)


def onnx_nodes(name, row, x, weights):
    """Return the nodes of a row, with the names of its input and of its weights, if any."""
    match row:
        case Conv(_, kernel, stride, pad, groups):
            sizes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
            return [node("Conv", [x, *weights], name, **sizes, group=groups)]
        case Norm():
            return [node("LRN", [x], name, size=5, alpha=1e-4, beta=0.75, bias=1.0)]
        case Pool():
            return [node("MaxPool", [x], name, kernel_shape=[3, 3], strides=[2, 2])]
        case Dense():
            flat = node("Flatten", [x], f"{name}_flat")  # of a matrix it is the same
            return [flat, node("Gemm", [f"{name}_flat", *weights], name, transB=1)]
        case Relu():
            return [node("Relu", [x], name)]
        case Drop():
            return [node("Dropout", [x], name)]
        case Softmax():
            return [node("Softmax", [x], name, axis=1)]


def onnx_model(rows, size, weights, names):
    """Return the file of a network for square images, all of whose layers are outputs.

    Args:
        rows: The network.
        size: Height and width of the images.
        weights: Kernel and bias by layer.
        names: What the file calls them, by layer.
    """
    nodes, x = [], "data_0"
    for name, row in rows.items():
        nodes += onnx_nodes(name, row, x, names.get(name, ()))
        x = name
    tensors = [
        tensor(*pair)
        for layer, arrays in weights.items()
        for pair in zip(names[layer], arrays, strict=True)
    ]
    inputs = [value("data_0", 1, 3, size, size)]
    return model(graph(tensors, nodes, inputs, [value(name) for name in rows]))
