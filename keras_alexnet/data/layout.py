"""The roles of the folders in a folder, by their images: class, part of a data set, wrapper.

A folder that holds images itself is a class folder, whatever its name. One that holds none itself,
but folders with images, may be a part of a data set, such as `train`, or a class of several kinds.
"""

import contextlib
import dataclasses
import os
from collections.abc import Iterable

from keras_alexnet.data.paths import few, image_paths, listed, subfolders
from keras_alexnet.errors import UserError

TRAINING, HELD_OUT = ("train", "training"), ("val", "valid", "validation", "test")
EXPECTED = "A folder with one folder of images per class was expected."
SHARED = 2  # class folders that parts without a known name have in common


@dataclasses.dataclass(frozen=True)
class Parts:
    """The folders of class folders into which a data set is divided.

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
        """Return a sentence that says which folder is for what, where one is not used."""
        if not self.unused:
            return ()
        verb = "is" if len(self.unused) == 1 else "are"
        return (
            f"{self.training!r} is for training, {self.held_out!r} is held out, and "
            f"{few(self.unused)} beside them {verb} not used.",
        )


def named_parts(directory: str) -> Parts | None:
    """Return the parts of a data set, if it has two that are known by name and by what they hold.

    Args:
        directory: The folder of the data set, which need not exist. Its parts are folders of class
            folders, named `train` (or `training`) and `val` (or `valid`, `validation`, `test`).
    """
    if not os.path.isdir(directory):
        return None
    with listed(directory, EXPECTED):
        training, held_out = (_first_part(directory, names) for names in (TRAINING, HELD_OUT))
        if training is None or held_out is None:
            return None
        others = (path for path in subfolders(directory) if path not in (training, held_out))
        return Parts(training, held_out, tuple(filter(has_images, others)))


def has_images(directory: str, deep: bool = True) -> bool:
    """Return whether there is an image in a folder, or in the folders in it."""
    return next(image_paths(directory, deep), None) is not None


def refuse_misplaced(directory: str) -> tuple[str, ...]:
    """Raise if the class folders lie in folders of a folder: in its parts, or in a single one.

    Returns:
        A sentence, if the folders may be parts or classes: they all hold the same folders, but
        none has the name of a part.

    Raises:
        UserError: It names the folders that hold the class folders, and what to pass.
    """
    folders = list(filter(has_images, subfolders(directory)))
    if len(folders) == 1 and not has_images(directory, deep=False):
        _refuse_wrapper(directory, folders[0])
    return _refuse_parts(directory, folders) if len(folders) > 1 else ()


def folder_above(directory: str) -> str | None:
    """Return the folder that a folder of images lies in, if others of images lie beside it."""
    here = os.path.abspath(directory)
    above = os.path.dirname(here)
    with contextlib.suppress(OSError):  # folders that nobody asked for need not be readable
        beside = (path for path in subfolders(above) if path != here)
        if any(has_images(path, deep=False) for path in beside):
            return above
    return None


def _first_part(directory: str, names: Iterable[str]) -> str | None:
    paths = (os.path.join(directory, name) for name in names)
    return next((path for path in paths if os.path.isdir(path) and _holds_folders(path)), None)


def _holds_folders(directory: str) -> bool:
    """Return whether images lie in folders of a folder and none in it itself."""
    if has_images(directory, deep=False):
        return False
    return any(has_images(path) for path in subfolders(directory))


def _refuse_wrapper(directory: str, inner: str) -> None:
    while _holds_folders(inner):
        folders = list(filter(has_images, subfolders(inner)))
        if len(folders) > 1:
            raise UserError(
                f"The folder {directory!r} holds images in one folder only, and the folders "
                f"{few(folders)} lie in {inner!r}.",
                EXPECTED,
                f"Pass {inner!r}.",
            )
        inner = folders[0]


def _refuse_parts(directory: str, folders: list[str]) -> tuple[str, ...]:
    nests = list(filter(_holds_folders, folders))
    inside = [[os.path.basename(path) for path in subfolders(nest)] for nest in nests]
    shared = sorted(set.intersection(*map(set, inside))) if nests else []
    names = {os.path.basename(path) for path in folders}
    known = [nest for nest in nests if os.path.basename(nest) in (*TRAINING, *HELD_OUT)]
    if not (names.intersection(TRAINING) and names.intersection(HELD_OUT) and known):
        if len(nests) < len(folders) or len(shared) < SHARED:
            return ()
        return (
            f"The folders {few(folders)} are taken as the classes. All of them hold {few(shared)}: "
            "if those are the classes, give one of the outer folders.",
        )
    parts = known
    classes = shared or [os.path.basename(path) for path in subfolders(parts[0])]
    named = named_parts(directory)
    one = repr(named.training if named else parts[0])
    by_subset = ", or `subset` to `image_folder`" if named else ""
    raise UserError(
        f"The folder {directory!r} holds {few(folders)}, and the class folders, such as "
        f"{few(classes)}, lie in {few(parts)}.",
        EXPECTED,
        f"Pass one of them, such as {one}{by_subset}; if they are the classes "
        "themselves, move their images up into them, or name them in `class_names`.",
    )
