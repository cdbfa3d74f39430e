"""The reference's convolutions, pools and dense layers, against paper and pencil."""

import numpy as np
import pytest

import reference

pytestmark = pytest.mark.backend_free

# 1 2 3
# 4 5 6
# 7 8 9
NINE = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)


#  1  2  3  4
#  5  6  7  8
#  9 10 11 12
# 13 14 15 16
SIXTEEN = np.arange(1.0, 17.0).reshape(1, 4, 4, 1)


@pytest.mark.parametrize(
    ("stride", "pad", "expected"),
    [
        # 1*1 + 2*2 + 4*3 + 5*4 = 37, 2*1 + 3*2 + 5*3 + 6*4 = 47,
        # 4*1 + 5*2 + 7*3 + 8*4 = 67, 5*1 + 6*2 + 8*3 + 9*4 = 77
        (1, (0, 0), [[37, 47], [67, 77]]),
        # Zeros at the bottom and right: 37, 3*1 + 6*3 = 21, 7*1 + 8*2 = 23, 9*1 = 9
        (2, (0, 1), [[37, 21], [23, 9]]),
        # Zeros at the top and left: 1*4 = 4, 2*3 + 3*4 = 18, 4*2 + 7*4 = 36, 77
        (2, (1, 0), [[4, 18], [36, 77]]),
    ],
)
def test_conv2d_by_hand(stride, pad, expected):
    """A 2 x 2 kernel over 3 x 3 pixels, without a flip of the kernel."""
    kernel = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    y = reference.conv2d(NINE, kernel, np.array([0.5]), stride, pad)
    np.testing.assert_array_equal(y[0, :, :, 0], np.array(expected) + 0.5)


def test_conv2d_groups_by_hand():
    """The first half of the filters sees the first half of the channels alone."""
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    kernel = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 1, 4)
    y = reference.conv2d(x, kernel, np.zeros(4), groups=2)
    np.testing.assert_array_equal(y.ravel(), [1, 2, 30, 40])


@pytest.mark.parametrize(
    ("stride", "pad", "groups"), [(1, (1, 1), 1), (2, (0, 3), 2), (3, (2, 1), 4)]
)
def test_conv2d_agrees_with_loops(stride, pad, groups):
    """The matrix product equals the sum over taps and channels, written out."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 8, 7, 8))
    kernel = rng.standard_normal((3, 3, 8 // groups, 12))
    bias = rng.standard_normal(12)
    y = reference.conv2d(x, kernel, bias, stride, pad, groups)
    padded = np.pad(x, ((0, 0), pad, pad, (0, 0)))
    expected = np.zeros_like(y)
    for image, p, q, f in np.ndindex(y.shape):
        first = f // (12 // groups) * (8 // groups)
        window = padded[image, stride * p :, stride * q :, first:]
        window = window[:3, :3, : 8 // groups]
        expected[image, p, q, f] = bias[f] + np.sum(window * kernel[..., f])
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)


def test_local2d_by_hand():
    """Every place has a kernel and a bias of its own."""
    kernel = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1, 1, 1)
    kernel = np.broadcast_to(kernel, (2, 2, 2, 2, 1, 1))
    bias = np.array([[0.1, 0.2], [0.3, 0.4]]).reshape(2, 2, 1)
    y = reference.local2d(NINE, kernel, bias)
    # 1 + 2 + 4 + 5 = 12, 2 + 3 + 5 + 6 = 16, 4 + 5 + 7 + 8 = 24, 5 + 6 + 8 + 9 = 28
    np.testing.assert_allclose(y[0, :, :, 0], [[12.1, 160.2], [2400.3, 28000.4]], rtol=1e-15)
    # Zeros after the image, steps of 2: 12, 3 + 6 = 9, 7 + 8 = 15, 9
    y = reference.local2d(NINE, kernel, bias, 2, (0, 1))
    np.testing.assert_allclose(y[0, :, :, 0], [[12.1, 90.2], [1500.3, 9000.4]], rtol=1e-15)


@pytest.mark.parametrize(("stride", "pad"), [(1, (1, 1)), (2, (0, 1)), (3, (2, 1))])
def test_local2d_with_equal_kernels_is_a_convolution(stride, pad):
    """Where all places have the same kernel and bias, the layer is the shared one."""
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((2, 8, 7, 3)), rng.standard_normal((3, 3, 3, 4))
    bias = rng.standard_normal(4)
    expected = reference.conv2d(x, kernel, bias, stride, pad)
    places = expected.shape[1:3]
    kernels, biases = np.tile(kernel, (*places, 1, 1, 1, 1)), np.tile(bias, (*places, 1))
    y = reference.local2d(x, kernels, biases, stride, pad)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)


def test_max_pool_rounding_up_by_hand():
    """The windows at the edge keep the pixels that exist."""
    y = reference.max_pool(SIXTEEN, 3, 2, (0, 1))
    np.testing.assert_array_equal(y[0, :, :, 0], [[11, 12], [15, 16]])


def test_max_pool_padding_never_wins():
    """Padding is below every pixel, so that it cannot replace a negative maximum."""
    y = reference.max_pool(-SIXTEEN, 3, 2, (0, 1))
    np.testing.assert_array_equal(y[0, :, :, 0], [[-1, -3], [-9, -11]])


def test_avg_pool_divides_by_the_pixels_inside():
    """Windows of 9, 6, 6 and 4 pixels inside the image each have a mean of their own."""
    # (1+2+3+5+6+7+9+10+11)/9 = 54/9, (3+4+7+8+11+12)/6 = 45/6, (9+10+11+13+14+15)/6 = 72/6,
    # (11+12+15+16)/4 = 54/4
    y = reference.avg_pool(SIXTEEN, 3, 2, (0, 1))
    np.testing.assert_array_equal(y[0, :, :, 0], [[6, 7.5], [12, 13.5]])


def test_pools_rounding_down_drop_the_rest():
    """Without padding, the fourth row and column are not read."""
    assert reference.max_pool(SIXTEEN, 3, 2).ravel().tolist() == [11]
    assert reference.avg_pool(SIXTEEN, 3, 2).ravel().tolist() == [6]


def test_dense_by_hand():
    """(1, 2) times ((1, 3), (2, 4)) plus (10, 20) is (15, 31)."""
    y = reference.dense([[1.0, 2.0]], [[1.0, 3.0], [2.0, 4.0]], np.array([10.0, 20.0]))
    np.testing.assert_array_equal(y, [[15, 31]])


@pytest.mark.parametrize("shift", [0.0, 1000.0, -1000.0])
def test_softmax_by_hand(shift):
    """exp(log 1, log 2, log 5) divided by 8, whatever is added to all three."""
    y = reference.softmax(np.log([[1.0, 2.0, 5.0]]) + shift)
    np.testing.assert_allclose(y, [[0.125, 0.25, 0.625]], rtol=1e-12)
