"""Names of class folders: labels, WordNet identifiers such as n01440764, or both."""

import functools
import re
from collections.abc import Iterable, Sequence

from keras_alexnet.errors import UserError, first_few

WORDNET = re.compile(r"(n\d{8})(?:[-_ ]+(.+))?")


def match_folders(folders: Iterable[str], class_names: Sequence[str]) -> dict[str, int]:
    """Return the number of the class that each folder holds.

    A folder is matched by its whole name; failing that, by its WordNet identifier, where both it
    and the class have one; failing that, by its label, whatever its capitals, and with spaces,
    hyphens and underscores taken as the same.

    Args:
        folders: Names of folders.
        class_names: Names of classes, in the order of their numbers.

    Raises:
        UserError: If a name stands twice in `class_names`, a folder matches no class or several,
            or two folders match the same class.

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
                "Every class must have one folder at most.",
                "Merge the folders, or rename one.",
            )
        numbers[folder] = number
        taken[number] = folder
    return numbers


def matches(folder: str, class_names: Sequence[str]) -> list[int]:
    """Return the numbers of the classes that fit a folder by the first rule that any fits by.

    Example:

    >>> matches("crane", ["n02012849_crane", "n03126707_crane"])
    [0, 1]
    """
    whole = [number for number, name in enumerate(class_names) if name == folder]
    if whole:
        return whole
    identifier, label = _parts(folder)
    parts = [_parts(name) for name in class_names]
    same = [number for number, (other, _) in enumerate(parts) if identifier and other == identifier]
    if same:
        return same
    return [
        number
        for number, (other, name) in enumerate(parts)
        if label and name == label and not (identifier and other)
    ]


def parts(name: str) -> tuple[str, str]:
    """Return the WordNet identifier and the label of a name, either of them empty.

    Example:

    >>> parts("n01440764_tench"), parts("n01440764"), parts("tench")
    (('n01440764', 'tench'), ('n01440764', ''), ('', 'tench'))
    """
    found = WORDNET.fullmatch(name)
    return (found[1], found[2] or "") if found else ("", name)


@functools.lru_cache(maxsize=4096)  # a thousand folders meet a thousand classes
def _parts(name: str) -> tuple[str, str]:
    """Return them with the label in small letters, and single spaces between its words."""
    identifier, label = parts(name)
    return identifier, re.sub(r"[-_ ]+", " ", label).strip().lower()


def _only(folder: str, found: list[int], class_names: Sequence[str]) -> int:
    if len(found) == 1:
        return found[0]
    if found:
        several = " and ".join(repr(class_names[number]) for number in found)
        wrong = f"The folder {folder!r} matches more than one class: {several}."
    else:
        wrong = (
            f"The folder {folder!r} matches none of the {len(class_names)} classes "
            f"({first_few(class_names)})."
        )
    raise UserError(
        wrong,
        "Every folder's name must be that of a class, its WordNet identifier or its label.",
        "Rename or remove the folder, or correct `class_names`.",
    )


def _check_distinct(class_names: Sequence[str]) -> None:
    twice = sorted({name for name in class_names if list(class_names).count(name) > 1})
    if twice:
        raise UserError(
            f"Received class_names with {twice[0]!r} in it more than once.",
            "Every class must be named once.",
            "Remove the second.",
        )
