"""The backend's own grouped convolution, against the plain one and the reference."""

import numpy as np
import pytest

import reference
from helpers import normal, tensor
from keras_alexnet.operations.convolution import grouped_conv
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
