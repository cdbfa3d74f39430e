"""`preprocess_input` and its layer: range, mean and order of the channels."""

import re

import keras
import numpy as np
import pytest

from helpers import tensor, to_numpy
from keras_alexnet import preprocess_input
from keras_alexnet.preprocessing import PixelNormalization
from published_pixels import photos, published


class TestPreprocessInput:
    """The function of keras.applications' kind."""

    def test_argument_is_left_alone(self):
        """Neither integers nor floats are changed in place."""
        for images in (photos(8, 8), photos(8, 8).astype("float32")):
            before = images.copy()
            out = preprocess_input(images, "bvlc", "channels_last")
            np.testing.assert_array_equal(images, before)
            assert isinstance(out, np.ndarray)
            assert out.dtype == np.float32

    def test_tensors(self):
        """A tensor for a tensor, a symbolic one for a symbolic one, a single image for one."""
        images = photos(8, 8)
        out = preprocess_input(tensor(images), "bvlc", "channels_last")
        assert keras.ops.is_tensor(out)
        np.testing.assert_allclose(to_numpy(out), published("bvlc", images), atol=1e-4)
        assert preprocess_input(keras.Input((8, 8, 3)), "bvlc").shape == (None, 8, 8, 3)
        single = preprocess_input(images[0], "bvlc", "channels_last")
        np.testing.assert_allclose(single, published("bvlc", images[0]), atol=1e-4)

    def test_channels_first(self):
        """The channels are found where the data format says."""
        images = photos(8, 9)
        out = preprocess_input(images.transpose(0, 3, 1, 2), "bvlc", "channels_first")
        np.testing.assert_allclose(out.transpose(0, 2, 3, 1), published("bvlc", images), atol=1e-4)

    @pytest.mark.parametrize("low_and_high", [(0, 1), (-1, 1), (-120, 130), (0, 0.2)])
    def test_scaled_images(self, low_and_high):
        """Images that were scaled before are warned of, with their range."""
        images = np.linspace(*low_and_high, 8 * 8 * 3).reshape(1, 8, 8, 3)
        low, high = low_and_high
        with pytest.warns(UserWarning, match=rf"from {low:.3g} to {high:.3g}, .*scaled.* RGB "):
            preprocess_input(images, "owt", "channels_last")

    @pytest.mark.parametrize("images", [np.zeros((1, 8, 8, 3)), np.ones((1, 8, 8, 3), "uint8")])
    def test_dark_images(self, images):
        """Black images and dark ones of whole numbers are not warned of."""
        assert preprocess_input(images, "owt", "channels_last").max() < 0  # less the mean


def layer(*arguments, **more):
    return PixelNormalization(*arguments, **more, data_format="channels_last")


class TestChannels:
    """The check of a symbolic batch, whose channels a mean or a deviation must fit."""

    CONSTANTS = ((), ((1, 2, 3), 1.0), (0.0, (1, 2, 3)), ((1, 2, 3), (1, 2, 3)), ((5,), (1, 2, 3)))

    @pytest.mark.parametrize("constants", CONSTANTS)
    @pytest.mark.parametrize("channels", [1, 2, 3, 4, None])
    def test_known_before_any_image(self, constants, channels):
        """Three constants need three channels, or a number that is not known yet."""
        normalize, images = layer(*constants), keras.KerasTensor((None, 4, 5, channels))
        if constants and channels in (1, 2, 4):
            wrong = rf"Received images of shape \(4, 5, {channels}\)\. .* mean of shape .*as many"
            with pytest.raises(ValueError, match=wrong):
                normalize(images)
        else:
            declared = 3 if constants else channels
            assert normalize(images).shape == (None, 4, 5, declared)

    @pytest.mark.parametrize("constants", [((5,),), (0.0, (2,)), ((5,), (2,))])
    @pytest.mark.parametrize("channels", [1, 3, None])
    def test_one_constant_is_for_any(self, constants, channels):
        """A list of one number is that number for every channel."""
        images = keras.KerasTensor((None, 4, 5, channels))
        assert layer(*constants)(images).shape == (None, 4, 5, channels)

    @pytest.mark.parametrize(
        "shape", [(4, 5, 3), (6, 7, 3), (4, 7, 1), (7, 7, 3), (6, 8, 3), (None, 7, 3), (6, 7, 1)]
    )
    def test_mean_image(self, shape):
        """It must have as many channels, and as many rows and columns or more."""
        normalize, images = layer(np.ones((6, 7, 3))), keras.KerasTensor((None, *shape))
        if shape in ((4, 5, 3), (6, 7, 3)):
            assert normalize(images).shape == (None, *shape)
        else:
            with pytest.raises(ValueError, match=rf"shape {re.escape(str(shape))}.*\(6, 7, 3\)"):
                normalize(images)


