"""Resizing to a square, against Pillow and torchvision's and OpenCV's arithmetic written out."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from helpers import compiled, tensor, to_numpy
from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.operations.image import resize
from keras_alexnet.preprocessing import SquareResize
from published_pixels import without_antialiasing

METHODS = ("shorter_side", "warp")
# Height, width and size: smaller, larger, half a pixel to cut off (1, 3 and 5 too many), a side
# that stays, extreme ratios.
SIZES = [
    (75, 100, 32),
    (100, 75, 45),
    (20, 31, 50),
    (48, 50, 24),
    (48, 54, 24),
    (58, 48, 24),
    (30, 47, 30),
    (9, 100, 16),
    (64, 64, 21),
]


def sides(height, width, size):
    """Return the sides before the central square is cut, as torchvision truncates them."""
    shorter, longer = sorted((height, width))
    scaled = int(size * longer / shorter)
    return (size, scaled) if height <= width else (scaled, size)


def literal(image, size, method):
    """Return what torchvision's or Caffe's arithmetic makes of one image."""
    if method == "warp":
        return without_antialiasing(image, size, size)
    rows, columns = sides(*image.shape[:2], size)
    resized = np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR))
    top, left = round((rows - size) / 2.0), round((columns - size) / 2.0)
    return resized[top : top + size, left : left + size]


def pictures(height, width):
    """Return two drawn images and one of noise."""
    drawn, _ = drawn_images(2, seed=1, size=128)
    noisy = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype="uint8")
    return np.concatenate([drawn[:, :height, :width], noisy])


def check(found, images, size, method):
    """Compare: a level of difference at most, as Pillow rounds twice, on few pixels."""
    expected = np.stack([literal(image, size, method) for image in images]).astype(int)
    difference = np.abs(to_numpy(found).astype(int) - expected)
    assert difference.max() <= 1
    assert difference.mean() < 0.3


def layer(size, method="shorter_side"):
    return SquareResize(size, method, data_format="channels_last")


@pytest.mark.parametrize(
    ("height", "width", "size", "method"),
    [*((*sizes, "shorter_side") for sizes in SIZES), *((*sizes, "warp") for sizes in SIZES[:3])],
)
def test_as_others(height, width, size, method):
    """Down and up, odd sizes: Pillow's and OpenCV's uint8 values within one level."""
    images = pictures(height, width)
    found = layer(size, method)(images)
    assert keras.backend.standardize_dtype(found.dtype) == "uint8"
    check(found, images, size, method)


@pytest.mark.parametrize("method", METHODS)
def test_compiled(method):
    """Compiled by the backend the values are the same but for rounding, and one by one too."""
    images = pictures(75, 100)
    fast = to_numpy(compiled(layer(32, method))(tensor(images)))
    check(fast, images, 32, method)
    single = to_numpy(layer(32, method)(images[0]))
    assert np.abs(single.astype(int) - fast[0]).max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_sizes_unknown_in_tf_data(method):
    """Photos of different sizes, whose sizes `tf.data` does not know, on every backend."""
    photos = [pictures(*sizes[:2])[2] for sizes in SIZES]
    dataset = tf.data.Dataset.from_generator(
        lambda: iter(photos), output_signature=tf.TensorSpec((None, None, 3), tf.uint8)
    )
    dataset = dataset.map(layer(28, method), num_parallel_calls=2)
    assert dataset.element_spec.dtype == tf.uint8
    for photo, found in zip(photos, dataset, strict=True):
        check(found[None], photo[None], 28, method)
    batch = tf.data.Dataset.from_tensors(pictures(40, 60)).map(layer(28, method))
    check(next(iter(batch)), pictures(40, 60), 28, method)


def test_floats_are_not_rounded():
    """Float images keep their type; Pillow's own float images are the reference, to 1e-3."""
    image = np.random.default_rng(0).uniform(0, 255, (40, 48)).astype("float32")
    resized = Image.fromarray(image).resize((28, 24), Image.Resampling.BILINEAR)
    expected = np.asarray(resized)[:, 2:26]
    found = to_numpy(layer(24)(image[None, :, :, None]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, :, :, 0], expected, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float16"])
def test_right_size_is_left_alone(method, dtype):
    """Images of the right size are the same bits."""
    images = np.random.default_rng(0).uniform(0, 255, (2, 24, 24, 3)).astype(dtype)
    np.testing.assert_array_equal(to_numpy(layer(24, method)(images)), images)
    dataset = tf.data.Dataset.from_tensors(images).map(layer(24, method))
    np.testing.assert_array_equal(next(iter(dataset)), images)


def test_right_shorter_side_is_cut_only():
    """Where the shorter side is right already, the central square is the image's own pixels."""
    images = pictures(30, 47)
    np.testing.assert_array_equal(to_numpy(layer(30)(images)), images[:, :, 8:38])


def test_channels_first():
    """The same values with the channels first, known as such by the symbolic shape."""
    images = pictures(40, 60)
    first = SquareResize(24, data_format="channels_first")
    found = to_numpy(first(images.transpose(0, 3, 1, 2))).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(found, to_numpy(layer(24)(images)))
    assert first(keras.Input((3, 40, 60))).shape == (None, 3, 24, 24)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), r"size=0\..*whole number of at least 1.*256 x 256"),
        ((2.5,), r"size=2\.5\..*whole number"),
        ((8, "crop"), r"method='crop'\..*'shorter_side', 'warp'.*Caffe's"),
    ],
)
def test_wrong_arguments(arguments, message):
    """What was received, what was expected, what to do."""
    with pytest.raises(ValueError, match=rf"(?s)Received {message}"):
        SquareResize(*arguments)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("sizes", [(75, 100, 32, 43), (20, 31, 50, 60), (30, 40, 30, 20)])
def test_fast_path_is_the_plain_one(sizes, antialias):
    """The backend's own way of resizing, in a graph too, gives what `keras.ops` gives."""
    height, width, rows, columns = sizes
    images = np.random.default_rng(0).uniform(0, 255, (2, height, width, 3)).astype("float32")
    expected = to_numpy(resize.plain(tensor(images), rows, columns, antialias))
    found = compiled(lambda x: resize(x, rows, columns, antialias))(tensor(images))
    np.testing.assert_allclose(to_numpy(found), expected, atol=3e-3)
    np.testing.assert_allclose(
        to_numpy(resize(tensor(images), rows, columns, antialias)), expected, atol=3e-3
    )
