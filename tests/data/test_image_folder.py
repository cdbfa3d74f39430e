"""`image_folder`: its batches, their order, and bad files and arguments."""

import shutil
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

from gray_images import LEVELS, all_levels, batches, orders
from keras_alexnet import image_folder
from keras_alexnet.data.image_reader import ImageReader
from keras_alexnet.data.labelled_files import find_images
from published_pixels import without_antialiasing


def test_batches_types_and_attributes(folder):
    """uint8 RGB squares and int32 labels in order of name, the last batch smaller."""
    dataset = image_folder(str(folder), 8, batch_size=8)
    assert [len(batch) for batch in batches(dataset)] == [8, 8, 4]
    assert all_levels(dataset) == LEVELS
    images, labels = dataset.element_spec
    assert (images.shape.as_list(), images.dtype.name) == ([None, 8, 8, 3], "uint8")
    assert (labels.shape.as_list(), labels.dtype.name) == ([None], "int32")
    assert int(dataset.cardinality()) == 3
    assert dataset.class_names == ["cats", "dogs"]
    assert dataset.file_paths == list(find_images(str(folder)).paths)
    assert dataset.skipped == []


@pytest.mark.parametrize("resizing", ["shorter_side", "warp"])
def test_images_are_those_of_the_reader(folder, resizing):
    """What comes out is what one file gives when it is read alone."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), "uint8")
    path = folder / "cats" / "0.bmp"
    Image.fromarray(pixels).save(path)
    dataset = image_folder(folder, 24, resizing=resizing, batch_size=1)
    images, _ = next(dataset.as_numpy_iterator())
    np.testing.assert_array_equal(images[0], ImageReader(24, resizing).read(str(path)))
    if resizing == "warp":
        whole = without_antialiasing(pixels, 24, 24)
        np.testing.assert_allclose(images[0].astype(int), whole, atol=1)


def test_class_weight(folder):
    """Weights are n / (classes * count)."""
    for number in range(5):
        (folder / "cats" / f"{number}.bmp").unlink()
    weights = image_folder(folder, 8).class_weight
    assert weights == {0: pytest.approx(15 / (2 * 5)), 1: pytest.approx(15 / (2 * 10))}


def test_every_epoch_has_the_order_of_seed_and_number(folder):
    """Epoch e has the permutation of (seed, e); a resumed run goes on as if never stopped."""
    epochs = orders(image_folder(folder, 8, batch_size=6, shuffle=True, seed=7))
    expected = [np.random.default_rng([7, epoch]).permutation(20) for epoch in range(3)]
    assert epochs == [[LEVELS[place] for place in order] for order in expected]
    resumed = image_folder(folder, 8, batch_size=6, shuffle=True, seed=7, first_epoch=2)
    assert all_levels(resumed) == epochs[2]
    assert all_levels(image_folder(folder, 8, shuffle=True, seed=8)) != epochs[0]


@pytest.mark.parametrize("bad_images", ["stop", "skip"])
def test_a_look_at_the_first_batch_does_not_count(folder, bad_images):
    """An iteration that is abandoned is repeated, so that Keras's own look changes nothing."""
    settings = {"batch_size": 4, "shuffle": True, "bad_images": bad_images}
    dataset = image_folder(folder, 8, **settings)
    for _ in range(2):
        next(iter(dataset))
    assert orders(dataset, 2) == orders(image_folder(folder, 8, **settings), 2)


def test_parts(folder):
    """`subset` gives the two parts of a split, which share nothing; only training is shuffled."""
    training, held_out = image_folder(folder, 8, subset="both", held_out=0.3, shuffle=True, seed=1)
    assert sorted(all_levels(training) + all_levels(held_out)) == LEVELS
    levels = all_levels(held_out)
    assert len(levels) == 6
    assert levels == sorted(levels)
    assert all_levels(training) != sorted(all_levels(training))
    for subset, part in (("training", training), ("held_out", held_out)):
        alone = image_folder(folder, 8, subset=subset, held_out=0.3, seed=1)
        assert alone.file_paths == part.file_paths


def test_class_names_fix_the_numbers(folder):
    """Labels are places in `class_names`, in which classes without a folder may stand."""
    names = ["birds", "n02084071_dogs", "Cats"]
    (folder / "dogs").rename(folder / "n02084071")
    dataset = image_folder(folder, 8, batch_size=20, class_names=names)
    images, labels = next(dataset.as_numpy_iterator())
    np.testing.assert_array_equal(labels, np.where(images[:, 0, 0, 0] < 100, 2, 1))
    assert dataset.class_names == names
    assert dataset.class_weight == {1: 1.0, 2: 1.0}


def test_a_bad_file_stops_with_its_name_and_reason(folder):
    """The iteration ends in an error whose message names the file, in order of the files."""
    (folder / "dogs" / "3.bmp").write_bytes(b"")
    (folder / "dogs" / "7.bmp").write_bytes(b"")
    dataset = image_folder(folder, 8, batch_size=10)
    iterator = dataset.as_numpy_iterator()
    assert next(iterator)[1].tolist() == [0] * 10
    with pytest.raises(Exception, match=r"dogs/3.bmp.* it is empty \(0 bytes\).*Replace or remove"):
        next(iterator)
    with pytest.raises(Exception, match=r"dogs/3.bmp"):
        batches(dataset)


