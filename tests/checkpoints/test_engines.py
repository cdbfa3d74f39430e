"""Files of whole networks: other engines run them, and ours gives the same at every layer."""

import keras
import numpy as np
import pytest

from caffe_files import caffemodel
from engine_networks import BVLC, OWT, TORCH_NAMES, ZOO_NAMES, drawn, onnx_model, prototxt
from helpers import to_numpy
from keras_alexnet import AlexNet

pytestmark = pytest.mark.filterwarnings("ignore:(?s).*look untrained:UserWarning")


def drawn_image(size):
    """Return one image, channels first, in the range that Caffe's networks take."""
    return np.random.default_rng(1).uniform(-120, 130, (1, 3, size, size)).astype("f4")


def assert_ours_equals(model, image, theirs):
    """Compare the outputs of every layer; theirs are channels first."""
    names = [layer.name for layer in model.layers if layer.name in theirs]
    assert sorted(names) == sorted(theirs)
    features = keras.Model(model.input, [model.get_layer(name).output for name in names])
    for name, ours in zip(names, features(image.transpose(0, 2, 3, 1)), strict=True):
        expected = theirs[name]
        expected = expected.transpose(0, 2, 3, 1) if expected.ndim == 4 else expected
        assert expected.std() > 1e-5, f"{name} is flat: it tells nothing"
        limit = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(to_numpy(ours), expected, rtol=0, atol=limit, err_msg=name)


@pytest.mark.long
@pytest.mark.peer("cv2")
def test_opencv_runs_caffes_network(tmp_path):
    """OpenCV's own importer of Caffe's files, and its own layers, with groups and normalization."""
    import cv2

    arrays = {
        f"{name}/{number}": array
        for name, parts in drawn(BVLC, seed=2).items()
        for number, array in enumerate(parts)
    }
    weights, text = tmp_path / "bvlc.caffemodel", tmp_path / "deploy.prototxt"
    weights.write_bytes(caffemodel(arrays, "V1"))
    text.write_text(prototxt(BVLC, 227))
    network = cv2.dnn.readNetFromCaffe(str(text), str(weights))
    network.enableFusion(False)  # what is fused has no output of its own
    image = drawn_image(227)
    network.setInput(image)
    theirs = dict(zip(BVLC, network.forward(list(BVLC)), strict=True))
    assert_ours_equals(AlexNet("bvlc", weights=str(weights)), image, theirs)


@pytest.mark.long
@pytest.mark.peer("onnxruntime")
@pytest.mark.parametrize(
    ("variant", "rows", "size", "names"),
    [("bvlc", BVLC, 227, ZOO_NAMES), ("owt", OWT, 224, TORCH_NAMES)],
    ids=["bvlc", "owt"],
)
def test_onnx_runtime_runs_the_network(variant, rows, size, names, tmp_path):
    """Caffe's network as in ONNX's model zoo, and torchvision's as PyTorch exports it."""
    import onnxruntime

    path = str(tmp_path / "net.onnx")
    with open(path, "wb") as file:
        file.write(onnx_model(rows, size, drawn(rows, seed=3), names))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    image = drawn_image(size)
    theirs = dict(zip(rows, session.run(list(rows), {"data_0": image}), strict=True))
    assert_ours_equals(AlexNet(variant, weights=path), image, theirs)
