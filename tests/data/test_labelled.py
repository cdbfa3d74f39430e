"""Folders of images: which files are found, and how they are split."""

import numpy as np
import pytest
from PIL import Image

from keras_alexnet.data.labelled_files import LabelledFiles, find_images, training_and_held_out

pytestmark = pytest.mark.backend_free


@pytest.fixture
def folder(tmp_path):
    """Two classes of ten images, by colour, one of them a level deeper, and things to ignore."""
    for name, colour in [("red", (255, 0, 0)), ("blue", (0, 0, 255))]:
        for number in range(10):
            place = tmp_path / name / "more" if number == 9 else tmp_path / name
            place.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 30), colour).save(place / f"{number}.png")
    (tmp_path / "red" / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_find_images(folder):
    """Classes are the folders with images, in order of name; other files are passed over."""
    files = find_images(str(folder))
    assert files.passed_over == (str(folder / "red" / "notes.txt"),)
    assert files.notes == ("The folder 'empty' holds no image and is not a class.",)
    assert files.class_names == ("blue", "red")
    assert len(files) == 20
    assert all(files.class_names[label] in path for path, label in pairs(files))


def pairs(files):
    """Return (path, label) pairs."""
    return list(zip(files.paths, files.labels, strict=True))


def test_joined_parts():
    """Files stay in order, and what is not used of either part is kept once."""
    bad = ("cat/2.png", "it is empty")
    one = LabelledFiles(("cat/1.png",), (0,), ("cat", "dog"), ("cat/a.txt",), ("A note.",), (bad,))
    other = LabelledFiles(("dog/3.png", "cat/4.png"), (1, 0), ("cat", "dog"), (), ("A note.",))
    joined = one.joined(other)
    assert pairs(joined) == [("cat/1.png", 0), ("dog/3.png", 1), ("cat/4.png", 0)]
    assert joined.class_names == ("cat", "dog")
    assert (joined.passed_over, joined.notes) == (("cat/a.txt",), ("A note.",))
    assert joined.unreadable == (bad,) == other.joined(one).unreadable


def test_split_is_stratified_disjoint_and_seeded(folder):
    """A fifth of every class is held out, nothing is in both parts, the seed decides."""
    training, held_out = training_and_held_out(str(folder), seed=1)
    assert np.bincount(training.labels).tolist() == [8, 8]
    assert np.bincount(held_out.labels).tolist() == [2, 2]
    assert sorted(pairs(training) + pairs(held_out)) == sorted(pairs(find_images(str(folder))))
    assert training_and_held_out(str(folder), seed=1) == (training, held_out)
    assert training_and_held_out(str(folder), seed=2) != (training, held_out)


@pytest.mark.parametrize("name", ["val", "test", "validation"])
def test_named_parts_are_taken_as_they_are(folder, tmp_path, name):
    """`train` and `val` folders are the two parts."""
    data = tmp_path / "data"
    for part in ("train", name):
        (data / part).mkdir(parents=True)
        for colour in ("red", "blue"):
            (data / part / colour).symlink_to(folder / colour)
    training, held_out = training_and_held_out(str(data))
    assert len(training) == len(held_out) == 20
    assert all(f"/{name}/" in path for path in held_out.paths)


def test_named_parts_must_agree(folder, tmp_path):
    """A class that only one part has is named."""
    data = tmp_path / "data"
    for part, colours in (("train", ("red", "blue")), ("val", ("red", "blue", "more"))):
        (data / part).mkdir(parents=True)
        for colour in colours:
            source = folder / ("red" if colour == "more" else colour)
            (data / part / colour).symlink_to(source)
    with pytest.raises(ValueError, match=r"same classes: 'more'.*Rename or remove"):
        training_and_held_out(str(data))


def test_missing_folder():
    """A folder that does not exist is said not to."""
    with pytest.raises(ValueError, match=r"'no/such', which does not exist.*current folder"):
        find_images("no/such")


def test_file_for_a_folder(tmp_path):
    """A file where a folder is meant is said to be one."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="which is a file"):
        find_images(str(tmp_path / "file"))


def test_empty_folder(tmp_path):
    """A folder without class folders says what was expected."""
    with pytest.raises(ValueError, match=r"holds no class folders.*two or more.*cats/ and dogs/"):
        find_images(str(tmp_path))


def test_loose_images(tmp_path):
    """Images that lie beside the folders are counted in the message."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="1 images lie beside"):
        find_images(str(tmp_path))


def test_one_class_only(tmp_path):
    """One class is not enough, and is named."""
    (tmp_path / "cats").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "cats" / "a.png")
    with pytest.raises(ValueError, match=r"one class only, 'cats'.*two or more"):
        find_images(str(tmp_path))


def test_class_of_one_image(folder):
    """A class with a single image cannot be split, and is named."""
    (folder / "empty").rename(folder / "green")
    Image.new("RGB", (8, 8)).save(folder / "green" / "a.png")
    with pytest.raises(ValueError, match=r"green' holds a single image.*Add images"):
        training_and_held_out(str(folder))


@pytest.mark.parametrize("share", [0.01, 0.2, 0.99])
def test_every_part_has_every_class(folder, share):
    """However small or large the part, one image of each class at least is in both."""
    parts = training_and_held_out(str(folder), held_out=share)
    assert [set(part.labels) for part in parts] == [{0, 1}, {0, 1}]


def test_hidden_files_and_loops_are_left_alone(folder):
    """Neither what an editor hides in a class folder nor a link that leads back is an image."""
    (folder / "red" / ".checkpoints").mkdir()
    for place in (".checkpoints/a.png", "._b.png"):
        Image.new("RGB", (8, 8)).save(folder / "red" / place)
    (folder / "red" / "more" / "again").symlink_to(folder / "red")
    (folder / "red" / "folder.png").mkdir()
    assert len(find_images(str(folder))) == 20


def test_parts_need_not_hold_all_named_classes(folder, tmp_path):
    """With `class_names`, a part may lack a class, and the numbers stay."""
    data = tmp_path / "data"
    for part, colours in (("train", ("red", "blue")), ("val", ("red",))):
        (data / part).mkdir(parents=True)
        for colour in colours:
            (data / part / colour).symlink_to(folder / colour)
    training, held_out = training_and_held_out(str(data), class_names=["red", "green", "blue"])
    assert (set(training.labels), set(held_out.labels)) == ({0, 2}, {0})
