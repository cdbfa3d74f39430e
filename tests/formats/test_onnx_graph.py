"""ONNX's weights are found by the graph, whatever exporters call them and however they lie."""

import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import load_checkpoint
from keras_alexnet.formats.errors import CheckpointError
from made_checkpoints import as_torch
from made_networks import drawn_weights, small_network, weights_of
from onnx_files import graph, model, node, tensor, value

CONVS = {  # strides, zeros around, groups
    "conv1": ((2, 2), (2, 2, 3, 3), 1),
    "conv2": ((1, 1), (2, 2, 2, 2), 2),
    "conv3": ((1, 1), (1, 1, 1, 1), 1),
    "conv4": ((1, 1), (1, 1, 1, 1), 2),
    "conv5": ((1, 1), (1, 1, 1, 1), 2),
}
LAYERS = (*CONVS, "fc6", "fc7", "fc8")
TO_LAST = [0, 2, 3, 1]


@pytest.fixture(scope="module")
def made():
    """A network, and the weights that the files hold."""
    model = small_network()
    return model, drawn_weights(model)


class Writer:
    """Writes the network as a graph.

    Args:
        weights: Its weights, as Keras keeps them.
        gemm: How dense layers are written: "B" for transB=1, "" for transB=0, "MatMul", or
            "Transpose" for a MatMul with a kernel that a node transposes.
        constants: Whether weights are the values of nodes.
        added: Whether biases of convolutions are added to maps by a node; "last" with their
            channels last, after a cast.
        channels_last: Whether fc6 sees maps with their channels last.
        before, between, after: Nodes in front of the first layer, of fc7, and after the last one,
            each (operator, more inputs, attributes).
        tensors: More initializers.
        named: Gives the names of layers.
    """

    def __init__(self, weights, gemm="B", constants=False, added=False, channels_last=False,
                 before=(), between=(), after=(), tensors=None, named=None):  # fmt: skip
        self.nodes, self.tensors, self.last = [], [], "x"
        self.constants, self.count = constants, 16
        self.named = named or (lambda layer, part: f"onnx::{part}_{self.count}")
        state = as_torch(weights, LAYERS)
        if channels_last:
            state["fc6.weight"] = np.ascontiguousarray(weights["fc6"][0].T)
        for name, array in (tensors or {}).items():
            self.tensors.append(tensor(name, array))
        self.more(before)
        for layer in LAYERS:
            kernel, bias = state[f"{layer}.weight"], state[f"{layer}.bias"]
            if layer == "fc6":
                if channels_last:
                    self.add("Transpose", perm=TO_LAST)
                self.add("Flatten")
            if layer == "fc7":
                self.more(between)
            if layer in CONVS:
                self.conv(layer, kernel, bias, added)
            else:
                self.dense(layer, kernel, bias, gemm)
            if layer != "fc8":
                self.add("Relu")
        self.more(after)

    def more(self, rows):
        for operator, inputs, attributes in rows:
            self.add(operator, *inputs, **attributes)

    def add(self, operator, *inputs, **attributes):
        """Write a node that takes what the last one gave."""
        self.count += 1
        output = f"y{self.count}"
        self.nodes.append(node(operator, [self.last, *inputs], output, **attributes))
        self.last = output

    def stored(self, layer, part, array):
        """Write a tensor; return its name."""
        self.count += 1
        name = self.named(layer, part)
        if self.constants:
            self.nodes.append(node("Constant", [], name, value=tensor(None, array)))
        else:
            self.tensors.append(tensor(name, array))
        return name

    def conv(self, layer, kernel, bias, added):
        strides, pads, groups = CONVS[layer]
        sizes = {"strides": list(strides), "pads": list(pads), "group": groups}
        sizes["kernel_shape"] = list(kernel.shape[2:])
        if added:
            self.add("Conv", self.stored(layer, "Conv", kernel), **sizes)
            if added == "last":
                self.add("Transpose", perm=TO_LAST)
                self.add("Cast", to=1)
                self.add("Add", self.stored(layer, "Add", bias))
                self.add("Transpose", perm=[0, 3, 1, 2])
                return
            self.add("Add", self.stored(layer, "Add", bias.reshape(1, -1, 1, 1)))
        else:
            names = self.stored(layer, "Conv", kernel), self.stored(layer, "Bias", bias)
            self.add("Conv", *names, **sizes)

    def dense(self, layer, kernel, bias, gemm):
        turned = np.ascontiguousarray(kernel.T)
        if gemm in ("B", ""):
            stored = self.stored(layer, "Gemm", kernel if gemm else turned)
            more = {"transB": 1} if gemm else {}
            self.add("Gemm", stored, self.stored(layer, "Bias", bias), **more)
            return
        name = self.stored(layer, "MatMul", turned if gemm == "MatMul" else kernel)
        if gemm == "Transpose":
            self.nodes.append(node("Transpose", [name], f"{name}_t", perm=[1, 0]))
            name = f"{name}_t"
        self.add("MatMul", name)
        self.add("Add", self.stored(layer, "Add", bias))

    def file(self):
        inputs, outputs = [value("x", 1, 3, 8, 12)], [value(self.last)]
        return model(graph(self.tensors, self.nodes, inputs, outputs))


