"""ONNX files in int8: smaller, nearly the same values, silent; ONNX Runtime runs them."""

import logging
import os

import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import AlexNet
from keras_alexnet.export import onnx_files
from keras_alexnet.export.graphs import graph_of
from keras_alexnet.export.quantization import quantize_onnx
from keras_alexnet.export.settings import Settings

pytestmark = [pytest.mark.one_backend, pytest.mark.peer("onnx", "onnxruntime"), pytest.mark.medium]


@pytest.fixture(scope="module")
def model():
    return AlexNet("cifar10_18pct", initialization="robust", classifier_activation=None)


def images(count, seed):
    return np.random.default_rng(seed).normal(0, 1, (count, 32, 32, 3)).astype("float32")


@pytest.mark.parametrize("given", ["bytes", "path"])
def test_int8(model, given, tmp_path, caplog, capfd):
    """A quarter of the weights' bytes, the best class of nearly all images, and no word."""
    import onnx

    source, path = str(tmp_path / "float32.onnx"), str(tmp_path / "int8.onnx")
    content = onnx_files.onnx_bytes(graph_of(model), {"variant": "cifar10_18pct"}, Settings())
    with open(source, "wb") as file:
        file.write(content)
    handlers = [*logging.root.handlers]
    quantize_onnx(source if given == "path" else content, path, images(40, seed=1))
    assert (logging.root.handlers, caplog.text, capfd.readouterr().out) == (handlers, "", "")
    assert os.path.getsize(path) < 0.35 * os.path.getsize(source)
    expected = to_numpy(model(images(40, seed=2)))
    (found,) = onnx_files.load(path)(images(40, seed=2))
    assert 1e-4 < np.abs(found - expected).max() / np.abs(expected).max() < 0.1
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.9
    written = onnx.load(path)
    assert ("variant", "cifar10_18pct") in [(row.key, row.value) for row in written.metadata_props]
    scales = {tuple(row.dims) for row in written.graph.initializer if row.name.endswith("_scale")}
    assert {(32,), (64,), (10,)} <= scales  # one for each filter and for each class
