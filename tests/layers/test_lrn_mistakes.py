"""Wrong arguments and inputs of `LocalResponseNormalization`."""

import keras
import numpy as np
import pytest

from keras_alexnet import LocalResponseNormalization
from keras_alexnet.errors import UserError

BAD_ARGUMENTS = [
    ({"size": 0}, r"size=0\..*whole number of at least 1.*The paper has 5"),
    ({"size": -3}, r"size=-3\..*at least 1"),
    ({"size": 5.0}, r"size=5\.0.*whole number"),
    ({"size": True}, r"size=True.*whole number"),
    ({"size": "5"}, r"size='5'.*whole number"),
    ({"size": None}, r"size=None.*whole number"),
    ({"k": 0}, r"k=0\..*must be positive.*divided by zero.*The paper has 2"),
    ({"k": -1.0}, r"k=-1\.0.*must be positive"),
    ({"k": float("nan")}, r"k=nan.*must be positive"),
    ({"alpha": -1e-4}, r"alpha=-0\.0001.*must not be negative.*The paper has 1e-4"),
    ({"alpha": float("nan")}, r"alpha=nan.*must not be negative"),
    ({"beta": 0}, r"beta=0\..*must be positive.*The paper has 0\.75"),
    ({"beta": -0.75}, r"beta=-0\.75.*must be positive"),
    ({"region": "across"}, r"region='across'.*'across_channels', 'within_channel'.*Choose"),
    ({"region": "ACROSS_CHANNELS"}, r"region='ACROSS_CHANNELS'.*must be one of"),
    ({"groups": 0}, r"groups=0\..*whole number of at least 1.*One is usual"),
    ({"groups": 1.5}, r"groups=1\.5.*whole number"),
    ({"even_window": "left"}, r"even_window='left'.*'before', 'after'.*PyTorch.*ONNX"),
    ({"data_format": "NHWC"}, r"data_format='NHWC'.*'channels_last'.*'channels_first'.*Leave it"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_ARGUMENTS, ids=lambda value: str(value))
def test_bad_arguments(arguments, message):
    """A bad argument is answered with its value, the rule and a way out."""
    with pytest.raises(UserError, match=message):
        LocalResponseNormalization(**arguments)


BAD_INPUTS = [
    ({}, (7,), r"shape \(7,\), rank 1.*rank 2 to 5.*Reshape"),
    ({}, (1, 1, 1, 1, 1, 7), r"rank 6.*rank 2 to 5.*Reshape"),
    ({"region": "within_channel"}, (2, 3, 7), r"rank 3.*must have rank 4.*Reshape"),
    ({"region": "within_channel"}, (2, 3, 3, 3, 7), r"rank 5.*must have rank 4.*Reshape"),
    ({"groups": 2}, (2, 4, 4, 7), r"7 channels for groups=2.*multiple of `groups`.*data_format"),
    (
        {"groups": 2, "data_format": "channels_first"},
        (2, 7, 4, 4),
        r"7 channels for groups=2 and data_format='channels_first'.*multiple",
    ),
]


@pytest.mark.parametrize(("arguments", "shape", "message"), BAD_INPUTS)
def test_bad_inputs(arguments, shape, message):
    """Input that does not fit is answered with its shape, the rule and a way out."""
    with pytest.raises(UserError, match=message):
        LocalResponseNormalization(**arguments)(np.zeros(shape, "float32"))


def test_unknown_channels():
    """Input whose channels are unknown is refused when the model is made."""
    with pytest.raises(UserError, match=r"None channels.*must be known.*model's input"):
        LocalResponseNormalization()(keras.Input((4, 4, None)))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("tensorflow", {"depth_radius": -1}, r"depth_radius=-1.*at least 0"),
        ("tensorflow", {"bias": 0}, r"k=0.*must be positive"),
        ("torch", {"size": 0}, r"size=0.*at least 1"),
        ("torch", {"size": 3, "beta": -1}, r"beta=-1.*must be positive"),
        ("onnx", {"size": 0}, r"size=0.*at least 1"),
        ("onnx", {"size": 3, "alpha": -1}, r"alpha=.*must not be negative"),
        ("caffe", {"local_size": 4}, r"local_size=4.*odd windows only.*for an even one"),
        ("caffe", {"local_size": -1}, r"size=-1.*at least 1"),
        ("caffe", {"norm_region": "ACROSS"}, r"'ACROSS'.*ACROSS_CHANNELS.*prototxt"),
    ],
)
def test_bad_numbers_of_other_frameworks(name, arguments, message):
    """The constructors answer bad numbers as the layer itself does."""
    with pytest.raises(UserError, match=message):
        getattr(LocalResponseNormalization, f"from_{name}")(**arguments)
