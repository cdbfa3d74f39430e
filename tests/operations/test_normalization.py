"""The backend's own operations of normalization, against the plain ones and slow sums."""

import numpy as np
import pytest

from helpers import compiled, gradient, normal, tensor, to_numpy, traced
from keras_alexnet.operations.derivatives import differentiable
from keras_alexnet.operations.normalization import Response, window_sum, window_sum_of_change
from normalization import assert_close


def slow_window_sum(x, axis, before, after):
    """Sum neighbours one by one."""
    x = np.moveaxis(x, axis, 0)
    total = np.stack([x[max(0, i - before) : i + after + 1].sum(axis=0) for i in range(len(x))])
    return np.moveaxis(total, 0, axis)


@pytest.mark.parametrize(
    "function",
    [window_sum, window_sum.plain, window_sum_of_change],
    ids=["fast", "plain", "of a change"],
)
@pytest.mark.parametrize(
    ("axis", "before", "after"), [(1, 0, 0), (1, 2, 1), (2, 1, 1), (3, 0, 3), (3, 2, 1), (2, 9, 9)]
)
def test_window_sum(function, axis, before, after):
    """The backend's own sum and the plain one are the sum of the neighbours, as is the gradient."""
    x, dy = tensor(normal(2, 4, 3, 5)), tensor(normal(2, 4, 3, 5, seed=1))

    @compiled
    def value_and_gradient(x, dy):
        def summed(x):
            return function(x, axis, before, after)

        return summed(x), gradient(summed, x, dy)

    y, dx = value_and_gradient(x, dy)
    assert_close(y, slow_window_sum(to_numpy(x), axis, before, after))
    assert_close(dx, slow_window_sum(to_numpy(dy), axis, after, before))


@pytest.mark.medium
@pytest.mark.parametrize(
    ("windows", "groups", "beta"),
    [
        (((3, 2, 2),), 1, 0.5),
        (((3, 2, 2),), 1, 1),
        (((3, 1, 2),), 2, 0.75),
        (((1, 1, 1), (2, 1, 1)), 1, 0.75),
        (((1, 0, 1),), 1, 0.6),
    ],
)
def test_own_derivative(windows, groups, beta):
    """The backend's own derivative is the one found by differentiating the plain formula."""
    operation = Response(1.0, 0.1, beta, windows, groups, channel_axis=3)
    fast, slow = differentiable(operation), differentiable.plain(operation)
    x, dy = normal(2, 4, 3, 6, std=3), normal(2, 4, 3, 6, seed=1)
    y, wanted_y = fast(tensor(x)), traced(slow)(tensor(x))
    assert_close(y, to_numpy(wanted_y), 1e-6)
    wanted = traced(lambda x: gradient(slow, x, dy))(tensor(x))
    assert_close(gradient(fast, x, dy), to_numpy(wanted), 2e-6)
