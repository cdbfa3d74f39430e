"""`LocallyConnected2D`: values and gradients against NumPy, weights, and mistakes."""

import keras
import numpy as np
import pytest

import reference
from helpers import gradient, normal, tensor, to_numpy, traced
from keras_alexnet import (
    AlexNet,
    LocallyConnected2D,
    describe,
    fully_convolutional,
    get_variant,
    load_checkpoint,
)


def with_weights(shape, **arguments):
    """Return a layer for images of this shape, its kernel and its bias, both random."""
    layer = LocallyConnected2D(**arguments)
    layer.build((None, *shape))
    weights = [normal(*weight.shape, seed=1 + place) for place, weight in enumerate(layer.weights)]
    layer.set_weights(weights)
    return layer, *weights


# Kernel, steps, and the zeros (before, after) height and width that TensorFlow's rule gives 7 x 6.
WINDOWS = [
    ({"kernel_size": 3}, 1, ((0, 0), (0, 0))),
    ({"kernel_size": 3, "padding": "same"}, 1, ((1, 1), (1, 1))),
    ({"kernel_size": 3, "padding": "same", "strides": 2}, 2, ((1, 1), (0, 1))),
    ({"kernel_size": 4, "padding": "same", "strides": 3}, 3, ((1, 2), (0, 1))),
    ({"kernel_size": 2, "strides": 3}, 3, ((0, 0), (0, 0))),
    ({"kernel_size": 1, "padding": "same", "strides": 2}, 2, ((0, 0), (0, 0))),
]


@pytest.mark.medium
@pytest.mark.parametrize(("arguments", "stride", "zeros"), WINDOWS, ids=str)
def test_values_are_the_loops(arguments, stride, zeros):
    """Each window times the kernel of its place, with its bias, as written out in NumPy."""
    layer, kernel, bias = with_weights((7, 6, 3), filters=4, **arguments)
    x = normal(2, 7, 6, 3)
    padded = np.pad(x, ((0, 0), *zeros, (0, 0)))
    expected = reference.local2d(padded, kernel, bias, stride)
    assert layer.compute_output_shape(x.shape) == expected.shape
    y = to_numpy(traced(layer)(tensor(x)))
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)


@pytest.mark.medium
def test_windows_and_steps_need_not_be_square():
    """Height comes first in sizes and steps, as in Keras; one place is checked by hand."""
    layer, kernel, bias = with_weights((7, 9, 2), filters=3, kernel_size=(2, 4), strides=[3, 2])
    x = normal(2, 7, 9, 2)
    y = to_numpy(layer(x))
    assert y.shape == (2, 2, 3, 3)
    expected = np.tensordot(x[:, 3:5, 2:6], kernel[1, 1], 3) + bias[1, 1]
    np.testing.assert_allclose(y[:, 1, 1], expected, rtol=0, atol=1e-5)


@pytest.mark.long
def test_equal_kernels_are_a_convolution():
    """With the same kernel everywhere the layer and its gradient are those of `Conv2D`."""
    shared = keras.layers.Conv2D(4, 3, strides=2, padding="same")
    x, dy = tensor(normal(2, 7, 6, 3)), tensor(normal(2, 4, 3, 4, seed=5))
    shared.build(x.shape)
    shared.set_weights([normal(3, 3, 3, 4, seed=1), normal(4, seed=2)])
    layer = LocallyConnected2D(4, 3, strides=2, padding="same")
    layer.build(x.shape)
    kernel, bias = shared.get_weights()
    layer.set_weights([np.tile(kernel, (4, 3, 1, 1, 1, 1)), np.tile(bias, (4, 3, 1))])
    np.testing.assert_allclose(to_numpy(layer(x)), to_numpy(shared(x)), rtol=0, atol=1e-5)
    slopes = [to_numpy(gradient(one, x, dy)) for one in (layer, shared)]
    np.testing.assert_allclose(*slopes, rtol=0, atol=1e-5)


