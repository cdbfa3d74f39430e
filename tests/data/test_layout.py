"""Folders one level too high or too low, and parts of a data set: their content tells which."""

import pytest
from PIL import Image

from keras_alexnet.data.labelled_files import find_images, folder_notes, training_and_held_out
from keras_alexnet.data.layout import named_splits
from keras_alexnet.evaluation.folder import images_to_measure

pytestmark = pytest.mark.backend_free


@pytest.fixture
def tree(tmp_path):
    """Return what makes folders, each with two images in it, and returns the one above them."""

    def make(*folders):
        for folder in folders:
            (tmp_path / "data" / folder).mkdir(parents=True)
            for number in range(2):
                Image.new("L", (2, 2)).save(tmp_path / "data" / folder / f"{number}.png")
        return str(tmp_path / "data")

    return make


PARTS = ("train/cats", "train/dogs", "val/cats", "val/dogs")


def test_parts_are_no_classes(tree):
    """The parts, the class folders in them, and the folder to pass are named."""
    data = tree(*PARTS)
    with pytest.raises(
        ValueError,
        match=r"data' holds 'train', 'val', and the class folders, such as 'cats', 'dogs', lie in "
        r"'train', 'val'\. .*per class\. Pass one of these folders, such as '.*/data/train', "
        r"or `subset` to `image_folder`; if they are the classes .*, move .*`class_names`\.",
    ):
        find_images(data)
    training, held_out = training_and_held_out(data)
    assert (len(training), len(held_out), folder_notes(training, held_out)) == (4, 4, [])


@pytest.mark.parametrize(
    "folders",
    [
        ("Training/cats", "Training/dogs", "Eval/cats", "Eval/dogs", "Eval/birds"),
        ("fold1/cats", "fold1/dogs", "fold2/cats", "fold2/dogs", "fold3/cats", "fold3/dogs"),
        ("cats/train", "cats/val", "dogs/train", "dogs/val"),
    ],
)
def test_folders_that_share_folders_may_be_parts(tree, folders):
    """They are read as classes, as kinds of cats and dogs would be, and that is said."""
    data = tree(*folders)
    names = tuple(sorted({folder.partition("/")[0] for folder in folders}))
    shared = [name for name in ("cats", "dogs", "train", "val") if f"{names[0]}/{name}" in folders]
    files = find_images(data)
    assert files.class_names == names
    (note,) = folder_notes(files)
    taken = note.index("are taken as the classes. All of them hold")
    assert all(repr(name) in note[:taken] for name in names)
    assert all(repr(name) in note[taken:] for name in shared)
    assert folder_notes(*training_and_held_out(data)) == [note]
    assert images_to_measure(data, named_splits(data))[2] == [note]
    assert folder_notes(find_images(data, names)) == []


@pytest.mark.parametrize(
    "folders",
    [
        ("train", "test"),
        ("train", "test", "tram/old", "tram/new"),
        ("cats/young", "cats/old", "dogs/young", "dogs/puppies"),
        ("cats/young", "cats/old", "dogs"),
    ],
)
def test_folders_of_images_are_classes_whatever_their_names(tree, folders):
    """A railway's `train` and `test`, with images in them, are classes; so are those with kinds."""
    data = tree(*folders)
    names = tuple(sorted({folder.partition("/")[0] for folder in folders}))
    assert find_images(data).class_names == names
    training, held_out = training_and_held_out(data)
    assert training.class_names == held_out.class_names == names
    assert len(training) + len(held_out) == 2 * len(folders)
    assert images_to_measure(data, named_splits(data))[0].class_names == names


def test_what_is_beside_the_parts_is_said_not_to_be_used(tree):
    """With `train`, `val` and `test`, the first two are taken, and callers can say so."""
    data = tree(*PARTS, "test/cats", "test/dogs")
    note = (
        f"'{data}/train' is for training, '{data}/val' is held out, and 'test' beside them is not "
        "used."
    )
    training, held_out = training_and_held_out(data)
    assert folder_notes(training, held_out) == [note]
    measured, which, notes = images_to_measure(data, named_splits(data))
    assert (notes, which) == ([note], f"the images in '{data}/val'")
    assert measured.paths == held_out.paths


def test_a_test_folder_without_classes_is_no_part(tree):
    """Loose images in `test` cannot be measured; `train` is named, which can be split."""
    data = tree("train/cats", "train/dogs", "test")
    for find in (find_images, training_and_held_out):
        with pytest.raises(
            ValueError, match=r"lie in 'train'\. .*Pass one of these folders, such as '.*/tr"
        ):
            find(data)
    data = tree("valid/cats", "valid/dogs")
    assert "/valid/" in training_and_held_out(data)[1].paths[0]


@pytest.mark.parametrize("folders", [("cats", "dogs"), PARTS])
@pytest.mark.parametrize("names", [None, ["cats", "dogs"]])
def test_a_wrapper_names_the_folder_inside(tree, folders, names):
    """An archive that was unpacked into a folder of its own is one or more levels too high."""
    data = tree(*(f"photos/photos-1.0/{folder}" for folder in folders))
    for find in (find_images, training_and_held_out):
        with pytest.raises(
            ValueError,
            match=r"holds images in one folder only, and .* lie in '(.*/photos/photos-1\.0)'\. .*"
            r"Pass '\1'\.",
        ):
            find(data, class_names=names)


def test_a_class_folder_names_the_folder_above(tree, monkeypatch):
    """One level too low, there are images and no folders; the folder above has the classes."""
    data = tree("cats", "dogs")
    message = rf"holds no class folders .*\(2 images lie beside.* pass the folder above, '{data}'\."
    with pytest.raises(ValueError, match=message):
        find_images(f"{data}/cats/")
    monkeypatch.chdir(f"{data}/cats")
    with pytest.raises(ValueError, match=message):
        training_and_held_out(".")


def test_images_beside_class_folders_are_said_not_to_be_used(tree, tmp_path):
    """They have no class."""
    data = tree("cats", "dogs")
    Image.new("L", (2, 2)).save(tmp_path / "data" / "loose.png")
    assert folder_notes(*training_and_held_out(data)) == [
        f"1 image lies in {data!r} itself, beside the class folders: 'loose.png'."
    ]
