"""Random windows: each draw, read from the pixels, and the distribution of many.

Where a test of a distribution has a bound, the bound is so many standard errors wide that a
right layer with another seed would cross it once in the stated number of runs.
"""

import keras
import numpy as np
import pytest

from coordinates import coordinate_images, read_places
from helpers import tensor, to_numpy
from keras_alexnet import PCAColorNoise, RandomCropFlip

SIDES = 33  # places along each axis, as for windows of 224 in images of 256


def cut(layer, images, training=True):
    """Return what a layer makes of images as an array."""
    return to_numpy(layer(images, training=training))


def crop(height=224, width=224, seed=5, **more):
    """Return a layer for images with the channels last."""
    return RandomCropFlip(height, width, seed=seed, data_format="channels_last", **more)


@pytest.fixture(scope="session")
def draws():
    """36,864 draws of windows of 8 x 8 in images of 40 x 40, which have 33 x 33 places too."""
    layer, images = crop(8, 8), coordinate_images(4096, 40, 40)
    drawn = [read_places(cut(layer, images)) for _ in range(9)]
    return [
        np.concatenate([getattr(places, name) for places in drawn])
        for name in ("tops", "lefts", "mirrored")
    ]


class TestPlaces:
    """Where the windows are, and whether they are mirrored."""

    @pytest.mark.medium
    def test_every_place_is_as_likely(self, draws):
        """Chi-square over the 33 x 33 places: 1088 degrees of freedom, six deviations both ways.

        A right layer crosses the bound once in some ten million seeds.
        """
        tops, lefts, _ = draws
        counts = np.bincount(tops * SIDES + lefts, minlength=SIDES**2)
        assert counts.size == SIDES**2
        assert counts.min() > 0
        assert chi_square(counts) == pytest.approx(1088, abs=6 * np.sqrt(2 * 1088))

    def test_mirrored_half_the_time(self, draws):
        """The share of mirrored windows, within five standard errors (one seed in a million)."""
        mirrored = draws[2]
        assert abs(mirrored.mean() - 0.5) < 5 * 0.5 / np.sqrt(mirrored.size)

    def test_mirror_does_not_depend_on_the_place(self, draws):
        """All 2178 combinations of place and mirror are as likely, within six deviations."""
        tops, lefts, mirrored = draws
        counts = np.bincount((tops * SIDES + lefts) * 2 + mirrored, minlength=2 * SIDES**2)
        assert chi_square(counts) == pytest.approx(2177, abs=6 * np.sqrt(2 * 2177))

    def test_images_of_a_batch_do_not_depend_on_each_other(self, draws):
        """Neighbours in a batch are uncorrelated, within five standard errors."""
        for values in draws:
            correlation = np.corrcoef(values[:-1], values[1:])[0, 1]
            assert abs(correlation) < 5 / np.sqrt(values.size)


def chi_square(counts):
    """Return the sum of squared deviations from equal counts, over the count expected."""
    expected = counts.sum() / counts.size
    return ((counts - expected) ** 2).sum() / expected


def test_windows_of_the_paper():
    """224 x 224 out of 256 x 256: exact windows, each image its own place, within 0 to 32."""
    places = read_places(cut(crop(), coordinate_images(64)))
    assert len(set(zip(places.tops, places.lefts, places.mirrored, strict=True))) > 50
    assert min(places.tops.min(), places.lefts.min()) >= 0
    assert max(places.tops.max(), places.lefts.max()) <= 32
    assert places.mirrored.any()
    assert not places.mirrored.all()


def test_sides_need_not_be_equal():
    """Rows and columns are not mixed up in wide images and wide windows."""
    places = read_places(cut(crop(5, 20), coordinate_images(500, 8, 40)))
    assert (places.tops.min(), places.tops.max()) == (0, 3)
    assert (places.lefts.min(), places.lefts.max()) == (0, 20)


def test_windows_as_large_as_the_images():
    """With one or both sides equal there is one place along them, and mirroring goes on."""
    places = read_places(cut(crop(12, 12), coordinate_images(100, 12, 12)))
    assert not (places.tops.any() or places.lefts.any())
    assert 20 < places.mirrored.sum() < 80
    places = read_places(cut(crop(12, 6), coordinate_images(100, 12, 12)))
    assert not places.tops.any()
    assert set(places.lefts) == set(range(7))


def test_without_mirroring():
    """`flip=False` mirrors nothing."""
    assert not read_places(
        cut(crop(8, 8, flip=False), coordinate_images(200, 12, 12))
    ).mirrored.any()


@pytest.mark.parametrize("sizes", [(256, 256, 224, 224, 16, 16), (13, 20, 8, 9, 2, 5)])
def test_nothing_random_at_inference(sizes):
    """The central window, unmirrored, at `training=False` and in `predict`."""
    rows, columns, height, width, top, left = sizes
    layer, images = crop(height, width), coordinate_images(3, rows, columns)
    model = keras.Sequential([keras.Input(images.shape[1:], dtype="uint8"), layer])
    expected = images[:, top : top + height, left : left + width]
    np.testing.assert_array_equal(cut(layer, images, training=False), expected)
    np.testing.assert_array_equal(model.predict(images, verbose=0), expected)


def test_random_unless_told_otherwise():
    """A call without a word is taken for training, as by Keras's own augmentation layers."""
    images = coordinate_images(50, 12, 12)
    places = read_places(to_numpy(crop(6, 6)(images)))
    assert len(set(places.tops)) > 1


