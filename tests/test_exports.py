"""Plain `model.export` of Keras: the files compute what the model computes, and nothing stays."""

import keras
import numpy as np
import pytest

from helpers import BACKEND, to_numpy
from keras_alexnet import AlexNet, LocalResponseNormalization
from keras_alexnet.backends import exporting
from keras_alexnet.layers import AdaptiveAveragePooling2D, CeilPooling2D, Conv2D, MaxPooling2D
from keras_alexnet.preprocessing.pixels import PixelNormalization

LAST = {"data_format": "channels_last"}


def own_network():
    """Return a user's model of the package's layers, on maps so large that pools are sliced."""
    return keras.Sequential(
        [
            keras.Input((96, 96, 3)),
            PixelNormalization((120.0, 110.0, 100.0), 50.0, order="bgr", **LAST),
            Conv2D(16, 3, padding="same", **LAST),
            LocalResponseNormalization(5, alpha=0.5, groups=2, **LAST),
            MaxPooling2D(3, 2, **LAST),
            LocalResponseNormalization(3, alpha=0.5, region="within_channel", **LAST),
            CeilPooling2D(3, 2, "average", **LAST),
            CeilPooling2D(3, 2, **LAST),
            LocalResponseNormalization(4, beta=0.6, **LAST),
            AdaptiveAveragePooling2D(4, **LAST),
        ]
    )


def images(model, seed):
    size = model.input_shape[1]
    return np.random.default_rng(seed).uniform(0, 255, (2, size, size, 3)).astype("float32")


NETWORKS = {
    "own": own_network,
    "cifar10_18pct": lambda: AlexNet("cifar10_18pct", initialization="robust", **LAST),
}

ALLOWED = {
    "tensorflow": [],
    # Keras passes it (backend/jax/export.py).
    "jax": ["The `native_serialization` parameter is deprecated"],
    "torch": [
        "`torch.jit.trace.*` is deprecated",  # Keras makes its ONNX and OpenVINO files with it
        "Converting a tensor to a Python boolean",  # by Keras's convolution, of sizes
    ],
}


def allowed(test):
    """Let pass what Keras itself is warned of."""
    for text in ALLOWED[BACKEND]:
        test = pytest.mark.filterwarnings(f"ignore:{text}")(test)
    return test


def exported(model, folder):
    """Export a model as the backend can without other programs; return a function of images."""
    if BACKEND == "torch":  # what its ONNX and OpenVINO files are made of
        import torch

        other = torch.from_numpy(images(model, 5))
        traced = torch.jit.trace(model, other, check_trace=False)
        return lambda x: to_numpy(traced(torch.from_numpy(x)))
    import tensorflow as tf

    model.export(folder, format="tf_saved_model", verbose=False)
    loaded = tf.saved_model.load(folder)
    if BACKEND == "tensorflow":
        assert not compiled_functions(loaded.signatures["serve"])
    return lambda x: loaded.serve(x).numpy()


def compiled_functions(concrete):
    """Return the names of the functions that XLA must compile, which only TensorFlow can run."""
    functions = concrete.graph.as_graph_def().library.function
    return [function.signature.name for function in functions if "_XlaMustCompile" in function.attr]


@pytest.mark.medium
@allowed
@pytest.mark.parametrize("name", NETWORKS)
def test_the_file_computes_what_the_model_computes(name, tmp_path):
    """On other images than those that were traced."""
    model = NETWORKS[name]()
    x = images(model, 0)
    expected = to_numpy(model(x))
    found = exported(model, str(tmp_path / "model"))(x)
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max(), rtol=0)
    again = to_numpy(model(x))
    np.testing.assert_array_equal(again, expected)


def calls(depth):
    """Return whether an exporter is at work, as seen from some functions further down."""
    return calls(depth - 1) if depth else exporting.is_exporting()


@pytest.mark.backend_free
@pytest.mark.parametrize("module", ["keras.src.export.onnx", "tf2onnx.convert", "tensorflow.lite"])
def test_an_exporter_is_known_by_its_module(module):
    """However far up it stands, and after it has failed as well."""
    space = {"__name__": module, "calls": calls}
    exec("def export(depth):\n    return calls(depth)", space)
    assert space["export"](0) and space["export"](50)
    assert not calls(0) and not calls(50)
    with pytest.raises(TypeError):
        space["export"]("failed")
    assert not calls(3)
