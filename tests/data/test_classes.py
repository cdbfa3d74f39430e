"""Which folder is which class: by name, identifier or label."""

import pytest

from keras_alexnet.data.classes import match_folders

pytestmark = pytest.mark.backend_free

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