class Holder(keras.layers.Layer):
    """A layer that calls another one without a word about training."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, images, training=None):
        return self.layer(images)


def test_training_is_inherited():
    """Inside a layer or model that trains the windows are random, inside one that does not, not."""
    images = coordinate_images(50, 12, 12)
    holder = Holder(crop(6, 6))
    assert len(set(read_places(holder(images, training=True)).tops)) > 1
    assert set(read_places(holder(images, training=False)).tops) == {3}


@pytest.mark.parametrize(
    ("dtype", "policy"),
    [
        ("uint8", "float32"),
        ("int32", "mixed_bfloat16"),
        ("float32", "mixed_float16"),
        ("float16", "float32"),
    ],
)
def test_type_of_the_images_is_kept(dtype, policy):
    """No copy in another type, whatever the layer's own policy."""
    layer = crop(6, 6, dtype=policy)
    images = coordinate_images(2, 8, 8, dtype)
    for training in (True, False):
        out = layer(tensor(images), training=training)
        assert keras.backend.standardize_dtype(out.dtype) == dtype
        read_places(out)
    symbolic = layer(keras.Input((8, 8, 3), dtype=dtype))
    assert (symbolic.shape, symbolic.dtype) == ((None, 6, 6, 3), dtype)


def test_channels_first():
    """The same seed gives the same windows with the channels first."""
    images = coordinate_images(9, 12, 14)
    last = cut(crop(6, 7), images)
    layer = RandomCropFlip(6, 7, seed=5, data_format="channels_first")
    first = cut(layer, images.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)
    assert layer(keras.Input((3, 12, 14))).shape == (None, 3, 6, 7)


@pytest.mark.medium
def test_single_images():
    """An image without a batch is one of a batch of one, and each call draws anew."""
    image = coordinate_images(1, 40, 40)
    layer, again = crop(8, 8), crop(8, 8)
    windows = [cut(layer, image[0]) for _ in range(20)]
    assert windows[0].shape == (8, 8, 3)
    assert len({tuple(window[0, 0]) for window in windows}) > 10
    for window in windows:
        np.testing.assert_array_equal(window, cut(again, image)[0])


class TestStream:
    """What the random numbers depend on."""

    images = coordinate_images(40, 12, 12)

    def test_seed(self):
        """The same seed gives the same calls, another seed others, and no call repeats another."""
        layer, same, other = crop(6, 6), crop(6, 6), crop(6, 6, seed=6)
        first, second = cut(layer, self.images), cut(layer, self.images)
        np.testing.assert_array_equal(cut(same, self.images), first)
        np.testing.assert_array_equal(cut(same, self.images), second)
        assert (first != second).any()
        assert (first != cut(other, self.images)).any()

    def test_a_layer_without_a_seed_can_be_made_again(self):
        """Its config holds the seed that it drew."""
        layer = crop(6, 6, seed=None)
        twin = RandomCropFlip.from_config(layer.get_config())
        np.testing.assert_array_equal(cut(layer, self.images), cut(twin, self.images))

    def test_layers_without_a_seed_differ(self):
        """Two of them draw other windows, and Keras's global seed fixes both."""
        keras.utils.set_random_seed(3)
        first, second = (cut(crop(6, 6, seed=None), self.images) for _ in range(2))
        assert (first != second).any()
        keras.utils.set_random_seed(3)
        np.testing.assert_array_equal(cut(crop(6, 6, seed=None), self.images), first)

    def test_config_starts_anew(self):
        """A layer made from the config of a used one starts where that one started."""
        layer = crop(6, 6)
        first = cut(layer, self.images)
        again = RandomCropFlip.from_config(layer.get_config())
        np.testing.assert_array_equal(cut(again, self.images), first)

    @pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
    def test_files_go_on(self, tmp_path, ending):
        """A saved model goes on with the windows and the noise that would have come."""

        def make():
            noise = PCAColorNoise(seed=2, data_format="channels_last")
            return keras.Sequential([keras.Input((12, 12, 3), dtype="uint8"), crop(6, 6), noise])

        model, path = make(), str(tmp_path / f"model{ending}")
        first = to_numpy(model(self.images, training=True))
        if ending == ".keras":
            model.save(path)
            loaded = keras.saving.load_model(path)
        else:
            model.save_weights(path)
            loaded = make()
            loaded.load_weights(path)
        expected = to_numpy(model(self.images, training=True))
        assert (expected != first).any()
        np.testing.assert_array_equal(to_numpy(loaded(self.images, training=True)), expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomCropFlip(0, 224), r"height=0\..*whole number of at least 1.*224 x 224"),
        (lambda: RandomCropFlip(224, 2.5), r"width=2\.5\..*whole number.*224 x 224"),
        (lambda: RandomCropFlip(8, 8, seed=-1), r"seed=-1\..*at least 0, or None.*Leave it out"),
        (lambda: RandomCropFlip(8, 8, seed="a"), r"seed='a'\..*whole number.*Leave it out"),
    ],
)
def test_wrong_arguments(make, message):
    """What was received, what was expected, what to do."""
    with pytest.raises(ValueError, match=rf"(?s)Received {message}"):
        make()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(2, 223, 300, 3), (223, 300, 3), (2, 300, 223, 3)])
def test_images_smaller_than_the_window(shape, training):
    """Sizes of both are named, whichever side is too small."""
    rows, columns = shape[-3:-1]
    message = rf"images of {rows} x {columns} pixels.*height=224, width=224\) needs.*Enlarge the"
    with pytest.raises(ValueError, match=f"(?s){message}"):
        crop()(np.zeros(shape, "uint8"), training=training)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        crop()(keras.Input(shape[-3:]))
