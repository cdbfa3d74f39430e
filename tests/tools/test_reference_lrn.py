"""The reference's normalization, against paper and pencil and differences."""

import numpy as np
import pytest

import reference_lrn

pytestmark = pytest.mark.backend_free


@pytest.mark.parametrize(
    ("n", "even", "scales"),
    [
        # The squares of (1, 2, 3) are 1, 4, 9; each scale is 1 plus a sum of squares.
        # n = 3: channels {0,1}, {0,1,2}, {1,2}: sums 5, 14, 13.
        (3, "before", [6, 15, 14]),
        (3, "after", [6, 15, 14]),
        # n = 2, one before: {0}, {0,1}, {1,2}: sums 1, 5, 13.
        (2, "before", [2, 6, 14]),
        # n = 2, one after: {0,1}, {1,2}, {2}: sums 5, 13, 9.
        (2, "after", [6, 14, 10]),
        # n = 4, two before, one after: {0,1}, {0,1,2}, {0,1,2}: sums 5, 14, 14.
        (4, "before", [6, 15, 15]),
        # n = 4, one before, two after: {0,1,2}, {0,1,2}, {1,2}: sums 14, 14, 13.
        (4, "after", [15, 15, 14]),
        # n = 5 reaches every channel from each of the three: 14.
        (5, "before", [15, 15, 15]),
    ],
)
def test_lrn_across_by_hand(n, even, scales):
    """Three channels (1, 2, 3) with k, alpha and beta 1."""
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    y = reference_lrn.lrn_across(x, n, k=1.0, alpha=1.0, beta=1.0, even=even)
    np.testing.assert_allclose(y.ravel(), np.array([1, 2, 3]) / scales, rtol=1e-15)


def test_lrn_across_constants_by_hand():
    """k is added once, alpha multiplies the squares, beta is the power: 3 / (7 + 9)^0.75 = 3/8."""
    y = reference_lrn.lrn_across(np.array([3.0]), 1, k=7.0, alpha=1.0, beta=0.75)
    np.testing.assert_allclose(y, 3 / 8, rtol=1e-14)
    # 6 / (7 + 36/4)^0.75 = 6/8
    y = reference_lrn.lrn_across(np.array([6.0]), 1, k=7.0, alpha=0.25, beta=0.75)
    np.testing.assert_allclose(y, 6 / 8, rtol=1e-14)


def test_lrn_across_stays_inside_its_group():
    """Of (1, 2, 3, 4) in two groups, each pair is normalized alone: 1 + 5 and 1 + 25."""
    x = np.array([1.0, 2.0, 3.0, 4.0])
    y = reference_lrn.lrn_across(x, 3, k=1.0, alpha=1.0, beta=1.0, groups=2)
    np.testing.assert_allclose(y, [1 / 6, 2 / 6, 3 / 26, 4 / 26], rtol=1e-15)


@pytest.mark.parametrize("even", ["before", "after"])
@pytest.mark.parametrize("n", [2, 4, 5])
def test_lrn_across_groups_are_separate_maps(n, even):
    """Two groups give what two separate normalizations give."""
    x = np.random.default_rng(1).standard_normal((2, 3, 3, 12))
    constants = {"k": 2.0, "alpha": 0.1, "beta": 0.75, "even": even}
    halves = [reference_lrn.lrn_across(half, n, **constants) for half in np.split(x, 2, axis=-1)]
    y = reference_lrn.lrn_across(x, n, groups=2, **constants)
    np.testing.assert_allclose(y, np.concatenate(halves, axis=-1), rtol=1e-14)


@pytest.mark.parametrize(
    ("n", "even", "scales"),
    [
        # The squares are ((1, 4), (9, 16)); each scale is 1 plus a sum of squares.
        # n = 3 covers all four pixels from each of them: 30.
        (3, "before", [[31, 31], [31, 31]]),
        # n = 2, one before: 1, 1 + 4, 1 + 9, all.
        (2, "before", [[2, 6], [11, 31]]),
        # n = 2, one after: all, 4 + 16, 9 + 16, 16.
        (2, "after", [[31, 21], [26, 17]]),
    ],
)
def test_lrn_within_by_hand(n, even, scales):
    """A map ((1, 2), (3, 4)) with k, alpha and beta 1; zeros in a second map change nothing."""
    pixels = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = np.stack([pixels, np.zeros((2, 2))], axis=-1)[np.newaxis]
    y = reference_lrn.lrn_within(x, n, k=1.0, alpha=1.0, beta=1.0, even=even)
    np.testing.assert_allclose(y[0, :, :, 0], pixels / scales, rtol=1e-15)
    np.testing.assert_array_equal(y[0, :, :, 1], 0.0)


def test_lrn_within_factor_is_fixed_at_the_border():
    """Of 3 x 3 ones, corners see 4 squares, edges 6 and the centre 9, with the same factor."""
    y = reference_lrn.lrn_within(np.ones((1, 3, 3, 1)), 3, k=1.0, alpha=1.0, beta=1.0)
    expected = 1 / np.array([[5, 7, 5], [7, 10, 7], [5, 7, 5]])
    np.testing.assert_allclose(y[0, :, :, 0], expected, rtol=1e-15)


def test_lrn_refuses_an_unknown_even_rule():
    """The rule for even windows is one of two words."""
    with pytest.raises(ValueError, match="even is"):
        reference_lrn.lrn_across(np.ones(3), 2, 1.0, 1.0, 1.0, even="middle")


def _central_differences(function, x, dy, step=1e-5):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = np.sum(dy * (function(up) - function(down))) / (2 * step)
    return gradient


@pytest.mark.parametrize("even", ["before", "after"])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_lrn_across_gradient_agrees_with_differences(n, groups, even):
    """The derived gradient is the slope of the function."""
    rng = np.random.default_rng(2)
    x, dy = rng.standard_normal((2, 2, 2, 8)), rng.standard_normal((2, 2, 2, 8))
    constants = {"k": 1.5, "alpha": 0.3, "beta": 0.75, "groups": groups, "even": even}
    expected = _central_differences(lambda v: reference_lrn.lrn_across(v, n, **constants), x, dy)
    actual = reference_lrn.lrn_across_gradient(x, dy, n, **constants)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("even", ["before", "after"])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_lrn_within_gradient_agrees_with_differences(n, even):
    """The derived gradient is the slope of the function."""
    rng = np.random.default_rng(3)
    x, dy = rng.standard_normal((2, 4, 5, 2)), rng.standard_normal((2, 4, 5, 2))
    constants = {"k": 1.5, "alpha": 0.3, "beta": 0.75, "even": even}
    expected = _central_differences(lambda v: reference_lrn.lrn_within(v, n, **constants), x, dy)
    actual = reference_lrn.lrn_within_gradient(x, dy, n, **constants)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-8)
