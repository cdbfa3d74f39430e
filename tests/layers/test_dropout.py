"""`Dropout` and `DownscaledDropout`: shares, means, gradients and seeds."""

import numpy as np
import pytest

from helpers import BACKEND, double_precision, gradient, normal, tensor, to_numpy
from keras_alexnet.layers import DownscaledDropout, Dropout, MaxPooling2D


@pytest.mark.medium
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_dropout_keeps_its_share_and_the_mean(rate):
    """While training a share of 1 - rate is kept and divided by it, anew at each step."""
    layer, x = Dropout(rate, seed=1), np.ones((200, 500), "float32")
    first, second = (to_numpy(layer(x, training=True)) for _ in range(2))
    kept = first != 0
    assert kept.mean() == pytest.approx(1 - rate, abs=0.006)  # 4 standard deviations at most
    np.testing.assert_allclose(first[kept], 1 / (1 - rate) if rate < 1 else 0, rtol=1e-6)
    assert (first != second).any() == (0 < rate < 1)
    np.testing.assert_array_equal(to_numpy(layer(x, training=False)), x)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_dropout_scales_at_inference(rate):
    """At inference every activation is multiplied by the share that training keeps."""
    x = normal(50, 40)
    y = to_numpy(DownscaledDropout(rate)(x, training=False))
    np.testing.assert_array_equal(y, np.float32(1 - rate) * x)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_dropout_keeps_or_drops_in_training(rate):
    """In training an activation stays as it is or becomes 0, with the chances of `rate`."""
    x = 1 + np.abs(normal(200, 100))
    y = to_numpy(DownscaledDropout(rate, seed=1)(x, training=True))
    kept = y != 0
    # Inverted dropout divides by 1 - rate and this layer multiplies: two roundings.
    np.testing.assert_allclose(y[kept], x[kept], rtol=2**-22)
    deviation = np.sqrt(rate * (1 - rate) / x.size)
    assert abs(kept.mean() - (1 - rate)) <= 5 * deviation
    # Rows and columns are dropped element by element, not together.
    assert abs(kept.mean(axis=0) - (1 - rate)).max() <= 5 * deviation * np.sqrt(100)
    assert abs(kept.mean(axis=1) - (1 - rate)).max() <= 5 * deviation * np.sqrt(200)


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_dropout_expects_the_same_in_training_and_at_inference(rate):
    """The mean over many draws of training is the output at inference."""
    layer = DownscaledDropout(rate, seed=1)
    x = np.array([[-2.0, 0.5, 1.0, 3.0]], "float32")
    draws = to_numpy(layer(np.repeat(x, 20000, axis=0), training=True))
    wanted = to_numpy(layer(x, training=False))[0]
    deviation = np.abs(x[0]) * np.sqrt(rate * (1 - rate) / 20000)
    assert np.all(np.abs(draws.mean(axis=0) - wanted) <= 5 * deviation)


@pytest.mark.medium
def test_dropout_passes_gradients_where_it_keeps():
    """The gradient is 1 where an activation was kept and 0 where it was dropped."""
    x = 1 + np.abs(normal(20, 10))
    layer, twin = DownscaledDropout(0.5, seed=1), DownscaledDropout(0.5, seed=1)
    kept = to_numpy(layer(x, training=True)) != 0
    slope = gradient(lambda x: twin(x, training=True), x, np.ones_like(x))
    np.testing.assert_allclose(to_numpy(slope), kept, rtol=2**-22)


def test_dropout_draws_anew_and_repeats_with_its_seed():
    """Two calls differ; two layers with the same seed draw the same, one after the other."""
    x = np.ones((10, 10), "float32")
    one, other = DownscaledDropout(0.5, seed=7), DownscaledDropout(0.5, seed=7)
    first, second = (to_numpy(one(x, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(to_numpy(other(x, training=True)), first)
    np.testing.assert_array_equal(to_numpy(other(x, training=True)), second)


def test_dropout_noise_shape():
    """With `noise_shape` what is dropped is dropped together, as in Keras's own dropout."""
    x = np.ones((50, 8), "float32")
    y = to_numpy(DownscaledDropout(0.5, noise_shape=(None, 1), seed=1)(x, training=True))
    np.testing.assert_array_equal(y, np.repeat(y[:, :1], 8, axis=1))
    assert set(np.unique(y)) == {0, 1}


EXTREMES = [0.0, -0.0, 1e-45, -1.2e-38, 1 / 3, 3.4e38, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dropout_changes_nothing_at_inference(dtype):
    """At inference every number stays, the smallest and infinite ones too, and slopes are 1."""
    with double_precision(), np.errstate(over="ignore"):
        layer, x = Dropout(0.5, dtype=dtype), tensor(np.array(EXTREMES, "float32"), dtype)
        y, slope = layer(x, training=False), gradient(layer, x, x)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(to_numpy(y), to_numpy(x))
    np.testing.assert_array_equal(to_numpy(slope), to_numpy(x))


if BACKEND == "jax":

    def dropped(x):
        """Return features or maps of which half are dropped."""
        return Dropout(0.5)(x, training=True)

    @pytest.mark.parametrize(
        ("layer", "shape"),
        [
            (Dropout(0.5), (8, 16)),
            (Dropout(0.5), (8, 2, 2, 4)),
            (dropped, (8, 16)),
            (MaxPooling2D(3, 2, data_format="channels_last"), (8, 5, 5, 4)),
        ],
        ids=["inference", "maps", "training", "pooling"],
    )
    def test_a_dense_layer_takes_features_before_images(layer, shape):
        """XLA leaves the product to Eigen, and makes no slow program of all dense layers."""
        import jax

        step = jax.jit(lambda x, kernel: layer(x).reshape(len(x), -1) @ kernel)
        program = step.lower(normal(*shape), normal(16, 8)).compile().as_text()
        assert "lhs_contracting_dims={0}" in program
        assert "ynn" not in program
