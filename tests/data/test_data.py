"""The drawn images, and folders of images."""

import numpy as np
import pytest
from PIL import Image

from keras_alexnet.data.classes import match_folders
from keras_alexnet.data.drawn import CLASS_NAMES, drawn_images
from keras_alexnet.data.labelled import find_images, training_and_held_out

pytestmark = pytest.mark.backend_free


def test_drawn_images_are_reproducible():
    """The same seed draws the same images; another seed draws others."""
    images, labels = drawn_images(30, seed=3, size=64)
    again, labels_again = drawn_images(30, seed=3, size=64)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels, labels_again)
    assert not np.array_equal(images, drawn_images(30, seed=4, size=64)[0])


def test_drawn_classes_are_balanced_and_drawn():
    """Every class has its share, at 256 pixels by default, and no image is of one colour."""
    images, labels = drawn_images(40, seed=0)
    assert images.shape == (40, 256, 256, 3)
    assert np.bincount(labels).tolist() == [4] * len(CLASS_NAMES)
    assert all((image != image[0, 0]).any() for image in images)


def test_circles_are_rounder_than_stars():
    """Labels say what is drawn: the share of its own bounding box that a figure fills."""
    images, labels = drawn_images(100, seed=0, size=128)
    fills = {name: fill(images[labels == number]) for number, name in enumerate(CLASS_NAMES)}
    assert fills["circle"] == pytest.approx(np.pi / 4, abs=0.03)
    assert fills["star"] < fills["triangle"] < fills["circle"]


@pytest.mark.parametrize("name", ["stripes", "checks"])
def test_a_pattern_of_two_colours_is_even(name):
    """Half of the image has each: the bands are as wide as the gaps, whatever their angle."""
    images, labels = drawn_images(60, seed=0)
    for image in images[labels == CLASS_NAMES.index(name)]:
        _, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
        assert len(counts) == 2
        assert counts.max() / counts.sum() < 0.6


def fill(images) -> float:
    """Return the mean share of the bounding box of what differs from the top left corner."""
    shares = []
    for image in images.astype(int):
        figure = np.abs(image - image[0, 0]).sum(axis=-1) > 60
        rows, columns = np.flatnonzero(figure.any(1)), np.flatnonzero(figure.any(0))
        box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        shares.append(figure.sum() / box)
    return float(np.mean(shares))


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
    assert files.notes == ("The folder 'empty' holds no image and is no class.",)
    assert files.class_names == ("blue", "red")
    assert len(files) == 20
    assert all(files.class_names[label] in path for path, label in pairs(files))


def pairs(files):
    """Return (path, label) pairs."""
    return list(zip(files.paths, files.labels, strict=True))


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
    with pytest.raises(ValueError, match=r"holds no class folders.*Two classes.*cats/ and dogs/"):
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
    with pytest.raises(ValueError, match=r"one class only, 'cats'.*Two classes"):
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


CLASSES = [
    "n01440764_tench",
    "n01443537",
    "great white shark",
    "n02012849 crane",
    "n03126707-crane",
]


@pytest.mark.parametrize(
    ("folder_name", "number"),
    [
        ("n01440764_tench", 0),
        ("n01440764", 0),
        ("n01440764 Tinca tinca", 0),
        ("Tench", 0),
        ("n01443537-goldfish", 1),
        ("Great_White-Shark", 2),
        ("n01484850_great_white_shark", 2),
        ("n02012849", 3),
        ("n03126707_crane", 4),
    ],
)
def test_folders_match_by_name_identifier_or_label(folder_name, number):
    """The identifier decides where both have one, the label where they do not."""
    assert match_folders([folder_name], CLASSES) == {folder_name: number}


def test_the_whole_name_comes_first():
    """A folder that is named exactly as a class is that class, whatever else would fit."""
    assert match_folders(["cat", "Cat"], ["Cat", "cat"]) == {"cat": 1, "Cat": 0}


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["goldfish"], r"'goldfish' matches none of the 5 classes \('n01440764_tench', "),
        (["n99999999_tench"], r"'n99999999_tench' matches none"),
        (["n0144076"], r"matches none"),
        (
            ["crane"],
            r"'crane' matches more than one class: 'n02012849 crane' and 'n03126707-crane'",
        ),
        (["tench", "n01440764"], r"'tench' and 'n01440764' both match the class 'n01440764_tench'"),
    ],
)
def test_folders_that_do_not_match(folders, message):
    """None, several, and two for one are named; a wrong identifier is not saved by its label."""
    with pytest.raises(ValueError, match=message):
        match_folders(folders, CLASSES)


def test_parts_need_not_hold_all_named_classes(folder, tmp_path):
    """With `class_names`, a part may lack a class, and the numbers stay."""
    data = tmp_path / "data"
    for part, colours in (("train", ("red", "blue")), ("val", ("red",))):
        (data / part).mkdir(parents=True)
        for colour in colours:
            (data / part / colour).symlink_to(folder / colour)
    training, held_out = training_and_held_out(str(data), class_names=["red", "green", "blue"])
    assert (set(training.labels), set(held_out.labels)) == ({0, 2}, {0})