def test_bad_files_are_skipped_and_listed(folder):
    """The others keep their labels and fill the batches; each bad file is listed once."""
    (folder / "cats" / "3.bmp").write_text("text")
    (folder / "dogs" / "9.bmp").write_bytes(b"")
    dataset = image_folder(folder, 8, batch_size=6, bad_images="skip", shuffle=True)
    good = [level for level in LEVELS if level not in (3, 109)]
    epochs = orders(dataset)
    assert all(sorted(epoch) == good for epoch in epochs)
    assert [len(batch) for batch in batches(dataset)] == [6, 6, 6]
    assert sorted(dataset.skipped) == [
        (
            str(folder / "cats" / "3.bmp"),
            "it is not an image of a known kind, but text that begins with 'text'",
        ),
        (str(folder / "dogs" / "9.bmp"), "it is empty (0 bytes)"),
    ]
    resumed = image_folder(folder, 8, bad_images="skip", shuffle=True, first_epoch=2)
    assert all_levels(resumed) == epochs[2]


def test_files_that_are_no_images_are_listed_and_warned_of(folder):
    """They come before the bad ones in `skipped`, and do not count as images left out."""
    (folder / "cats" / "notes.txt").write_text("")
    (folder / "dogs" / "9.bmp").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"^Passed over 1 file .*'notes.txt'\.$") as warned:
        dataset = image_folder(folder, 8, bad_images="skip", shuffle=True)
    assert len(warned) == 1
    assert sorted(all_levels(dataset)) == LEVELS[:-1]
    assert dataset.skipped == [
        (str(folder / "cats" / "notes.txt"), "no image that can be read ends in .txt"),
        (str(folder / "dogs" / "9.bmp"), "it is empty (0 bytes)"),
    ]


@pytest.mark.parametrize("subset", ["training", "held_out", "both"])
def test_a_third_part_is_warned_of(folder, subset):
    """`train` and `val` are the parts; `test` beside them is not used, and that is said once."""
    root = folder.rename(folder.with_name("train")).parent
    for part in ("val", "test"):
        shutil.copytree(root / "train", root / part)
    with pytest.warns(UserWarning, match=r"val' is held out, and 'test' .* is not used") as warned:
        image_folder(root, 8, subset=subset)
    assert len(warned) == 1
    with pytest.raises(ValueError, match=r"holds 'test', 'train', 'val', .*, or `subset` to"):
        image_folder(root, 8)


def test_only_bad_files(folder):
    """When nothing is left, that is said."""
    for path in folder.rglob("*.bmp"):
        path.write_bytes(b"")
    with pytest.raises(Exception, match=r"None of the 20 images can be read; .*one whole image"):
        batches(image_folder(folder, 8, batch_size=20, bad_images="skip"))


def small_model():
    """Return a compiled model that tells dark from light."""
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 50, offset=-1)])
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(2, activation="softmax"))
    optimizer = keras.optimizers.Adam(0.05)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.medium
@pytest.mark.parametrize("bad_images", ["stop", "skip"])
def test_fit(folder, bad_images):
    """A model trains on it on every backend, with class weights, and learns."""
    dataset = image_folder(folder, 8, batch_size=6, shuffle=True, bad_images=bad_images)
    model = small_model()
    with warnings.catch_warnings():
        # Keras does not know beforehand how many are left out.
        warnings.filterwarnings("ignore", "Your input ran out of data")
        model.fit(dataset, epochs=12, shuffle=False, class_weight=dataset.class_weight, verbose=0)
        accuracy = model.evaluate(dataset, return_dict=True, verbose=0)["accuracy"]
    assert accuracy == 1


@pytest.mark.medium
def test_fit_counts_its_epochs(folder):
    """After k epochs of `fit`, the next has the order of epoch k, as a resumed run's first."""
    dataset = image_folder(folder, 8, batch_size=2, shuffle=True)
    small_model().fit(dataset, epochs=3, shuffle=False, verbose=0)
    assert all_levels(dataset) == all_levels(image_folder(folder, 8, shuffle=True, first_epoch=3))


WRONG = [
    ({"image_size": 0}, r"image_size=0.*at least 1.*one number for both sides"),
    ({"image_size": (8, 8)}, r"image_size=\(8, 8\).*one number for both sides"),
    ({"batch_size": 2.5}, r"batch_size=2.5.*whole number of at least 1"),
    ({"first_epoch": -1}, r"first_epoch=-1.*at least 0"),
    ({"resizing": "stretch"}, r"resizing='stretch'.*'shorter_side', 'warp'"),
    ({"subset": "validation"}, r"subset='validation'.*'training', 'held_out', 'both'"),
    ({"bad_images": "black"}, r"bad_images='black'.*'stop', 'skip'"),
    ({"held_out": 1.5}, r"held_out=1.5.*between 0 and 1"),
    ({"class_names": ["cats", "birds"]}, r"'dogs' matches none of the 2 classes \('cats', 'birds'"),
    ({"class_names": ["cats", "dogs", "dogs"]}, r"'dogs' in it more than once"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_arguments(folder, arguments, message):
    """What was wrong, what is expected, what to do."""
    with pytest.raises(ValueError, match=message):
        image_folder(folder, **{"image_size": 8, **arguments})
