"""Max, ceil and adaptive average pooling, against their definitions, Keras and PyTorch."""

import keras
import numpy as np
import pytest

import reference
from helpers import (
    BACKEND,
    compiled,
    directional,
    gradient,
    normal,
    tensor,
    to_numpy,
    traced,
    value_and_gradient,
    with_unknown_sizes,
)
from keras_alexnet.layers import AdaptiveAveragePooling2D, CeilPooling2D, MaxPooling2D
from keras_alexnet.operations import pooling
from keras_alexnet.operations.max_pool import MaxPool


def first_maxima(x, dy, size, strides):
    """Return the gradient of a pooling: each upstream value falls on its window's first maximum."""
    slope = np.zeros_like(x)
    for image, row, column, channel in np.ndindex(*dy.shape):
        top, left = row * strides, column * strides
        window = x[image, top : top + size, left : left + size, channel]
        down, across = np.unravel_index(window.argmax(), window.shape)
        slope[image, top + down, left + across, channel] += dy[image, row, column, channel]
    return slope


@pytest.fixture(params=[True, False], ids=["ours", "the backend's"])
def whose_pooling(request, monkeypatch):
    """Pool with what stands here, and with the backend's own, wherever either is chosen."""
    monkeypatch.setattr(pooling, "slow_max_pool", lambda values: request.param)


