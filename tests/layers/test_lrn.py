"""`LocalResponseNormalization`: values and gradients against the reference."""

import numpy as np
import pytest

import reference_lrn
from helpers import gradient, normal
from keras_alexnet import LocalResponseNormalization
from normalization import BETAS, STRONG, assert_close, assert_right

# Every window of interest: odd, even with its additional element on either side, and wider than
# the channels or the map.
every_window = pytest.mark.parametrize(
    ("size", "even_window"),
    [(size, "before") for size in (1, 2, 3, 4, 5, 9)] + [(2, "after"), (4, "after"), (5, "after")],
)


both_formats = pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])


@every_window
def test_across_channels(size, even_window):
    """Value and gradient are the reference's for windows up to wider than the channels."""
    layer = LocalResponseNormalization(size, **STRONG, even_window=even_window)
    assert_right(layer, normal(2, 3, 2, 6))


@pytest.mark.parametrize(
    ("size", "even_window"), [(3, "before"), (4, "before"), (4, "after"), (9, "before")]
)
@pytest.mark.parametrize("groups", [2, 3])
def test_groups(groups, size, even_window):
    """No window leaves its group of channels, however wide it is."""
    layer = LocalResponseNormalization(size, **STRONG, groups=groups, even_window=even_window)
    assert_right(layer, normal(2, 3, 2, 6))


@pytest.mark.medium
@both_formats
@pytest.mark.parametrize("shape", [(3, 6), (2, 3, 6), (2, 3, 2, 6), (2, 1, 3, 2, 6)], ids=len)
@pytest.mark.parametrize(
    "arguments",
    [{"size": 5}, {"size": 4, "groups": 2, "even_window": "after"}],
    ids=str,
)
def test_ranks_and_data_formats(arguments, shape, data_format):
    """Value and gradient are the reference's wherever the channels stand."""
    layer = LocalResponseNormalization(**STRONG, **arguments, data_format=data_format)
    if data_format == "channels_first":
        shape = (shape[0], shape[-1], *shape[1:-1])
    assert_right(layer, normal(*shape))


@every_window
def test_within_channel(size, even_window):
    """Value and gradient are the reference's for windows up to wider than the map."""
    layer = LocalResponseNormalization(
        size, **STRONG, region="within_channel", even_window=even_window
    )
    assert_right(layer, normal(2, 5, 4, 3))


@pytest.mark.parametrize(("size", "even_window"), [(3, "before"), (4, "before"), (4, "after")])
def test_within_channel_channels_first(size, even_window):
    """The window lies in the map, wherever the channels stand."""
    layer = LocalResponseNormalization(
        size,
        **STRONG,
        region="within_channel",
        data_format="channels_first",
        even_window=even_window,
    )
    assert_right(layer, normal(2, 3, 5, 4))


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize(("std", "k", "alpha"), [(30, 2.0, 1e-4), (50, 1.0, 0.1), (0.01, 1.0, 1.0)])
def test_strengths(std, k, alpha, beta):
    """Weak and strong normalization are right for every exponent."""
    layer = LocalResponseNormalization(5, k, alpha, beta)
    assert_right(layer, normal(2, 2, 3, 7, std=std))


@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (13, 1), (9, 3), (5, 5)])
def test_odd_channels(channels, groups):
    """Odd numbers of channels, and groups of an odd number, are normalized right."""
    layer = LocalResponseNormalization(5, 1.0, 0.1, groups=groups)
    assert_right(layer, normal(2, 2, 3, channels, std=40))


@pytest.mark.parametrize("beta", BETAS)
def test_strengths_within_channel(beta):
    """Strong normalization within a channel is right for every exponent."""
    layer = LocalResponseNormalization(3, 1.0, 0.1, beta, region="within_channel")
    assert_right(layer, normal(2, 5, 3, 3, std=40))


def test_the_papers_constants_are_the_defaults():
    """Without arguments the layer has the constants of section 3.3 of the paper."""
    x = normal(1, 2, 2, 9, std=40)
    wanted = reference_lrn.lrn_across(x, n=5, k=2, alpha=1e-4, beta=0.75)
    assert_close(LocalResponseNormalization()(x), wanted)


def test_size_one_uses_the_element_alone():
    """A window of one element divides each activation by its own strength."""
    layer = LocalResponseNormalization(1, k=1.0, alpha=1.0, beta=0.5)
    x = np.array([[-2.0, 0.0, 3.0]], "float32")
    assert_close(layer(x), x / np.sqrt(1 + x**2))


@pytest.mark.parametrize("region", ["across_channels", "within_channel"])
def test_alpha_zero_divides_by_a_constant(region):
    """Without alpha the layer divides by k ** beta and looks at no neighbour."""
    layer = LocalResponseNormalization(3, 16.0, 0, 0.5, region)
    x = normal(1, 3, 3, 5)
    assert_close(layer(x), x / 4)
    assert_close(gradient(layer, x, np.ones_like(x)), np.full_like(x, 0.25))
