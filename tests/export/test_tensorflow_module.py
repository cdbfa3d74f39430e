"""A graph by TensorFlow's plain operations, against the Keras model that it is of."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers import run_channels_first, tensor, to_numpy
from keras_alexnet import AlexNet, layers, list_variants
from keras_alexnet.export.graphs import graph_of
from keras_alexnet.export.grey_levels import clear_of_ties
from keras_alexnet.export.operators import CenterCrop, Graph, LocalConv, Lrn, Node, Pool, Value
from keras_alexnet.export.tensorflow_module import GraphModule
from keras_alexnet.layers import LocalResponseNormalization
from keras_alexnet.preprocessing import PixelNormalization, SquareResize

pytestmark = pytest.mark.one_backend

STRONG = {"k": 1.0, "alpha": 0.1}  # what a window sums up to halves the value


def noise(count, shape, std=2.0):
    return np.random.default_rng(count).normal(0, std, (count, *shape)).astype("float32")


def outputs(module, x):
    """Return what a module computes in a graph that knows nothing of the batch, in order."""
    function = module.concrete()
    return [value.numpy() for value in function(tf.constant(x)).values()]


def assert_same(found, expected, tolerance=1e-5):
    expected = to_numpy(expected)
    assert np.std(expected) > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.medium
@pytest.mark.parametrize("variant", list_variants())
def test_variants(variant):
    """The maps of every network on images of a small size, or its logits where they are cheap."""
    options = {"initialization": "robust", "classifier_activation": None}
    if not variant.startswith("cifar10"):
        options |= {"include_top": False, "input_shape": (79, 79, 3)}
    model = AlexNet(variant, **options)
    x = noise(2, model.input_shape[1:], std=50)
    (found,) = outputs(GraphModule(graph_of(model)), x)
    assert_same(found, model(tensor(x)))


SAME = {"padding": "same"}
LAYERS = {
    "groups, dilated": keras.layers.Conv2D(8, 3, groups=4, dilation_rate=2, **SAME),
    "strides, same": keras.layers.Conv2D(8, (5, 3), strides=2, activation="relu", **SAME),
    "odd sides": layers.Conv2D(8, (2, 3), strides=(3, 1), groups=2, activation="tanh"),
    "local": layers.LocallyConnected2D(3, 3, strides=2, activation="sigmoid", **SAME),
    "even window before": LocalResponseNormalization(4, **STRONG, even_window="before"),
    "even window after": LocalResponseNormalization(4, **STRONG, beta=0.6, even_window="after"),
    "groups": LocalResponseNormalization(3, **STRONG, groups=2),
    "groups, even": LocalResponseNormalization(2, **STRONG, beta=1.0, groups=2),
    "within": LocalResponseNormalization(3, **STRONG, region="within_channel"),
    "within, even": LocalResponseNormalization(4, **STRONG, beta=0.5, region="within_channel"),
    "max": layers.MaxPooling2D(3, 2),
    "max, same": keras.layers.MaxPooling2D(3, 2, **SAME),
    "max, wide": keras.layers.MaxPooling2D((2, 5), (1, 3), **SAME),
    "mean": keras.layers.AveragePooling2D(3, 2),
    "ceil": layers.CeilPooling2D(3, 2),
    "ceil, other than same": layers.CeilPooling2D(4, 3),
    "ceil mean": layers.CeilPooling2D(4, 3, "average"),
    "adaptive": layers.AdaptiveAveragePooling2D(4),
    "global": keras.layers.GlobalMaxPooling2D(),
    "global, kept": keras.layers.GlobalAveragePooling2D(keepdims=True),
    "padded": keras.layers.ZeroPadding2D(((1, 2), (0, 3))),
    "softmax": keras.layers.Softmax(),
    "dropout": layers.DownscaledDropout(0.4),
    "batch": keras.layers.BatchNormalization(),
    "pixels": PixelNormalization((1.0, 2.0, 3.0), std=2.0, order="bgr"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    """Each layer, with what the networks do not ask of it."""
    channels = 3 if name == "pixels" else 8
    model = keras.Sequential([keras.Input((14, 13, channels)), LAYERS[name]])
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in model.get_weights()])
    x = noise(3, (14, 13, channels))
    (found,) = outputs(GraphModule(graph_of(model)), x)
    assert_same(found, model(tensor(x)))


@pytest.mark.parametrize(
    "layer",
    [
        layers.CeilPooling2D(3, 2),
        layers.CeilPooling2D(3, 2, "average"),
        keras.layers.Conv2D(4, 3, **SAME),
        LocalResponseNormalization(3, **STRONG, groups=2),
        LocalResponseNormalization(3, **STRONG, region="within_channel"),
    ],
)
def test_maps_of_any_size(layer):
    """Rows and columns may be unknown, as those of networks for images of all sizes."""
    model = keras.Sequential([keras.Input((None, None, 8)), layer])
    function = GraphModule(graph_of(model)).concrete()
    for sizes in ((14, 13), (9, 9)):
        x = noise(2, (*sizes, 8))
        (found,) = function(tf.constant(x)).values()
        assert_same(found, model(tensor(x)))


def test_chain():
    """The normalization in plain operations alone is the same."""
    model = keras.Sequential(
        [keras.Input((5, 6, 8)), LocalResponseNormalization(3, **STRONG, groups=2)]
    )
    x = noise(2, (5, 6, 8))
    module = GraphModule(graph_of(model), chain=True)
    assert "LRN" not in {node.type for node in module.concrete().graph.get_operations()}
    (found,) = outputs(module, x)
    assert_same(found, model(tensor(x)))


def test_channels_first():
    """Images and maps keep the order of the model; rows come in the order that Keras gives them."""
    image = keras.Input((3, 15, 14))
    settings = {"data_format": "channels_first"}
    maps = layers.Conv2D(4, 3, padding="same", **settings)(image)
    maps = LocalResponseNormalization(3, **STRONG, **settings)(maps)
    maps = layers.CeilPooling2D(3, 2, **settings)(maps)
    rows = keras.layers.Dense(5)(keras.layers.Flatten(**settings)(maps))
    model = keras.Model(image, [maps, rows])
    x = noise(2, (3, 15, 14))
    module = GraphModule(graph_of(model))
    expected = [run_channels_first(keras.Model(image, output), x) for output in (maps, rows)]
    found = [module(tf.constant(x))[value.name] for value in graph_of(model).outputs]
    assert [*found[0].shape] == [2, 4, 7, 7]
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5 * np.abs(theirs).max())


def photo(rows, columns, count=1):
    """Return photos of noise, smoothed in part as real ones are."""
    random = np.random.default_rng(rows)
    images = random.integers(0, 256, (count, rows, columns, 3))
    images[:, : rows // 2] = np.arange(columns)[:, None] % 256
    return images.astype("uint8")


SIZES = [(75, 100), (100, 75), (20, 31), (9, 100), (24, 24), (48, 54), (58, 48), (240, 331)]


@pytest.mark.parametrize("method", ["shorter_side", "warp"])
def test_photos_of_any_size(method):
    """Wide, high, small, of the right size: the grey levels of SquareResize.

    Halfway between two levels either is right, as the order of a float32 sum has it.
    """
    layer = SquareResize(24, method, data_format="channels_last")
    image = keras.Input((None, None, 3), dtype="uint8")
    function = GraphModule(graph_of(keras.Model(image, layer(image)))).concrete()
    for sizes in SIZES:
        images = np.stack([clear_of_ties(image, 24, method) for image in photo(*sizes, count=2)])
        (found,) = function(tf.constant(images)).values()
        assert found.dtype == tf.uint8
        np.testing.assert_array_equal(found.numpy(), to_numpy(layer(images)))
    images = photo(24, 24)
    np.testing.assert_array_equal(*function(tf.constant(images)).values(), images)


def by_hand(operator, x, shape):
    """Return what one operator makes of an array, in a graph of its own."""
    node = Node("it", operator, "x", Value("it", (None, *shape)))
    value = Value("x", (None, *x.shape[1:]), x.dtype.name)
    graph = Graph("hand", value, (node,), (node.output,), "channels_last")
    (found,) = outputs(GraphModule(graph), x)
    return found


def test_against_numpy():
    """Operators that no layer has the whole of: literally, in NumPy."""
    x = noise(2, (6, 7, 4))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    largest = [
        [padded[:, i : i + 3, j : j + 3].max((1, 2)) for j in (0, 2, 4, 6)] for i in (0, 2, 4)
    ]
    expected = np.moveaxis(np.array(largest), 2, 0)
    pool = Pool((3, 3), (2, 2), ((1, 1), (1, 1)))
    np.testing.assert_array_equal(by_hand(pool, x, (3, 4, 4)), expected)
    kernel = noise(3, (2, 2, 3, 4, 5))  # 3 rows, 2 columns of places
    bias = noise(3, (2, 5))
    crop = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 0)))
    expected = np.array(
        [
            [
                np.einsum(
                    "brci,rcio->bo", crop[:, 2 * i : 2 * i + 2, 3 * j : 3 * j + 3], kernel[i, j]
                )
                for j in range(2)
            ]
            for i in range(3)
        ]
    )
    expected = np.moveaxis(expected, 2, 0) + bias
    local = LocalConv(kernel, bias, (2, 3), ((0, 0), (0, 1)))
    assert_same(by_hand(local, x, (3, 2, 5)), expected)
    expected = x / (1 + 0.1 * (x**2 + np.pad(x**2, ((0, 0),) * 3 + ((0, 1),))[..., 1:])) ** 0.3
    assert_same(by_hand(Lrn(0, 1, 1.0, 0.1, 0.3), x, (6, 7, 4)), expected)


def test_a_crop_of_a_smaller_image_fails():
    """TensorFlow says which sizes there are; nothing is made up."""
    with pytest.raises(tf.errors.InvalidArgumentError):
        by_hand(CenterCrop(8, 8), noise(1, (6, 7, 3)), (8, 8, 3))
