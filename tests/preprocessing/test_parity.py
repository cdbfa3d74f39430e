"""The preprocessing of published checkpoints, against their authors' programs written out.

Pillow resizes as torchvision does, which calls it; the sizes and offsets are torchvision's
arithmetic. Caffe's images come from OpenCV, whose bilinear `resize` is done in NumPy.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from helpers import to_numpy
from keras_alexnet import evaluation_preprocessor
from published_pixels import without_antialiasing

# Height and width: odd and even, the shorter side smaller, equal and larger, one to three pixels
# too many on the longer side once resized, strips, and the size that is left alone.
SIZES = [
    (375, 500),
    (500, 333),
    (256, 256),
    (257, 300),
    (301, 256),
    (224, 225),
    (97, 130),
    (400, 403),
    (37, 500),
    (640, 51),
]
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
CAFFE_MEAN = np.array([104.00698793, 116.66876762, 122.67891434])  # B, G, R
LEVEL = 1 / 255


@functools.cache
def picture(height, width):
    """Return noise, on which every error of place shows, over a slope of light."""
    rng = np.random.default_rng(height * width)
    light = np.linspace(0, 160, height)[:, None] * np.linspace(1, 0.3, width)
    return (light[..., None] + rng.uniform(0, 95, (height, width, 3))).astype("uint8")


def torchvision(image):
    """Return `CenterCrop(224)(Resize(256)(image))`, 0 to 1, as torchvision computes it."""
    height, width = image.shape[:2]
    if width <= height:
        rows, columns = int(256 * height / width), 256
    else:
        rows, columns = 256, int(256 * width / height)
    if (rows, columns) != (height, width):
        resized = Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR)
        image = np.asarray(resized)
    top, left = round((rows - 224) / 2.0), round((columns - 224) / 2.0)
    return image[top : top + 224, left : left + 224] / 255


def caffe(image):
    """Return what Caffe feeds its network: warped, blue first, the central 227, less the mean."""
    warped = without_antialiasing(image, 256, 256)[..., ::-1]
    first = (256 - 227) // 2
    return warped[first : first + 227, first : first + 227] - CAFFE_MEAN


def found_torchvision(output):
    return to_numpy(output) * STD + MEAN


@pytest.mark.parametrize("name", ["owt_torchvision", "ungrouped_imgclsmob"])
@pytest.mark.parametrize("size", SIZES)
def test_torchvision(name, size):
    """Within a grey level at every pixel, and nearly equal on average: Pillow rounds twice."""
    image = picture(*size)
    stack = evaluation_preprocessor(name, data_format="channels_last")
    difference = np.abs(found_torchvision(stack(image)) - torchvision(image))
    assert difference.max() <= LEVEL + 1e-6
    assert difference.mean() < 0.3 * LEVEL


@pytest.mark.parametrize("size", SIZES)
def test_caffe(size):
    """Within a grey level at every pixel."""
    stack = evaluation_preprocessor("bvlc_caffe", data_format="channels_last")
    difference = np.abs(to_numpy(stack(picture(*size))) - caffe(picture(*size)))
    assert difference.max() <= 1 + 1e-4
    assert difference.mean() < 0.01


@pytest.mark.medium
def test_sizes_unknown():
    """Inside `tf.data`, where no size is known, as well."""
    images = tf.data.Dataset.from_generator(
        lambda: (picture(*size) for size in SIZES),
        output_signature=tf.TensorSpec((None, None, 3), tf.uint8),
    )
    stacks = [
        evaluation_preprocessor(name, data_format="channels_last")
        for name in ("owt_torchvision", "bvlc_caffe")
    ]
    pairs = images.map(lambda image: tuple(stack(image) for stack in stacks))
    for size, (light, warped) in zip(SIZES, pairs, strict=True):
        expected = torchvision(picture(*size))
        assert np.abs(light.numpy() * STD + MEAN - expected).max() <= LEVEL + 1e-6
        assert np.abs(warped.numpy() - caffe(picture(*size))).max() <= 1 + 1e-4


def test_in_a_model():
    """In a model that is compiled, and of floats, which nothing rounds before the mean."""
    image = picture(375, 500)
    for dtype, slack in (("uint8", 1e-6), ("float32", 0.1 * LEVEL)):
        inputs = keras.Input((375, 500, 3), dtype=dtype)
        stack = evaluation_preprocessor("owt_torchvision", data_format="channels_last")
        model = keras.Model(inputs, stack(inputs))
        found = model.predict(image[None].astype(dtype), verbose=0)[0] * STD + MEAN
        assert np.abs(found - torchvision(image)).max() <= LEVEL + slack


@pytest.mark.backend_free
def test_the_comparison_is_sharp():
    """A pixel's shift, or antialiasing where there is none, would be seen."""
    image = picture(375, 500)
    shifted = np.roll(torchvision(image), 1, axis=1)
    assert np.abs(shifted - torchvision(image)).max() > 20 * LEVEL
    smooth = np.asarray(Image.fromarray(image).resize((256, 256), Image.Resampling.BILINEAR))
    assert np.abs(smooth.astype(int) - without_antialiasing(image, 256, 256)).max() > 20