@pytest.mark.medium
@pytest.mark.usefixtures("whose_pooling")
@pytest.mark.parametrize("levels", [2, 10_000])
@pytest.mark.parametrize(
    ("size", "strides", "sizes", "data_format"),
    [
        (3, 2, (13, 6), "channels_last"),
        (3, 2, (8, 9), "channels_first"),
        (2, 2, (5, 5), "channels_last"),
        (3, 1, (5, 6), "channels_last"),
        (2, 3, (8, 9), "channels_first"),
        (5, 2, (13, 6), "channels_last"),
        (12, 5, (14, 13), "channels_last"),
    ],
)
def test_max_pooling_by_its_definition(size, strides, sizes, levels, data_format):
    """Values, and the gradient at the first of equal maxima (of which two levels give many)."""
    rng = np.random.default_rng(0)
    x = rng.integers(-levels, levels, (2, *sizes, 3)).astype("float32")
    wanted = reference.max_pool(x, size, strides)
    dy = normal(*wanted.shape, seed=1)
    slope = first_maxima(x, dy, size, strides)
    layer = MaxPooling2D(size, strides, data_format=data_format)
    order, back = ((0, 1, 2, 3),) * 2
    if data_format == "channels_first":
        order, back = (0, 3, 1, 2), (0, 2, 3, 1)
    run = compiled if data_format == "channels_first" else traced
    run = run(lambda x, dy: (layer(x), gradient(layer, x, dy)))
    y, dx = run(tensor(x.transpose(order)), tensor(dy.transpose(order)))
    np.testing.assert_array_equal(to_numpy(y).transpose(back), wanted)
    np.testing.assert_allclose(to_numpy(dx).transpose(back), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_slices_of_every_type(dtype):
    """Both derivatives have the type of x; a maximum that is no number has no place."""
    operation = MaxPool(3, 2, (1, 2))
    x = tensor(normal(2, 7, 8, 3), dtype)
    dy = tensor(normal(2, 3, 3, 3, seed=1), dtype)
    dx = operation.vjp(x, dy)
    y, change = operation.jvp(x, dx)
    types = {keras.backend.standardize_dtype(value.dtype) for value in (dx, y, change)}
    assert types == {dtype}
    slope = first_maxima(to_numpy(x), to_numpy(dy), 3, 2)
    np.testing.assert_allclose(to_numpy(dx), slope, rtol=0, atol=0.05 if "16" in dtype else 1e-6)
    holes = to_numpy(x).copy()
    holes[0, 0, 0] = np.nan
    y, change = operation.jvp(tensor(holes, dtype), tensor(np.ones_like(holes), dtype))
    assert np.isnan(to_numpy(y)[0, 0, 0]).all()
    assert (to_numpy(change)[0, 0, 0] == 0).all()
    assert (to_numpy(change)[1] == 1).all()


if BACKEND != "torch":  # whose own derivative is taken

    @pytest.mark.usefixtures("whose_pooling")
    def test_max_pooling_forwards():
        """Along a direction, a pooling changes by what stands at each maximum."""
        x, dx, layer = normal(2, 7, 8, 3), normal(2, 7, 8, 3, seed=1), MaxPooling2D(3, 2)
        wanted = (
            reference.max_pool(x + 1e-3 * dx, 3, 2) - reference.max_pool(x - 1e-3 * dx, 3, 2)
        ) / 2e-3
        change = to_numpy(directional(layer, tensor(x), tensor(dx)))
        np.testing.assert_allclose(change, wanted, rtol=0, atol=2e-3)


@pytest.mark.parametrize("arguments", [{"padding": "same"}, {"pool_size": (3, 2)}], ids=str)
def test_max_pooling_otherwise_is_keras_own(arguments):
    """Other paddings and windows that are not square give what Keras's layer gives."""
    arguments = {"pool_size": 3, "strides": 2, **arguments}
    x = normal(2, 7, 8, 3)
    wanted = to_numpy(keras.layers.MaxPooling2D(**arguments)(x))
    np.testing.assert_array_equal(to_numpy(MaxPooling2D(**arguments)(x)), wanted)


POOLS = {"max": reference.max_pool, "average": reference.avg_pool}


every_window = pytest.mark.parametrize(
    ("size", "pool_size", "strides"),
    [(6, 3, 2), (7, 3, 2), (8, 3, 3), (9, 3, 3), (7, 2, 2), (5, 3, 1), (2, 3, 2)],
)


every_reduction = pytest.mark.parametrize("reduction", POOLS)


def ceil_pool(x, pool_size, strides, reduction):
    """Return what the reference makes of x, padded at the end up to the last window's."""
    size = x.shape[1]
    count = int(np.ceil((size - pool_size) / strides)) + 1
    after = (count - 1) * strides + pool_size - size
    return POOLS[reduction](x, pool_size, strides, (0, after))


@pytest.mark.usefixtures("whose_pooling")
@every_window
@every_reduction
@pytest.mark.parametrize("shift", [0, -10])
def test_pooling_is_the_references(size, pool_size, strides, reduction, shift):
    """Windows reach over the end, and what lies there counts neither as a zero nor as a place."""
    layer = CeilPooling2D(pool_size, strides, reduction)
    x = normal(2, size, size, 3) + np.float32(shift)
    wanted = ceil_pool(x, pool_size, strides, reduction)
    y = to_numpy(layer(x))
    assert y.shape == wanted.shape
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("whose_pooling")
@every_window
@every_reduction
def test_pooling_has_the_references_gradient(size, pool_size, strides, reduction):
    """<gradient, x> is <upstream, output>: true of maxima and means, whatever the upstream."""
    layer = CeilPooling2D(pool_size, strides, reduction)
    x = normal(2, size, size, 3)
    wanted = ceil_pool(x, pool_size, strides, reduction)
    dy = normal(*wanted.shape, seed=1)
    slope = to_numpy(value_and_gradient(layer, tensor(x), tensor(dy))[1])
    assert (slope * x).sum() == pytest.approx((dy * wanted).sum(), rel=1e-4, abs=1e-4)


@pytest.mark.medium
@every_reduction
@pytest.mark.parametrize("sizes", [(6, 7), (9, 5)])
@pytest.mark.parametrize(("pool_size", "strides"), [(3, 2), (2, 2)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_pooling_of_unknown_sizes(sizes, pool_size, strides, reduction, data_format):
    """A pooling that learns the sizes only when it runs gives the same as one that knows them."""
    layer = CeilPooling2D(pool_size, strides, reduction, data_format)
    last = data_format == "channels_last"
    x = normal(2, *sizes, 3) if last else normal(2, 3, *sizes)
    image = keras.Input((None, None, 3) if last else (3, None, None))
    model = keras.Model(image, layer(image))
    wanted = to_numpy(layer(x))
    np.testing.assert_allclose(to_numpy(model(x)), wanted, rtol=1e-6)
    y = with_unknown_sizes(model, x, channel_axis=-1 if last else 1)
    np.testing.assert_allclose(to_numpy(y), wanted, rtol=1e-6)


@pytest.mark.medium
@pytest.mark.peer("torch")
@every_reduction
@pytest.mark.parametrize("sizes", [(6, 7), (3, 4)])
@pytest.mark.parametrize(("pool_size", "strides"), [(3, 2), (2, 2)])
def test_pooling_is_torchs_ceil_mode(sizes, pool_size, strides, reduction):
    """PyTorch's pooling with `ceil_mode=True` gives the same."""
    import torch

    pool = getattr(torch.nn.functional, {"max": "max_pool2d", "average": "avg_pool2d"}[reduction])
    x = normal(2, *sizes, 3)
    wanted = pool(torch.tensor(x.transpose(0, 3, 1, 2)), pool_size, strides, ceil_mode=True)
    y = to_numpy(CeilPooling2D(pool_size, strides, reduction)(x))
    np.testing.assert_allclose(y, wanted.numpy().transpose(0, 2, 3, 1), rtol=1e-5, atol=1e-6)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match=r"reduction='min'.*'max', 'average'.*Leave it out"):
        CeilPooling2D(reduction="min")


every_adaptive_size = pytest.mark.parametrize(
    ("sizes", "output_size"),
    [((6, 6), 6), ((7, 9), 6), ((13, 5), 6), ((2, 3), 6), ((1, 1), 6), ((12, 18), 6), ((5, 4), 1)],
)


def adaptive_average(x, output_size):
    """Average from floor(i size / output_size) to ceil((i + 1) size / output_size), in loops."""
    images, height, width, channels = x.shape
    y = np.zeros((images, output_size, output_size, channels))
    for i in range(output_size):
        top = int(np.floor(i * height / output_size))
        bottom = int(np.ceil((i + 1) * height / output_size))
        for j in range(output_size):
            left = int(np.floor(j * width / output_size))
            right = int(np.ceil((j + 1) * width / output_size))
            y[:, i, j] = x[:, top:bottom, left:right].astype("float64").mean(axis=(1, 2))
    return y


@every_adaptive_size
def test_adaptive_pooling_by_its_definition(sizes, output_size):
    """Every output is the mean of its range of rows and columns, for smaller and larger images."""
    x = normal(2, *sizes, 3)
    wanted = adaptive_average(x, output_size)
    y = to_numpy(AdaptiveAveragePooling2D(output_size)(x))
    assert y.shape == wanted.shape
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.long
@pytest.mark.peer("torch")
@every_adaptive_size
def test_adaptive_pooling_is_torchs(sizes, output_size):
    """PyTorch's `adaptive_avg_pool2d` gives the same output and gradient."""
    import torch

    x, dy = normal(2, 3, *sizes), normal(2, 3, output_size, output_size, seed=1)
    image = torch.tensor(x, requires_grad=True)
    wanted = torch.nn.functional.adaptive_avg_pool2d(image, output_size)
    slope = torch.autograd.grad(wanted, image, torch.tensor(dy))[0]
    layer = AdaptiveAveragePooling2D(output_size, data_format="channels_first")
    np.testing.assert_allclose(to_numpy(layer(x)), wanted.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(to_numpy(gradient(layer, x, dy)), slope, rtol=1e-5, atol=1e-6)


def test_adaptive_pooling_to_the_same_size_changes_nothing():
    """An image of the output's size comes out as it went in."""
    x = normal(2, 6, 6, 3)
    np.testing.assert_array_equal(to_numpy(AdaptiveAveragePooling2D(6)(x)), x)
