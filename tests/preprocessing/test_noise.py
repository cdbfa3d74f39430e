"""`PCAColorNoise`: its distribution, what it leaves, and figures of one's own images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from coordinates import coordinate_images
from helpers import to_numpy
from keras_alexnet import PCAColorNoise

# The figures of cuda-convnet2's make-data/input_meta and of fb.resnet.torch, copied from there a
# second time: an axis, then the deviation along it.
SOURCE = [
    ((0.4179551317, -0.8169806184, 0.3973111842), 19.7208330491),
    ((-0.7125794529, -0.0235416713, 0.7011963442), 37.093888533),
    ((-0.5635104535, -0.5761843966, -0.5920029644), 121.7800609929),
]
LIGHTING = [
    ((-0.5675, -0.5808, -0.5836), 55.4625),
    ((0.7192, -0.0045, -0.6948), 4.794),
    ((0.4009, -0.8140, 0.4203), 1.1475),
]


def covariance(figures, strength):
    """Return the covariance of noise along axes, each with its deviation times the strength."""
    return sum((strength * deviation) ** 2 * np.outer(axis, axis) for axis, deviation in figures)


def noise(images, **arguments):
    """Return noisy images as an array."""
    return applied(PCAColorNoise(data_format="channels_last", seed=4, **arguments), images)


def applied(layer, images, training=True):
    """Return what a layer makes of images as an array."""
    return to_numpy(layer(images, training=training))


@pytest.mark.parametrize(
    ("arguments", "figures", "strength"),
    [
        ({}, SOURCE, 0.1 / 1.1),
        ({"std": 0.3}, SOURCE, 0.3 / 1.3),
        ({"dialect": "lighting"}, LIGHTING, 0.1),
        ({"value_range": 1}, SOURCE, 0.1 / 1.1 / 255),
        ({"axes": np.eye(3), "deviations": (1, 2, 3)}, [*zip(np.eye(3), (1, 2, 3))], 0.1 / 1.1),  # noqa: B905
    ],
    ids=["source2012", "stronger", "lighting", "value_range", "own"],
)
def test_noise_has_the_stated_covariance(arguments, figures, strength):
    """Over 40,000 images, in the coordinates of the axes: variances and correlations.

    The bounds are six standard errors, sqrt(2 / n) of a variance and sqrt(1 / n) of a mean or a
    correlation: crossed once in some ten million seeds.
    """
    count = 40_000
    drawn = noise(np.zeros((count, 1, 1, 3), "float32"), **arguments)[:, 0, 0].astype("float64")
    expected = covariance(figures, strength)
    deviations, axes = np.linalg.eigh(expected)
    white = drawn @ axes / np.sqrt(deviations)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=6 / np.sqrt(count))
    difference = np.cov(white.T) - np.eye(3)
    assert np.abs(np.diag(difference)).max() < 6 * np.sqrt(2 / count)
    assert np.abs(difference - np.diag(np.diag(difference))).max() < 6 / np.sqrt(count)
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.05 * expected.max())
    kurtosis = (white**4).mean()  # 3 for a normal distribution; its standard error: sqrt(96 / n)
    assert kurtosis == pytest.approx(3, abs=6 * np.sqrt(96 / count / 3))


@pytest.mark.parametrize(("dialect", "divisor"), [("source2012", 1.1), ("lighting", 1)])
def test_one_draw_for_each_image(dialect, divisor):
    """y * divisor - x is one colour per image, another for each, and the images are divided."""
    images = np.random.default_rng(0).uniform(-120, 135, (16, 6, 5, 3)).astype("float32")
    colours = noise(images, dialect=dialect) * divisor - images
    assert np.ptp(colours, axis=(1, 2)).max() < 1e-4
    assert len(np.unique(colours[:, 0, 0].round(3), axis=0)) == 16


def test_noise_on_whole_numbers():
    """uint8 images become floats; the values are those of the same images as floats."""
    images = coordinate_images(5, 8, 8)
    out = noise(images)
    assert out.dtype == np.float32
    # Compiled in other ways, sums may be rounded in the last place in other ways.
    np.testing.assert_allclose(out, noise(images.astype("float32")), rtol=0, atol=3e-5)


@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_float16", 0.1), ("mixed_bfloat16", 1)])
def test_noise_under_mixed_precision(policy, tolerance):
    """The output has the compute dtype, and the noise is the same but for its rounding."""
    images = coordinate_images(5, 8, 8)
    layer = PCAColorNoise(seed=4, data_format="channels_last", dtype=policy)
    out = layer(images, training=True)
    assert keras.backend.standardize_dtype(out.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(to_numpy(out), noise(images), atol=tolerance)


def test_noise_channels_first():
    """The same seed gives the same noise with the channels first."""
    images = coordinate_images(5, 8, 9)
    layer = PCAColorNoise(seed=4, data_format="channels_first")
    out = applied(layer, images.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(out.transpose(0, 2, 3, 1), noise(images))


def test_single_image_noise():
    """A single image is noised as a batch of one."""
    image = coordinate_images(1, 8, 9)
    np.testing.assert_array_equal(noise(image[0]), noise(image)[0])


@pytest.mark.parametrize(("std", "training"), [(0, True), (0.1, False), (0, False)])
def test_no_noise(std, training):
    """With std=0 and at inference the values are left alone: no division either."""
    images = coordinate_images(5, 8, 8)
    layer = PCAColorNoise(std, seed=4, data_format="channels_last")
    np.testing.assert_array_equal(applied(layer, images, training), images.astype("float32"))


def test_gray_images_have_no_colour_noise():
    """One channel is refused, in words, also where channels are taken for rows."""
    with pytest.raises(ValueError, match=r"(?s)with 1 channels.*three channels of .*gray images"):
        noise(np.zeros((2, 8, 8, 1)))
    with pytest.raises(ValueError, match=r"(?s)with 8 channels.*data format 'channels_last'"):
        noise(np.zeros((2, 3, 8, 8)))


class TestAdapt:
    """Axes and deviations of one's own images."""

    known = (
        np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))[0],
        np.array([2.0, 10.0, 40.0]),
    )
    pixels = np.random.default_rng(8).normal(size=(60, 40, 50, 3)) * known[1] @ known[0].T
    images = (pixels + np.array([100, 110, 120])).astype("float32")

    def check(self, layer, tolerance=0.03):
        """Compare a layer's axes, up to their sign, and deviations with the known ones."""
        axes, deviations = self.known
        np.testing.assert_allclose(layer.deviations, deviations, rtol=tolerance)
        np.testing.assert_allclose(np.abs(np.sum(layer.axes * axes, axis=0)), 1, atol=1e-3)

    def test_array(self):
        """Known axes and deviations are found; the covariance is NumPy's own to 1e-6."""
        layer = PCAColorNoise(data_format="channels_last")
        layer.adapt(self.images)
        self.check(layer)
        found = layer.axes @ np.diag(layer.deviations**2) @ layer.axes.T
        expected = np.cov(self.images.reshape(-1, 3).astype("float64").T, bias=True)
        np.testing.assert_allclose(found, expected, atol=1e-6 * expected.max())

    def test_however_the_images_come(self):
        """Batches, (images, labels) of `tf.data`, the other data format, 0 to 1: the same."""
        first = PCAColorNoise(data_format="channels_first")
        first.adapt(self.images.transpose(0, 3, 1, 2))
        batches = PCAColorNoise(data_format="channels_last")
        batches.adapt([self.images[:7], self.images[7:]])
        labelled = PCAColorNoise(data_format="channels_last")
        dataset = tf.data.Dataset.from_tensor_slices((self.images, np.zeros(60))).batch(13)
        labelled.adapt(dataset)
        unit = PCAColorNoise(value_range=1, data_format="channels_last")
        unit.adapt(self.images / 255)
        for layer in (first, batches, labelled, unit):
            self.check(layer)

    def test_noise_and_config_follow(self):
        """The layer draws along the new axes, and so does one made from its config."""
        layer = PCAColorNoise(seed=4, data_format="channels_last")
        layer.adapt(self.images)
        again = PCAColorNoise.from_config(layer.get_config())
        drawn = applied(layer, np.zeros((5000, 1, 1, 3), "float32"))
        np.testing.assert_array_equal(applied(again, np.zeros((5000, 1, 1, 3), "float32")), drawn)
        along = drawn[:, 0, 0] @ self.known[0] * 1.1 / 0.1
        np.testing.assert_allclose(along.std(axis=0), self.known[1], rtol=0.1)

    def test_one_colour(self):
        """Images of one colour have no deviations, and the layer adds none."""
        layer = PCAColorNoise(data_format="channels_last")
        layer.adapt(np.full((2, 4, 4, 3), 7, "uint8"))
        np.testing.assert_allclose(layer.deviations, 0, atol=1e-5)

    @pytest.mark.parametrize("nothing", [[], np.zeros((0, 8, 8, 3)), np.zeros((1, 1, 1, 3))])
    def test_nothing_to_adapt_to(self, nothing):
        """No images are said to be none."""
        layer = PCAColorNoise(data_format="channels_last")
        with pytest.raises(ValueError, match=r"no images to adapt to.*at least one .*used up"):
            layer.adapt(nothing)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PCAColorNoise(-0.1), r"std=-0\.1\..*of at least 0.*std=0\.1 as the paper"),
        (lambda: PCAColorNoise(float("nan")), r"std=nan\..*finite number.*the paper has"),
        (lambda: PCAColorNoise(value_range=0), r"value_range=0\..*above 0.*255 or 1"),
        (lambda: PCAColorNoise(dialect="fb"), r"dialect='fb'\..*'source2012', 'lighting'.*weaker"),
        (lambda: PCAColorNoise(axes=[1, 2, 3]), r"axes of shape \(3,\).*\(3, 3\).*adapt"),
        (lambda: PCAColorNoise(deviations=[1, 2]), r"deviations of shape \(2,\).*\(3,\).*adapt"),
        (lambda: PCAColorNoise(deviations=[1, 2, np.inf]), r"dev.*must hold finite numbers.*adapt"),
    ],
)
def test_wrong_arguments(make, message):
    """What was received, what was expected, what to do."""
    with pytest.raises(ValueError, match=rf"(?s)Received {message}"):
        make()