def zoo(layer, part):
    return f"{layer}_{'b' if part in ('Bias', 'Add') else 'w'}_0"


MEAN = {"mean": np.full((1, 3, 1, 1), 0.25, "f4"), "shape": np.array([1, -1])}
WAYS = {
    "renamed": {},
    "transB=0": {"gemm": ""},
    "MatMul and Add": {"gemm": "MatMul"},
    "kernels transposed by nodes": {"gemm": "Transpose"},
    "constants": {"constants": True, "gemm": "MatMul"},
    "biases added to maps": {"added": True},
    "biases added channels last": {"added": "last"},
    "channels last": {"channels_last": True, "gemm": "MatMul"},
    "known names, transB=0": {"gemm": "", "named": zoo},
    "among others": {
        "before": [("Sub", ["mean"], {})],
        "between": [("Dropout", [], {}), ("Reshape", ["shape"], {})],
        "after": [("Softmax", [], {"axis": 1})],
        "tensors": MEAN,
    },
}


@pytest.mark.peer("onnxruntime")
@pytest.mark.parametrize("way", WAYS)
def test_way(way, made, tmp_path):
    """The weights are the network's, and ONNX Runtime computes the same with the file."""
    import onnxruntime

    network, weights = made
    network.set_weights([np.zeros(weight.shape, "float32") for weight in network.weights])
    path = tmp_path / "net.onnx"
    path.write_bytes(Writer(weights, **WAYS[way]).file())
    loaded = load_checkpoint(network, path, verify="off", verbose=False)
    assert loaded.dialect == ("onnx_zoo" if "known" in way else "onnx_graph")
    assert loaded.channel_order == ("bgr" if "known" in way else None)
    assert "Loaded 16 variables" in str(loaded)
    for layer, pair in weights_of(network).items():
        for mine, expected in zip(pair, weights[layer], strict=True):
            np.testing.assert_array_equal(mine, expected, err_msg=layer)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).normal(size=(1, 3, 8, 12)).astype("f4")
    (theirs,) = session.run(None, {"x": image})
    x = image.transpose(0, 2, 3, 1) - (0.25 if way == "among others" else 0)
    for layer in network.layers:
        x = to_numpy(layer(x))
        x = x if layer.name == "fc8" else np.maximum(x, 0)
    x = np.exp(x) / np.exp(x).sum() if way == "among others" else x
    assert theirs.std() > 1e-3
    np.testing.assert_allclose(x, theirs, rtol=0, atol=1e-5)


class Alpha(Writer):
    """Writes dense layers that multiply their kernels."""

    def add(self, operator, *inputs, **attributes):
        factor = {"alpha": 0.5} if operator == "Gemm" else {}
        super().add(operator, *inputs, **attributes, **factor)


REFUSED = {
    "a factor": (
        lambda weights: Alpha(weights),
        r"kernel 'onnx::Gemm_\d+' has \(alpha, beta, transA\) = \(0\.5, 1\.0, 0\)",
    ),
    "another layer between": (
        lambda weights: Writer(weights, between=[("Sigmoid", [], {})]),
        "holds the tensors 'onnx::Conv_17', .*Names and shapes must be those of one of these",
    ),
    "maps turned": (
        lambda weights: Writer(weights, between=[("Transpose", [], {"perm": [1, 0]})]),
        "holds the tensors 'onnx::Conv_17'",
    ),
    "two kernels of one name": (
        lambda weights: Writer(weights, named=lambda layer, part: f"{part}{layer == 'fc6'}"),
        "Two initializers have the name 'ConvFalse'",
    ),
    "another shape": (
        lambda weights: Writer({**weights, "fc8": (weights["fc7"][0][:, :7], weights["fc7"][1])}),
        r"'onnx::Bias_\d+' has the shape \(64,\) where fc8's bias takes \(5,\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, made, tmp_path):
    network, weights = made
    make, message = REFUSED[name]
    (tmp_path / "net.onnx").write_bytes(make(weights).file())
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(network, tmp_path / "net.onnx", verify="off", verbose=False)
