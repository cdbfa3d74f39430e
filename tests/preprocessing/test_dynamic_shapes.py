"""Images whose sizes are known at run time only: declared shapes, and the check of small images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers import BACKEND, to_numpy
from keras_alexnet import (
    NineCrop,
    PCAColorNoise,
    RandomCropFlip,
    TenCrop,
    evaluation_preprocessor,
    training_preprocessor,
)
from keras_alexnet.preprocessing import CenterCrop, PixelNormalization, SquareResize

RGB = (1.0, 2.0, 3.0)
# A layer of a data format, and the sizes that it makes of unknown ones.
LAYERS = {
    "resize": (lambda data_format: SquareResize(20, data_format=data_format), (20, 20)),
    "centre": (lambda data_format: CenterCrop(24, 22, data_format), (24, 22)),
    "crop": (lambda data_format: RandomCropFlip(24, 22, True, 3, data_format), (24, 22)),
    "nine": (lambda data_format: NineCrop(24, 22, data_format), (24, 22)),
    "ten": (lambda data_format: TenCrop(24, 22, data_format), (24, 22)),
    "noise": (lambda data_format: PCAColorNoise(data_format=data_format), (None, None)),
    "pixels": (lambda data_format: PixelNormalization(RGB, data_format=data_format), (None, None)),
}
CROPS = ("centre", "crop", "nine", "ten")
VIEWS = {"nine": (9,), "ten": (10,)}


def mapped(function, images, unknown):
    """Return a `tf.data.Dataset` of images whose declared shape has unknown sizes, mapped over."""
    known = tf.data.experimental.to_variant(tf.data.Dataset.from_tensors(images))
    declared = tf.TensorSpec(unknown, images.dtype)
    return tf.data.experimental.from_variant(known, declared).map(function)


def images_of(rows, columns, channels=3):
    """Return two images."""
    shape = (2, rows, columns, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")


@pytest.mark.medium
@pytest.mark.parametrize("name", LAYERS)
def test_declared_shape(name):
    """A map declares the sizes that a layer makes, for a batch and for one image, and keeps to it.

    It computes what the layer computes of known sizes. Where the channels are unknown too, a layer
    that needs the three of RGB declares them.
    """
    make, sizes = LAYERS[name]
    views = VIEWS.get(name, ())
    images = images_of(26, 30)
    expected = to_numpy(make("channels_last")(images, training=False))
    check_map(make("channels_last"), images, (None, None, None, 3), expected, (*views, *sizes, 3))
    check_map(make("channels_last"), images[0], (None, None, 3), expected[0], (*views, *sizes, 3))
    channels = 3 if name in ("noise", "pixels") else None
    images, expected = np.moveaxis(images, -1, 1), np.moveaxis(expected, -1, -3)
    declared = (*views, channels, *sizes)
    check_map(make("channels_first"), images, (None, None, None, None), expected, declared)


def check_map(layer, images, unknown, expected, declared):
    """Compare what a map declares and makes with what is expected of it."""
    dataset = mapped(lambda x: layer(x, training=False), images, unknown)
    batch = unknown[: images.ndim - 3]
    assert tuple(dataset.element_spec.shape) == (*batch, *declared)
    (found,) = dataset.as_numpy_iterator()
    assert found.dtype == expected.dtype
    tolerance = 1 if isinstance(layer, SquareResize) else 1e-4  # a level, where it rounds
    np.testing.assert_allclose(found, expected, atol=tolerance)


@pytest.mark.parametrize("stack", [evaluation_preprocessor, training_preprocessor])
def test_stacks_declare_what_the_network_takes(stack):
    """Decoded photos of any size become images of 224 x 224, for all that follows in the map."""
    layers = stack("paper", data_format="channels_last")
    assert mapped(layers, images_of(3, 4)[0], (None, None, 3)).element_spec.shape == (224, 224, 3)


@pytest.mark.eager
def test_photos_train_a_network_with_dense_layers():
    """`fit` builds a model from what the map of a stack declares."""
    layers = evaluation_preprocessor("owt", image_size=16, data_format="channels_last")
    photos = mapped(lambda x: (layers(x), 1), images_of(30, 24)[0], (None, None, 3))
    flatten = keras.layers.Flatten(data_format="channels_last")
    model = keras.Sequential([flatten, keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(photos.repeat().batch(1), steps_per_epoch=1, shuffle=False, verbose=0)
    assert model.layers[-1].kernel.shape == (16 * 16 * 3, 2)


def message(layer, rows, columns):
    """Return what is said of images that are too small for a window of 24 x 22."""
    return (
        rf"(?s)Received images of rows, columns and channels.*{rows} {columns} 3.*"
        rf"{layer}\(height=24, width=22\) needs images at least as large\..*Enlarge the images"
    )


@pytest.mark.parametrize(("name", "training"), [("crop", True), *((name, False) for name in CROPS)])
def test_too_small(name, training):
    """Both sizes are named, whichever side is too small, in a batch and for one image."""
    layer = LAYERS[name][0]("channels_last")
    for rows, columns, batch in ((20, 30, (None,)), (30, 21, ())):
        images = images_of(rows, columns) if batch else images_of(rows, columns)[0]
        dataset = mapped(lambda x: layer(x, training=training), images, (*batch, None, None, 3))
        expected = message(type(layer).__name__, rows, columns)
        with pytest.raises(tf.errors.InvalidArgumentError, match=expected):
            next(iter(dataset))


def test_one_unknown_side():
    """The side that is known is checked when the map is made, the other one when it runs."""
    layer = CenterCrop(24, 22, "channels_last")
    # AutoGraph raises a class of its own.
    with pytest.raises(Exception, match=r"images of 20 x None pixels.*height=24"):
        mapped(layer, images_of(20, 30), (None, 20, None, 3))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message("CenterCrop", 24, 21)):
        next(iter(mapped(layer, images_of(24, 21), (None, 24, None, 3))))


@pytest.mark.parametrize("name", ["noise", "pixels"])
def test_gray_images(name):
    """Constants for three channels are not spread over the one channel of a gray image."""
    layer = LAYERS[name][0]("channels_last")
    dataset = mapped(layer, images_of(5, 6, channels=1), (None, None, None, None))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)Received.*5 6 1.*data format"):
        next(iter(dataset))


def test_means_for_any_channels():
    """One number for all channels leaves their number open."""
    dataset = mapped(PixelNormalization(1.0), images_of(5, 6, 1), (None, None, None, None))
    assert dataset.element_spec.shape[-1] is None
    assert next(iter(dataset)).shape == (2, 5, 6, 1)


if BACKEND == "tensorflow":
    SIGNATURE = [tf.TensorSpec((None, None, None, 3), "uint8")]

    @pytest.mark.medium
    @pytest.mark.parametrize("jit_compile", [False, True])
    @pytest.mark.parametrize("name", CROPS)
    def test_functions(name, jit_compile):
        """In a function of unknown sizes, compiled by XLA or not, no small image passes."""
        layer = LAYERS[name][0]("channels_last")
        function = tf.function(
            lambda x: layer(x, training=True), SIGNATURE, jit_compile=jit_compile
        )
        assert function(images_of(26, 30)).shape[1:] == (*VIEWS.get(name, ()), 24, 22, 3)
        expected = message(type(layer).__name__, 20, 30)
        if jit_compile:  # XLA leaves assertions out; the sizes of a corner and of the window
            expected = r"\[1,20,22,3\].*\[\?,24,22,"
        with pytest.raises(tf.errors.InvalidArgumentError, match=expected):
            function(images_of(20, 30))

    @pytest.mark.medium
    def test_models(tmp_path):
        """A model for images of any size predicts and is exported, and both refuse small ones."""
        inputs = keras.Input((None, None, 3), dtype="uint8")
        x = CenterCrop(24, 22, "channels_last")(inputs)
        x = PixelNormalization(RGB, data_format="channels_last")(x)
        model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D("channels_last")(x))
        expected = images_of(26, 30)[:, 1:25, 4:26].mean(axis=(1, 2)) - RGB
        np.testing.assert_allclose(model.predict(images_of(26, 30), verbose=0), expected, rtol=1e-4)
        model.export(tmp_path / "model", verbose=False)
        serve = tf.saved_model.load(tmp_path / "model").serve
        np.testing.assert_allclose(serve(images_of(26, 30)), expected, rtol=1e-4)
        for run in (lambda x: model.predict(x, verbose=0), serve):
            with pytest.raises(tf.errors.InvalidArgumentError, match=message("CenterCrop", 20, 30)):
                run(images_of(20, 30))
