"""The match of class folders and class names: labels, WordNet identifiers (n01440764) or both."""

import functools
import re
from collections.abc import Iterable, Sequence

from keras_alexnet.errors import UserError, first_few

WORDNET = re.compile(r"(n\d{8})(?:[-_ ]+(.+))?")


def match_folders(folders: Iterable[str], class_names: Sequence[str]) -> dict[str, int]:
    """Return the number of the class that each folder holds.

    A folder matches the class of its whole name; failing that, of its WordNet identifier, if both
    it and the class have one; failing that, of its label. Labels match whatever their case, and
    spaces, hyphens and underscores are the same.

    Args:
        folders: Names of folders.
        class_names: Names of classes, in the order of their numbers.

    Raises:
        UserError: If `class_names` has a name twice, a folder matches no class or several, or two
            folders match the same class.

    Example:

    >>> match_folders(["n01440764", "Great white-shark"], ["n01440764_tench", "great_white_shark"])
    {'n01440764': 0, 'Great white-shark': 1}
    """
    _check_distinct(class_names)
    numbers: dict[str, int] = {}
    taken: dict[int, str] = {}
    for folder in folders:
        number = _only(folder, matches(folder, class_names), class_names)
        if number in taken:
            raise UserError(
                f"The folders {taken[number]!r} and {folder!r} both match the class "
                f"{class_names[number]!r}.",
                "Every class must have at most one folder.",
                "Merge the folders, or rename one.",
            )
        numbers[folder] = number
        taken[number] = folder
    return numbers


def matches(folder: str, class_names: Sequence[str]) -> list[int]:
    """Return the numbers of the classes that match a folder by the first rule that has a match.

    Example:

    >>> matches("crane", ["n02012849_crane", "n03126707_crane"])
    [0, 1]
    """
    whole = [number for number, name in enumerate(class_names) if name == folder]
    if whole:
        return whole
    identifier, label = _normalized(folder)
    known = [_normalized(name) for name in class_names]
    same = [number for number, (other, _) in enumerate(known) if identifier and other == identifier]
    if same:
        return same
    return [
        number
        for number, (other, name) in enumerate(known)
        if label and name == label and not (identifier and other)
    ]


def identifier_and_label(name: str) -> tuple[str, str]:
    """Return the WordNet identifier and the label in a class name; either may be empty.

    Example:

    >>> [identifier_and_label(name) for name in ("n01440764_tench", "n01440764", "tench")]
    [('n01440764', 'tench'), ('n01440764', ''), ('', 'tench')]
    """
    found = WORDNET.fullmatch(name)
    return (found[1], found[2] or "") if found else ("", name)


@functools.lru_cache(maxsize=4096)  # a thousand folders are compared with a thousand classes
def _normalized(name: str) -> tuple[str, str]:
    """Return identifier and label, the label in lower case with single spaces."""
    identifier, label = identifier_and_label(name)
    return identifier, re.sub(r"[-_ ]+", " ", label).strip().lower()


def _only(folder: str, found: list[int], class_names: Sequence[str]) -> int:
    if len(found) == 1:
        return found[0]
    if found:
        several = " and ".join(repr(class_names[number]) for number in found)
        received = f"The folder {folder!r} matches more than one class: {several}."
    else:
        received = (
            f"The folder {folder!r} matches none of the {len(class_names)} classes "
            f"({first_few(class_names)})."
        )
    raise UserError(
        received,
        "Every folder must have the name, the WordNet identifier or the label of one class.",
        "Rename or remove the folder, or correct the names of the classes (`class_names`).",
    )


def _check_distinct(class_names: Sequence[str]) -> None:
    twice = sorted({name for name in class_names if list(class_names).count(name) > 1})
    if twice:
        raise UserError(
            f"Received class_names with {twice[0]!r} in it more than once.",
            "Every class must be named once.",
            "Remove the repeated name.",
        )