class TestPixelNormalization:
    """The layer itself: what stacks do not ask of it."""

    def test_formula(self):
        """Scale, then mean, then deviation, then order."""
        images = photos(4, 5)
        found = to_numpy(layer((1, 2, 3), (2, 4, 8), 0.5, "bgr")(images))
        expected = (images * 0.5 - [1, 2, 3]) / [2, 4, 8]
        np.testing.assert_allclose(found, expected[..., ::-1], rtol=1e-5, atol=1e-4)

    def test_mean_image(self):
        """Of the images' size it is subtracted whole; larger, its centre is."""
        mean = np.random.default_rng(0).uniform(0, 255, (9, 8, 3)).astype("float32")
        whole, part = photos(9, 8), photos(4, 5)
        np.testing.assert_allclose(to_numpy(layer(mean)(whole)), whole - mean, atol=1e-4)
        np.testing.assert_allclose(to_numpy(layer(mean)(part)), part - mean[2:6, 1:6], atol=1e-4)
        again = PixelNormalization.from_config(layer(mean).get_config())
        np.testing.assert_array_equal(to_numpy(again(part)), to_numpy(layer(mean)(part)))

    def test_adapt(self):
        """The mean image of one's own images, from an array or batches, in both formats."""
        images = photos(6, 7, count=10)
        first = PixelNormalization(data_format="channels_first")
        first.adapt(images.transpose(0, 3, 1, 2))
        batches, scaled = layer(), layer(scale=1 / 255)
        batches.adapt([(images[:3], [0] * 3), (images[3:], [0] * 7)])
        scaled.adapt(images)
        expected = images.mean(axis=0)
        np.testing.assert_allclose(first.mean, expected, rtol=1e-6)
        np.testing.assert_allclose(batches.mean, expected, rtol=1e-6)
        np.testing.assert_allclose(scaled.mean, expected / 255, rtol=1e-6)
        np.testing.assert_allclose(to_numpy(scaled(images)).mean(axis=0), 0, atol=1e-6)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: layer(order="gbr"), r"order='gbr'\..*'rgb', 'bgr'.*Caffe"),
            (lambda: layer(std=0), r"std=0\..*`std` must be a positive"),
            (lambda: layer((1, 2), std=(1, 2, 3)), r"mean of shape \(2,\).*one for each channel"),
            (lambda: layer([[1, 2, 3]]), r"mean of shape \(1, 3\).*\(height, width, channels\)"),
            (lambda: layer().adapt([]), r"no images to adapt to.*at least one .*used up"),
            (lambda: layer((1, 2, 3))(np.zeros((1, 4, 4, 1))), r"shape \(4, 4, 1\).*as many"),
            (
                lambda: layer(np.ones((4, 4, 3)))(np.zeros((1, 5, 4, 3))),
                r"\(5, 4, 3\).*\(4, 4, 3\)",
            ),
            (lambda: layer(np.ones((4, 4, 3)))(keras.Input((None, 4, 3))), r"\(None, 4, 3\)"),
        ],
    )
    def test_errors(self, make, message):
        """What was received, what was expected, what to do."""
        with pytest.raises(ValueError, match=rf"(?s)Received .*{message}"):
            make()
