"""`LocalResponseNormalization` from the numbers of TensorFlow, PyTorch, Caffe and ONNX."""

import numpy as np
import pytest

from helpers import gradient, normal, to_numpy
from keras_alexnet import LocalResponseNormalization
from normalization import assert_close


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"depth_radius": 2, "bias": 2.0, "alpha": 1e-4, "beta": 0.75},
        {"depth_radius": 0, "bias": 1.0, "alpha": 0.5, "beta": 1.0},
        {"depth_radius": 9, "bias": 0.5, "alpha": 0.01, "beta": 0.6},
    ],
    ids=str,
)
def test_from_tensorflow(arguments):
    """The layer computes `tf.nn.local_response_normalization` of the same arguments."""
    import tensorflow as tf

    layer = LocalResponseNormalization.from_tensorflow(**arguments)
    x = normal(2, 2, 3, 7, std=5)
    with tf.GradientTape() as tape:
        image = tf.constant(x)
        tape.watch(image)
        wanted = tf.nn.local_response_normalization(image, **arguments)
    assert_close(layer(x), wanted.numpy())
    # TensorFlow's own gradient is a few units of float32 off where powers of sums cancel.
    slope = tape.gradient(wanted, image, output_gradients=tf.constant(x)).numpy()
    assert_close(gradient(layer, x, x), slope, 5e-5)


@pytest.mark.peer("torch")
@pytest.mark.parametrize(
    ("size", "arguments"),
    [(5, {}), (4, {"alpha": 0.1, "beta": 0.6})]
    + [(size, {"alpha": 0.5, "k": 2.0}) for size in (1, 2, 3, 4, 6, 9)],
    ids=str,
)
def test_from_torch(size, arguments):
    """The layer computes PyTorch's normalization and gradient, for even windows as well."""
    import torch

    layer = LocalResponseNormalization.from_torch(size, **arguments, data_format="channels_first")
    x = normal(2, 7, 2, 3, std=5)
    image = torch.tensor(x, requires_grad=True)
    wanted = torch.nn.functional.local_response_norm(image, size, **arguments)
    slope = torch.autograd.grad(wanted, image, torch.tensor(x))[0]
    assert_close(layer(x), wanted.detach().numpy())
    assert_close(gradient(layer, x, x), slope.numpy())


@pytest.mark.peer("onnx")
@pytest.mark.parametrize("size", [1, 3, 5, 9])
@pytest.mark.parametrize("arguments", [{}, {"alpha": 0.5, "beta": 0.6, "bias": 2.0}], ids=str)
def test_from_onnx_odd(size, arguments):
    """The layer computes what ONNX's reference evaluator makes of the operator `LRN`."""
    import onnx.reference

    # As many images as channels: the evaluator has taken the one number for the other.
    x = normal(5, 5, 2, 3, std=5)
    node = onnx.helper.make_node("LRN", ["x"], ["y"], size=size, **arguments)
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, x.shape) for name in "xy"
    ]
    graph = onnx.helper.make_graph([node], "lrn", ends[:1], ends[1:])
    evaluator = onnx.reference.ReferenceEvaluator(onnx.helper.make_model(graph))
    layer = LocalResponseNormalization.from_onnx(size, **arguments, data_format="channels_first")
    assert_close(layer(x), evaluator.run(None, {"x": x})[0])


def onnx_lrn(x, size, alpha, beta, bias):
    """Transcribe the operator's definition: floor((size - 1) / 2) before, ceil after."""
    channels = x.shape[1]
    y = np.zeros(x.shape)
    for c in range(channels):
        first = max(0, c - int(np.floor((size - 1) / 2)))
        last = min(channels - 1, c + int(np.ceil((size - 1) / 2)))
        square_sum = sum(x[:, i].astype("float64") ** 2 for i in range(first, last + 1))
        y[:, c] = x[:, c] / (bias + alpha / size * square_sum) ** beta
    return y


@pytest.mark.parametrize("size", [2, 3, 4, 6, 8])
def test_from_onnx_by_its_definition(size):
    """The layer computes what the definition of `LRN` says, for even windows as well."""
    layer = LocalResponseNormalization.from_onnx(size, 0.5, 0.6, 2.0, data_format="channels_first")
    x = normal(2, 7, 2, 3, std=5)
    assert_close(layer(x), onnx_lrn(x, size, alpha=0.5, beta=0.6, bias=2.0))


def test_from_caffe_across_channels():
    """Across channels Caffe divides alpha by the size, and k counts."""
    layer = LocalResponseNormalization.from_caffe(local_size=3, alpha=3.0, beta=0.5, k=4.0)
    x = np.array([[1.0, 2.0, 2.0, 0.0]], "float32")  # sums of squares: 5, 9, 8, 4
    assert_close(layer(x), x / np.sqrt([[9, 13, 12, 8]]))


def test_from_caffe_within_channel():
    """Within a channel Caffe divides alpha by the area of the window, and takes 1 for k."""
    layer = LocalResponseNormalization.from_caffe(
        local_size=3, alpha=9.0, beta=1.0, k=5.0, norm_region="WITHIN_CHANNEL"
    )
    x = np.full((1, 3, 3, 1), 2.0, "float32")  # sums of squares: 16, 24 and 36
    wanted = 2 / np.array([[17, 25, 17], [25, 37, 25], [17, 25, 17]])
    assert_close(layer(x), wanted.reshape(1, 3, 3, 1))


@pytest.mark.parametrize(
    ("name", "arguments", "defaults"),
    [
        ("tensorflow", (), (11, 1.0, 1.0, 0.5)),
        ("torch", (5,), (5, 1.0, 2e-5, 0.75)),
        ("caffe", (), (5, 1.0, 0.2, 0.75)),
        ("onnx", (5,), (5, 1.0, 2e-5, 0.75)),
    ],
)
def test_defaults_are_the_frameworks(name, arguments, defaults):
    """Left out, an argument has the framework's own default."""
    layer = getattr(LocalResponseNormalization, f"from_{name}")(*arguments)
    assert (layer.size, layer.k, layer.alpha, layer.beta) == pytest.approx(defaults)


@pytest.mark.parametrize("name", ["tensorflow", "torch", "caffe", "onnx"])
def test_constructors_pass_the_rest_on(name):
    """The constructors take the layer's other arguments too."""
    make = getattr(LocalResponseNormalization, f"from_{name}")
    layer = make(3, groups=2, data_format="channels_first", name="norm2", dtype="float16")
    assert (layer.groups, layer.data_format, layer.name) == (2, "channels_first", "norm2")
    assert layer.compute_dtype == "float16"


@pytest.mark.parametrize("radius", [0, 1, 2, 5])
def test_tensorflows_numbers_as_torchs(radius):
    """TF(r, bias, a, beta) is PyTorch(2 r + 1, a (2 r + 1), beta, k=bias)."""
    size = 2 * radius + 1
    one = LocalResponseNormalization.from_tensorflow(radius, bias=2.0, alpha=0.01, beta=0.6)
    other = LocalResponseNormalization.from_torch(size, alpha=0.01 * size, beta=0.6, k=2.0)
    x = normal(2, 2, 3, 9, std=30)
    assert_close(one(x), to_numpy(other(x)), 1e-6)
