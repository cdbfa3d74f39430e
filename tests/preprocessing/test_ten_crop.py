"""Ten crops and nine: the windows, and the mean of predictions made one by one."""

import keras
import numpy as np
import pytest

from coordinates import coordinate_images, read_places
from helpers import to_numpy
from keras_alexnet import NineCrop, RandomCropFlip, TenCrop, ten_crop_model, training_preprocessor
from keras_alexnet.preprocessing import CenterCrop, PixelNormalization

FIVE = ("top left", "top right", "centre", "bottom left", "bottom right")


def offsets(rows, columns, height, width):
    """Return the first row and column of the five windows, in the order of the 2012 program."""
    bottom, right = rows - height, columns - width
    return [(0, 0), (0, right), (bottom // 2, right // 2), (bottom, 0), (bottom, right)]


def ten_windows(images, height, width):
    """Cut the ten windows out of an array by hand, a list of batches."""
    five = [
        images[:, top : top + height, left : left + width]
        for top, left in offsets(*images.shape[1:3], height, width)
    ]
    return [*five, *(window[:, :, ::-1] for window in five)]


@pytest.mark.parametrize("sizes", [(256, 256, 224, 224), (256, 256, 227, 227), (19, 24, 8, 11)])
def test_order_and_places(sizes):
    """Corners, centre, mirrored: at 256 and 224 the offsets are 0, 16 and 32."""
    rows, columns, height, width = sizes
    images = coordinate_images(2, rows, columns)
    views = to_numpy(TenCrop(height, width, data_format="channels_last")(images))
    assert views.shape == (2, 10, height, width, 3)
    assert views.dtype == np.uint8
    for number in range(10):
        places = read_places(views[:, number])
        expected = offsets(*sizes)[number % 5]
        assert [*zip(places.tops, places.lefts, strict=True)] == [expected] * 2, FIVE[number % 5]
        assert places.mirrored.tolist() == [number >= 5] * 2


@pytest.mark.parametrize("sizes", [(32, 32, 24, 24), (19, 24, 8, 11)])
def test_nine_windows_in_a_grid(sizes):
    """At 32 and 24 the offsets are cuda-convnet's 0, 4 and 8; nothing is mirrored."""
    rows, columns, height, width = sizes
    views = to_numpy(
        NineCrop(height, width, data_format="channels_last")(coordinate_images(2, rows, columns))
    )
    assert views.shape == (2, 9, height, width, 3)
    tops = [(0, (rows - height) // 2, rows - height)[number // 3] for number in range(9)]
    lefts = [(0, (columns - width) // 2, columns - width)[number % 3] for number in range(9)]
    for number in range(9):
        places = read_places(views[:, number])
        assert places.tops.tolist() == [tops[number]] * 2
        assert places.lefts.tolist() == [lefts[number]] * 2
        assert not places.mirrored.any()
    assert {(32, 32, 24, 24): 4}.get(sizes, tops[4]) == tops[4]


@pytest.mark.medium
def test_data_formats_and_single_images():
    """Channels first and an image without a batch give the same windows; sides may be equal."""
    images = coordinate_images(3, 12, 14)
    views = to_numpy(TenCrop(12, 9, data_format="channels_last")(images))
    first = TenCrop(12, 9, data_format="channels_first")
    found = to_numpy(first(images.transpose(0, 3, 1, 2)))
    np.testing.assert_array_equal(found.transpose(0, 1, 3, 4, 2), views)
    assert first(keras.Input((3, 12, 14))).shape == (None, 10, 3, 12, 9)
    single = to_numpy(TenCrop(12, 9, data_format="channels_last")(images[0]))
    np.testing.assert_array_equal(single, views[0])


def test_too_small():
    """Images smaller than the windows are named with both sizes."""
    with pytest.raises(
        ValueError, match=r"(?s)images of 8 x 9 pixels.*TenCrop\(height=10.*Enlarge"
    ):
        TenCrop(10, 9, data_format="channels_last")(np.zeros((1, 8, 9, 3)))


def core(height=12, width=12):
    """Return a small classifier that tells left from right and top from bottom."""
    return keras.Sequential(
        [
            keras.Input((height, width, 3)),
            keras.layers.Conv2D(4, 3, strides=2, activation="relu", data_format="channels_last"),
            keras.layers.Flatten(),
            keras.layers.Dense(5, activation="softmax"),
        ]
    )


def photos(rows=16, columns=16):
    return np.random.default_rng(0).integers(0, 256, (3, rows, columns, 3), dtype="uint8")


def check(model, images, expected, tmp_path):
    """Compare a ten-crop model, as it is and loaded from a file, with the expected means."""
    np.testing.assert_allclose(expected.sum(axis=-1), 1, rtol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-5)
    model.save(tmp_path / "ten.keras")
    loaded = keras.saving.load_model(tmp_path / "ten.keras")
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, atol=1e-5)


def mean_of_ten(model, images, height=12, width=12):
    """Predict the ten windows one by one and average, in NumPy."""
    windows = ten_windows(images.astype("float32"), height, width)
    return np.mean([to_numpy(model(window, training=False)) for window in windows], axis=0)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("window", "image_size", "image"),
    [((12, 12), None, (14, 14)), ((12, 12), 20, (20, 20)), ((12, 9), (13, 15), (13, 15))],
)
def test_model_without_a_crop(tmp_path, window, image_size, image):
    """Windows of its own input size, out of images 256 / 224 as large or as asked."""
    model = core(*window)
    ten = ten_crop_model(model, image_size)
    assert ten.input_shape == (None, *image, 3)
    images = photos(*image) / np.float32(255)
    check(ten, images, mean_of_ten(model, images, *window), tmp_path)


def test_functional_model_with_a_crop(tmp_path):
    """The ten windows take the place of the model's own; what stands after it stays."""
    classifier = core()
    inputs = keras.Input((16, 16, 3), dtype="uint8")
    x = RandomCropFlip(12, 12, data_format="channels_last")(inputs)
    x = PixelNormalization(128.0, std=64.0, data_format="channels_last")(x)
    ten = ten_crop_model(keras.Model(inputs, classifier(x)))
    assert ten.input_shape == (None, 16, 16, 3)
    windows = ten_windows(photos().astype("float32"), 12, 12)
    expected = np.mean([to_numpy(classifier((x - 128) / 64)) for x in windows], axis=0)
    check(ten, photos(), expected, tmp_path)


@pytest.mark.medium
def test_nine_views(tmp_path):
    """The same with nine windows, for a model with a crop and for one without."""
    classifier = core()
    images = photos().astype("float32") / 255
    windows = [images[:, t : t + 12, s : s + 12] for t in (0, 2, 4) for s in (0, 2, 4)]
    expected = np.mean([to_numpy(classifier(window)) for window in windows], axis=0)
    inputs = keras.Input((16, 16, 3))
    crop = RandomCropFlip(12, 12, data_format="channels_last")
    nine = ten_crop_model(keras.Model(inputs, classifier(crop(inputs))), views=9)
    check(nine, images, expected, tmp_path)
    assert nine.name.endswith("nine_crop")
    check(ten_crop_model(classifier, image_size=16, views=9), images, expected, tmp_path)


def test_sequential_model_of_a_stack_and_a_core(tmp_path):
    """`keras.Sequential([preprocessor, core])`: resized, ten windows, the stack's constants."""
    classifier = core()
    stack = training_preprocessor("bvlc", image_size=12, seed=1, data_format="channels_last")
    size = stack.layers[0].size
    model = keras.Sequential([keras.Input((size, size, 3), dtype="uint8"), stack, classifier])
    images = photos(size, size)
    mean = np.array([122.67891434, 116.66876762, 104.00698793])
    windows = [(x - mean)[..., ::-1] for x in ten_windows(images.astype("float32"), 12, 12)]
    expected = np.mean([to_numpy(classifier(x.astype("float32"))) for x in windows], axis=0)
    check(ten_crop_model(model), images, expected, tmp_path)


def test_weights_are_shared():
    """Training the model afterwards changes its ten-crop model."""
    model = core()
    ten = ten_crop_model(model)
    images = photos(14, 14).astype("float32") / 255
    before = ten.predict(images, verbose=0)
    model.set_weights([weight + 0.1 * np.sign(weight) for weight in model.get_weights()])
    after = ten.predict(images, verbose=0)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, mean_of_ten(model, images), atol=1e-5)


def test_central_crop_is_replaced_too():
    """A model for evaluation, which cuts the centre, is averaged over ten windows as well."""
    classifier = core()
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, classifier(CenterCrop(12, 12, data_format="channels_last")(inputs)))
    images = photos().astype("float32") / 255
    found = ten_crop_model(model).predict(images, verbose=0)
    np.testing.assert_allclose(found, mean_of_ten(classifier, images), atol=1e-5)


def test_models_that_cannot_be_averaged():
    """A model without a graph, and one without a fixed size, are refused in words."""

    class Subclassed(keras.Model):
        def call(self, images):
            return images

    with pytest.raises(ValueError, match=r"(?s)functional or sequential model.*Wrap a subclassed"):
        ten_crop_model(Subclassed())
    with pytest.raises(ValueError, match=r"(?s)must be a built functional or sequential model"):
        ten_crop_model(keras.Sequential([keras.layers.Flatten()]))
    inputs = keras.Input((None, None, 3))
    free = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    with pytest.raises(ValueError, match=r"(?s)shape \(None, None, None, 3\).*Height and width"):
        ten_crop_model(free)
    with pytest.raises(ValueError, match=r"views=5\. .*10 windows.*or 9 in a grid"):
        ten_crop_model(core(), views=5)
    with pytest.raises(ValueError, match=r"(?s)images of 8 x 8 pixels.*TenCrop"):
        ten_crop_model(core(), image_size=8)
