"""The layout of a data set: which folders are classes, splits such as `train`, or wrappers.

A folder that holds images itself is a class folder, whatever its name. A folder that holds only
folders with images may be a split of the data set, such as `train`, or a class of several kinds.
"""

import contextlib
import dataclasses
import os
from collections.abc import Iterable

from keras_alexnet.data.paths import few, image_paths, readable_folder, subfolders
from keras_alexnet.errors import UserError

TRAINING, HELD_OUT = ("train", "training"), ("val", "valid", "validation", "test")
EXPECTED = "The folder must hold one folder of images per class."
SHARED = 2  # class folders that splits without a known name must have in common


@dataclasses.dataclass(frozen=True)
class NamedSplits:
    """The splits of a data set, as its folders name them.

    Args:
        training: The folder to train on.
        held_out: The folder to measure with.
        unused: The other folders beside them that hold images.
    """

    training: str
    held_out: str
    unused: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Return a sentence on the use of each folder, if one is not used."""
        if not self.unused:
            return ()
        verb = "is" if len(self.unused) == 1 else "are"
        return (
            f"{self.training!r} is for training, {self.held_out!r} is held out, and "
            f"{few(self.unused)} beside them {verb} not used.",
        )


def named_splits(directory: str) -> NamedSplits | None:
    """Return the splits of a data set, if it has a training and a held-out one by name and content.

    Args:
        directory: The folder of the data set, which need not exist. A split is a folder of class
            folders, named `train` (or `training`) and `val` (or `valid`, `validation`, `test`).
    """
    if not os.path.isdir(directory):
        return None
    with readable_folder(directory, EXPECTED):
        training, held_out = (_first_split(directory, names) for names in (TRAINING, HELD_OUT))
        if training is None or held_out is None:
            return None
        others = (path for path in subfolders(directory) if path not in (training, held_out))
        return NamedSplits(training, held_out, tuple(filter(has_images, others)))


def has_images(directory: str, deep: bool = True) -> bool:
    """Return whether a folder holds an image, itself or, if `deep`, in the folders in it."""
    return next(image_paths(directory, deep), None) is not None


def refuse_misplaced(directory: str) -> tuple[str, ...]:
    """Raise if the class folders lie one level lower: in splits, or in a single folder.

    Returns:
        A sentence, if the folders may be splits or classes, since they all hold the same folders,
        but none has the name of a split.

    Raises:
        UserError: It names the folders that hold the class folders, and the folder to pass.
    """
    folders = list(filter(has_images, subfolders(directory)))
    if len(folders) == 1 and not has_images(directory, deep=False):
        _refuse_wrapper(directory, folders[0])
    return _refuse_splits(directory, folders) if len(folders) > 1 else ()


def folder_above(directory: str) -> str | None:
    """Return the parent of a folder of images, if other folders of images lie beside it."""
    here = os.path.abspath(directory)
    above = os.path.dirname(here)
    with contextlib.suppress(OSError):  # folders that the user did not name may be unreadable
        beside = (path for path in subfolders(above) if path != here)
        if any(has_images(path, deep=False) for path in beside):
            return above
    return None


def _first_split(directory: str, names: Iterable[str]) -> str | None:
    paths = (os.path.join(directory, name) for name in names)
    return next((path for path in paths if os.path.isdir(path) and _holds_folders(path)), None)


def _holds_folders(directory: str) -> bool:
    """Return whether a folder holds images only in the folders in it."""
    if has_images(directory, deep=False):
        return False
    return any(has_images(path) for path in subfolders(directory))


def _refuse_wrapper(directory: str, inner: str) -> None:
    while _holds_folders(inner):
        folders = list(filter(has_images, subfolders(inner)))
        if len(folders) > 1:
            raise UserError(
                f"The folder {directory!r} holds images in one folder only, and the class folders "
                f"{few(folders)} lie in {inner!r}.",
                EXPECTED,
                f"Pass {inner!r}.",
            )
        inner = folders[0]


def _refuse_splits(directory: str, folders: list[str]) -> tuple[str, ...]:
    nested = list(filter(_holds_folders, folders))
    inside = [[os.path.basename(path) for path in subfolders(folder)] for folder in nested]
    shared = sorted(set.intersection(*map(set, inside))) if nested else []
    names = {os.path.basename(path) for path in folders}
    splits = [path for path in nested if os.path.basename(path) in (*TRAINING, *HELD_OUT)]
    if not (names.intersection(TRAINING) and names.intersection(HELD_OUT) and splits):
        if len(nested) < len(folders) or len(shared) < SHARED:
            return ()
        return (
            f"The folders {few(folders)} are taken as the classes. All of them hold {few(shared)}: "
            "if those are the classes, give one of the outer folders.",
        )
    classes = shared or [os.path.basename(path) for path in subfolders(splits[0])]
    named = named_splits(directory)
    one = repr(named.training if named else splits[0])
    by_subset = ", or `subset` to `image_folder`" if named else ""
    raise UserError(
        f"The folder {directory!r} holds {few(folders)}, and the class folders, such as "
        f"{few(classes)}, lie in {few(splits)}.",
        EXPECTED,
        f"Pass one of these folders, such as {one}{by_subset}; if they are the classes "
        "themselves, move their images up into them, or name them in `class_names`.",
    )
