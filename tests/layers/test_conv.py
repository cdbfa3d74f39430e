"""`Conv2D`: values and gradients against Keras's layer and the reference."""

import keras
import numpy as np
import pytest

import reference
from helpers import (
    BACKEND,
    gradient,
    normal,
    run_channels_first,
    tensor,
    to_numpy,
    traced,
    value_and_gradient,
)
from keras_alexnet.layers import Conv2D


@pytest.mark.parametrize(("groups", "strides"), [(1, 2), (2, 1), (2, 2), (3, 2)])
def test_conv_is_the_references(groups, strides):
    """Output channel block g sees input channel block g alone, as in the two towers of 2012."""
    layer = Conv2D(12, 3, strides=strides, groups=groups, kernel_initializer="zeros")
    x, kernel, bias = normal(2, 7, 8, 6), normal(3, 3, 6 // groups, 12, seed=1), normal(12, seed=2)
    layer.build(x.shape)
    layer.set_weights([kernel, bias])
    y = traced(layer)(tensor(x))
    wanted = reference.conv2d(x, kernel, bias, strides, groups=groups)
    np.testing.assert_allclose(to_numpy(y), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def test_a_bias_for_each_channel_of_maps_with_as_many_columns():
    """Keras adds it to the columns there, with the channels first on TensorFlow (3.15)."""
    layer = Conv2D(6, 3, data_format="channels_first", kernel_initializer="zeros")
    x, kernel, bias = normal(2, 4, 7, 8), normal(3, 3, 4, 6, seed=1), normal(6, seed=2)
    layer.build(x.shape)
    layer.set_weights([kernel, bias])
    wanted = reference.conv2d(x.transpose(0, 2, 3, 1), kernel, bias, 1).transpose(0, 3, 1, 2)
    assert wanted.shape == (2, 6, 5, 6)
    np.testing.assert_allclose(run_channels_first(layer, x), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("margin", [((1, 2), (0, 3)), ((2, 2), (1, 1))], ids=str)
def test_a_margin_is_zeros_around_the_images(margin, padding, data_format):
    x, kernel = normal(2, 5, 6, 4), normal(3, 3, 2, 6, seed=1)
    padded = np.pad(x, ((0, 0), *margin, (0, 0)))
    if data_format == "channels_first":
        x, padded = (images.transpose(0, 3, 1, 2) for images in (x, padded))
    layer = Conv2D(6, 3, 2, padding, data_format, groups=2, kernel_initializer="zeros")
    layer.build(x.shape)
    layer.set_weights([kernel, normal(6, seed=2)])
    y, wanted = (
        run_channels_first(function, images)
        for function, images in ((lambda x: layer(x, margin=margin), x), (layer, padded))
    )
    np.testing.assert_allclose(y, wanted, rtol=0, atol=1e-5)


@pytest.mark.medium
@pytest.mark.parametrize(
    "arguments",
    [
        {"padding": "same", "strides": 2},
        {"strides": (2, 1), "kernel_size": (3, 2)},
        {"dilation_rate": 2},
        {"groups": 4, "padding": "same", "use_bias": False, "activation": "relu"},
        {"groups": 1, "kernel_size": 5, "padding": "same"},
        {"groups": 1, "kernel_size": 4, "strides": 3, "padding": "same"},
        {"groups": 1, "kernel_size": 4, "strides": 3, "padding": "valid"},
    ],
    ids=str,
)
def test_conv_is_keras_own(arguments):
    """Layout of the weights, values and gradients are those of Keras's convolution."""
    arguments = {"filters": 8, "kernel_size": 3, "groups": 2, **arguments}
    arguments["kernel_initializer"] = "zeros"
    ours, theirs = Conv2D(**arguments), keras.layers.Conv2D(**arguments)
    x = normal(2, 7, 6, 4)
    ours.build(x.shape)
    theirs.build(x.shape)
    weights = [normal(*weight.shape, seed=2) for weight in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    assert ours.get_config().keys() == theirs.get_config().keys()
    assert ours.count_params() == theirs.count_params()
    x, dy = tensor(x), tensor(normal(*ours.compute_output_shape(x.shape), seed=1))
    one, other = (value_and_gradient(layer, x, dy) for layer in (ours, theirs))
    np.testing.assert_allclose(to_numpy(one[0]), to_numpy(other[0]), rtol=0, atol=1e-5)
    np.testing.assert_allclose(to_numpy(one[1]), to_numpy(other[1]), rtol=0, atol=1e-5)


def kernel_gradient(layer, x, kernel, dy):
    """Return the gradient of a convolution for its kernel, given the one for its output."""
    x = tensor(x)
    run = traced(lambda k, dy: gradient(lambda k: layer.convolution_op(x, k), k, dy))
    return to_numpy(run(tensor(kernel), tensor(dy)))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("kernel_size", "strides"), [(3, 1), (5, 1), (4, 2), (3, 4), (1, 2)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_conv_has_keras_own_gradient_of_the_kernel(groups, kernel_size, strides, padding):
    """The kernel learns as that of Keras's convolution does."""
    arguments = {"filters": 8, "kernel_size": kernel_size, "groups": groups, "padding": padding}
    arguments["strides"] = strides
    shape = Conv2D(**arguments).compute_output_shape((2, 9, 6, 4))
    kernel = normal(kernel_size, kernel_size, 4 // groups, 8, seed=1)
    given = normal(2, 9, 6, 4), kernel, normal(*shape, seed=2)
    ours = kernel_gradient(Conv2D(**arguments), *given)
    theirs = kernel_gradient(keras.layers.Conv2D(**arguments), *given)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


def test_a_convolution_of_ones_own_is_called():
    """A subclass with a `convolution_op` of its own is computed by it, with bias and activation."""

    class Standardized(Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel - keras.ops.mean(kernel))

    layer = Standardized(4, 3, activation="relu")
    x, kernel, bias = normal(2, 5, 5, 2), normal(3, 3, 2, 4, seed=1) + 1, normal(4, seed=2)
    layer.build(x.shape)
    layer.set_weights([kernel, bias])
    wanted = np.maximum(reference.conv2d(x, kernel - kernel.mean(), bias, 1), 0)
    np.testing.assert_allclose(to_numpy(layer(x)), wanted, rtol=0, atol=1e-5)


def test_conv_refuses_channels_that_do_not_fall_into_groups():
    """Keras's own message answers channels that are no multiple of the groups."""
    with pytest.raises(ValueError, match="evenly divisible by the number of groups"):
        Conv2D(4, 3, groups=2)(np.zeros((1, 5, 5, 3), "float32"))


if BACKEND == "jax":  # where the gradient is a rule of this package's own

    @pytest.mark.parametrize("strides", [1, 2])
    def test_conv_forwards_and_image_by_image(strides):
        """The kernel's rule works forwards, and for the gradient of each image on its own."""
        import jax

        layer = Conv2D(4, 3, strides, padding="same", use_bias=False)
        x, dkernel = normal(3, 6, 7, 3), normal(3, 3, 3, 4, seed=1)
        layer.build(x.shape)

        def convolve(kernel, x):
            return layer.convolution_op(x, kernel)

        kernel = layer.kernel.value
        change = jax.jvp(lambda kernel: convolve(kernel, x), (kernel,), (dkernel,))[1]
        np.testing.assert_allclose(change, convolve(dkernel, x), rtol=0, atol=1e-5)

        def loss(kernel, image):
            return (convolve(kernel, image[None]) ** 2).sum()

        slopes = jax.vmap(jax.grad(loss), (None, 0))(kernel, x)
        for slope, image in zip(slopes, x, strict=True):
            np.testing.assert_allclose(slope, jax.grad(loss)(kernel, image), rtol=0, atol=1e-3)