@pytest.mark.medium
@pytest.mark.parametrize("part", [0, 1], ids=["kernel", "bias"])
def test_gradient_of_the_weights(part):
    """A step of plain descent moves the weights by NumPy's gradient, place by place."""
    shape = (5, 6, 3)
    layer, kernel, bias = with_weights(shape, filters=4, kernel_size=3, strides=2)
    model = keras.Sequential([keras.Input(shape), layer])
    model.compile(keras.optimizers.SGD(1.0), keras.losses.MeanSquaredError(reduction="sum"))
    x, wanted = normal(3, *shape), normal(3, 2, 2, 4, seed=4)
    model.fit(x, wanted, batch_size=3, verbose=0)
    dy = 2 * (reference.local2d(x, kernel, bias, 2) - wanted) / 4  # a mean over the filters
    expected = np.zeros((kernel, bias)[part].shape)
    for p, q in np.ndindex(2, 2):
        window = x[:, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3]
        slope = np.tensordot(window, dy[:, p, q], (0, 0)) if part == 0 else dy[:, p, q].sum(axis=0)
        expected[p, q] = slope
    moved = (kernel, bias)[part] - layer.get_weights()[part]
    np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-4)


@pytest.mark.medium
def test_without_bias_and_with_activation():
    """`use_bias=False` leaves one weight; the activation comes last."""
    layer = LocallyConnected2D(4, 2, activation="relu", use_bias=False)
    y = to_numpy(layer(normal(2, 3, 3, 2)))
    assert len(layer.weights) == 1
    expected = reference.local2d(normal(2, 3, 3, 2), layer.get_weights()[0], np.zeros((2, 2, 4)))
    np.testing.assert_allclose(y, np.maximum(expected, 0), rtol=0, atol=1e-6)
    assert (y == 0).any()


@pytest.mark.medium
def test_regularizers_count_as_loss():
    """The regularizers are of the whole kernel and of all biases."""
    layer = LocallyConnected2D(
        4, 2, kernel_regularizer="l2", bias_regularizer=keras.regularizers.L1(1)
    )
    layer.build((None, 3, 3, 2))
    kernel = layer.get_weights()[0]
    layer.set_weights([kernel, np.full((2, 2, 4), -0.5, "float32")])
    layer(normal(1, 3, 3, 2))
    assert to_numpy(sum(layer.losses)) == pytest.approx(0.01 * np.sum(kernel**2) + 8, rel=1e-5)


def test_every_place_starts_like_a_convolution():
    """Kernels of different places differ, and have the spread of one of their own size."""
    keras.utils.set_random_seed(0)
    layer = LocallyConnected2D(32, 3)
    layer.build((None, 6, 6, 16))
    kernel = layer.get_weights()[0]
    assert kernel.std() == pytest.approx((2 / (9 * 16 + 9 * 32)) ** 0.5, rel=0.02)  # Glorot's
    assert len(np.unique(kernel.reshape(16, -1)[:, 0])) == 16


@pytest.mark.initial_values
@pytest.mark.parametrize("initializer", [keras.initializers.HeNormal(seed=3), "he_normal"])
def test_initial_values_follow_the_seed(initializer):
    """The same seed, the initializer's or Keras's, gives the same kernels in another layer."""
    kernels = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        layer = LocallyConnected2D(4, 2, kernel_initializer=initializer)
        layer.build((None, 3, 3, 2))
        kernels.append(layer.get_weights()[0])
    np.testing.assert_array_equal(*kernels)
    assert not np.array_equal(kernels[0][0, 0], kernels[0][0, 1])


@pytest.mark.medium
def test_counts_of_the_published_layer():
    """local3 of layers-conv-local-11pct.cfg: 36 places with 3 x 3 x 64 x 64 weights each."""
    layer = AlexNet("cifar10_11pct").get_layer("local3")
    assert layer.count_params() == 36 * (9 * 64 * 64) + 36 * 64 == 1_329_408
    row = next(row for row in describe(AlexNet("cifar10_11pct")).layers if row.name == "local3")
    assert (row.neurons, row.multiply_adds) == (36 * 64, 1_327_104)


