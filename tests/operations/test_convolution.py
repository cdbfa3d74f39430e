"""The backend's own grouped convolution, against the plain one and the reference."""

import numpy as np
import pytest

import reference
from helpers import BACKEND, double_precision, gradient, normal, tensor, to_numpy
from keras_alexnet.operations.convolution import biased_conv, grouped_conv
from keras_alexnet.operations.pooling import ceil_average_pool, ceil_max_pool, max_pool
from normalization import assert_close


@pytest.mark.parametrize("function", [grouped_conv, grouped_conv.plain], ids=["fast", "plain"])
@pytest.mark.parametrize(("groups", "strides"), [(1, 1), (2, 2), (3, 1)])
def test_grouped_conv(function, groups, strides):
    """The backend's own grouped convolution and the plain one are the reference's."""
    x, kernel = normal(2, 7, 7, 6), normal(3, 3, 6 // groups, 12, seed=1)
    y = function(
        tensor(x),
        tensor(kernel),
        groups,
        strides=strides,
        padding="valid",
        data_format="channels_last",
        dilation_rate=1,
    )
    assert_close(y, reference.conv2d(x, kernel, np.zeros(12), strides, groups=groups))


SQUARE = [1, 2]  # for others TensorFlow has no gradients on a CPU


@pytest.mark.medium
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("sizes", [(8, 7), (21, 20)], ids=str)  # small maps and large ones
@pytest.mark.parametrize(
    "strides", SQUARE if BACKEND == "tensorflow" else [*SQUARE, [2, 3], [2, 1]], ids=str
)
def test_grouped_conv_has_the_plain_gradients(strides, sizes, padding):
    """The gradients for maps and kernel are the plain version's, with strides and without."""
    x, kernel = tensor(normal(2, *sizes, 4)), tensor(normal(3, 3, 2, 6, seed=1))
    options = {"strides": strides, "padding": padding, "data_format": "channels_last"}

    def gradients(function):
        def convolve(x, kernel):
            return function(x, kernel, 2, dilation_rate=1, **options)

        dy = tensor(normal(*convolve(x, kernel).shape, seed=2))
        return (
            gradient(lambda x: convolve(x, kernel), x, dy),
            gradient(lambda kernel: convolve(x, kernel), kernel, dy),
        )

    for ours, plain in zip(gradients(grouped_conv), gradients(grouped_conv.plain), strict=True):
        np.testing.assert_allclose(to_numpy(ours), to_numpy(plain), rtol=0, atol=1e-4)


FORMATS = ["channels_last"] if BACKEND == "tensorflow" else ["channels_last", "channels_first"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize("data_format", FORMATS)  # TensorFlow has the other on a GPU alone
@pytest.mark.parametrize("sizes", [(7, 8), (6, 5)], ids=str)
@pytest.mark.parametrize(
    ("padding", "strides", "dilation_rate"),
    [("same", 1, 1), ("same", [2, 3], 1), ("valid", [2, 1], 1), ("same", 1, (2, 1))],
)
def test_a_bias_with_the_convolution(padding, strides, dilation_rate, sizes, data_format, dtype):
    """Convolution and bias at once are the plain convolution and the sum."""
    x, kernel, bias = normal(2, *sizes, 4), normal(3, 4, 2, 6, seed=1), normal(6, seed=2)
    x = x if data_format == "channels_last" else x.transpose(0, 3, 1, 2)
    options = {"padding": padding, "strides": strides, "dilation_rate": dilation_rate}
    options["data_format"] = data_format
    with double_precision():
        given = [tensor(value, dtype) for value in (x, kernel, bias)]
        y, wanted = (run(*given, 2, **options) for run in (biased_conv, biased_conv.plain))
    assert y.dtype == wanted.dtype
    y, wanted = (to_numpy(value).astype("float64") for value in (y, wanted))
    tolerance = {"float32": 1e-5, "bfloat16": 0.02, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(y, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


if BACKEND == "torch":  # where maps keep the order of their memory

    @pytest.mark.parametrize("data_format", FORMATS)
    def test_maps_keep_the_order_of_their_memory(data_format):
        """What a convolution or a pooling returns lies in memory as its shape says: no copy."""
        x, kernel = tensor(normal(2, 8, 8, 8)), tensor(normal(3, 3, 8, 8, seed=1))
        options = {"strides": 1, "padding": "same", "dilation_rate": 1}
        y = biased_conv(x, kernel, None, 1, data_format=data_format, **options)
        for pool in (max_pool, ceil_max_pool, ceil_average_pool):
            assert pool(y, 3, 2, data_format).is_contiguous()
        assert y.is_contiguous()
