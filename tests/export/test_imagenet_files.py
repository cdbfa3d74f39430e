"""The networks for ImageNet in OpenVINO, LiteRT, PyTorch and OpenCV, and in int8, on small images.

`examples/benchmarks/export_errors.py` does the same with the networks in full.
"""

import re

import numpy as np
import pytest

from exported import IMAGENET, assert_computes, error, images, maps_of, outputs_of, whole
from keras_alexnet.export import onnx_files, openvino_files
from keras_alexnet.export.graphs import graph_of
from keras_alexnet.export.settings import Settings

pytestmark = pytest.mark.one_backend


@pytest.mark.medium
@pytest.mark.peer("onnx", "openvino")
@pytest.mark.parametrize("variant", IMAGENET)
def test_openvino(variant, tmp_path):
    """The maps of the file are Keras's."""
    model, path = maps_of(variant), str(tmp_path / "net.xml")
    openvino_files.write(graph_of(model), {}, path, Settings())
    assert_computes(openvino_files.load(path), model, counts=(2,))


@pytest.mark.medium
@pytest.mark.parametrize("variant", IMAGENET)
def test_litert(variant, tmp_path):
    """The same."""
    from keras_alexnet.export.tensorflow_files import load_litert, write_litert

    model, path = maps_of(variant), str(tmp_path / "net.tflite")
    write_litert(graph_of(model), {}, path, Settings())
    assert_computes(load_litert(path), model, counts=(2,))


@pytest.mark.medium
@pytest.mark.peer("torch")
@pytest.mark.parametrize("variant", IMAGENET)
def test_torch(variant, tmp_path, monkeypatch):
    """The same, of probabilities."""
    from keras_alexnet.export import torch_files

    model, path = whole(variant, monkeypatch), str(tmp_path / "net.pt2")
    torch_files.write(graph_of(model), {}, path, Settings())
    assert_computes(torch_files.load(path), model, counts=(2,))


@pytest.mark.medium
@pytest.mark.peer("onnx", "cv2")
@pytest.mark.parametrize(
    ("variant", "normalization"),
    [*((name, "chain") for name in IMAGENET), ("paper", "operator"), ("bvlc", "operator")],
)
def test_opencv(variant, normalization, tmp_path, monkeypatch):
    """The same, of probabilities, in either form of the normalizations."""
    import cv2

    model, path = whole(variant, monkeypatch), str(tmp_path / "net.onnx")
    onnx_files.write(graph_of(model), {}, path, Settings(normalization=normalization))
    network = cv2.dnn.readNetFromONNX(path)

    def run(batch):
        network.setInput(batch)
        return [network.forward()]

    assert_computes(run, model)


@pytest.mark.medium
@pytest.mark.peer("onnx", "onnxruntime")
@pytest.mark.parametrize("variant", ["bvlc", "owt"])
def test_convolutions_in_int8(variant, tmp_path):
    """Each takes whole numbers, with a scale for each filter; the maps stay near."""
    import onnx

    model, path = maps_of(variant), str(tmp_path / "net.onnx")
    calibration, others = images(model, 9), images(model, 3)
    onnx_files.write(graph_of(model), {}, path, Settings("int8", calibration))
    (found,) = onnx_files.load(path)(others)
    (expected,) = outputs_of(model, others)
    assert 1e-4 < error(found, expected) < 0.1
    graph = onnx.load(path).graph
    convs = [x for x in graph.node if x.op_type == "Conv" and re.match(r"conv\d", x.name)]
    assert [x.name.split("/")[0] for x in convs] == [f"conv{number}" for number in range(1, 6)]
    assert all("Dequantize" in name for x in convs for name in x.input[:2])
    arrays = {x.name: onnx.numpy_helper.to_array(x) for x in graph.initializer}
    kernels = [x for x in arrays if re.match(r"conv\d\.kernel.*_quantized$", x)]
    assert len(kernels) == 5 and {arrays[x].dtype for x in kernels} == {np.dtype("int8")}
    for kernel in kernels:
        assert arrays[kernel.replace("_quantized", "_scale")].shape == arrays[kernel].shape[:1]