@pytest.mark.medium
def test_features_of_any_size_end_before_the_local_layers():
    """Without the top, the networks with local layers take images of any size, like the others."""
    model = AlexNet("cifar10_13pct", include_top=False)
    assert [layer.name for layer in model.layers][-1] == "pool2"
    assert model(normal(1, 40, 33, 3)).shape == (1, 10, 8, 64)
    assert get_variant("cifar10_13pct").classifier[0][0] == "local3"


@pytest.mark.medium
def test_weights_files(tmp_path):
    """A file of the network's own loads, into the features alone too, and into no other size."""
    model = AlexNet("cifar10_11pct")
    path = str(tmp_path / "mine.weights.h5")
    model.save_weights(path)
    again = AlexNet("cifar10_11pct")
    load_checkpoint(again, path, verify="off", verbose=False)
    for mine, its in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    features = AlexNet("cifar10_11pct", include_top=False)
    loaded = load_checkpoint(features, path, verify="off", verbose=False)
    reasons = {reason.rpartition(" ")[2] for reason in loaded.left_out.values()}
    assert reasons == {"locally_connected2d", "locally_connected2d_1", "dense"}
    wide = AlexNet("cifar10_11pct", input_shape=(32, 32, 3))
    with pytest.raises(
        ValueError, match=r"\(6, 6, 3, 3, 64, 64\) where local3's kernel takes \(8, 8"
    ):
        load_checkpoint(wide, path, verify="off", verbose=False)


def test_no_dense_form():
    """Weights for one place have nowhere to slide to, and that is said."""
    with pytest.raises(ValueError, match=r"layer 'local3' has different weights.*'cifar10_19pct'"):
        fully_convolutional(AlexNet("cifar10_13pct"))


WRONG = [
    ({"filters": 0}, r"filters=0.*at least 1.*maps of the output"),
    ({"filters": 2.0}, r"filters=2\.0.*whole number"),
    ({"kernel_size": (3, 3, 3)}, r"kernel_size=\(3, 3, 3\).*whole numbers.*\(3, 5\)"),
    ({"kernel_size": True}, r"kernel_size=True.*whole numbers"),
    ({"strides": (1, 0)}, r"strides=\(1, 0\).*at least 1"),
    ({"padding": "causal"}, r"padding='causal'.*'valid', 'same'.*Leave it out"),
    ({"data_format": "NHWC"}, r"data_format='NHWC'.*'channels_last', 'channels_first'"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=str)
def test_wrong_arguments(arguments, message):
    """What was received, what was expected, what to do."""
    with pytest.raises(ValueError, match=message):
        LocallyConnected2D(**{"filters": 4, "kernel_size": 3, **arguments})


def test_images_of_unknown_size():
    """The weights are for one size of images, which has to be known."""
    with pytest.raises(ValueError, match=r"\(None, None, 3\).*must be known.*keras\.Input"):
        LocallyConnected2D(4, 3)(keras.Input((None, None, 3)))


def test_images_smaller_than_a_window():
    """The message has both sizes."""
    with pytest.raises(ValueError, match=r"\(2, 5, 3\) for windows of 3 x 3.*fit.*padding='same'"):
        LocallyConnected2D(4, 3)(normal(1, 2, 5, 3))


@pytest.mark.parametrize("shape", [(6, 5, 3), (5, 6, 3), (5, 5, 4)])
def test_images_of_another_size(shape):
    """Images of another size or with other channels than the weights' are refused."""
    layer = LocallyConnected2D(4, 3)
    layer(normal(1, 5, 5, 3))
    with pytest.raises(ValueError, match=r"one set for each place, are for \(5, 5, 3\).*Resize"):
        layer(normal(1, *shape))
