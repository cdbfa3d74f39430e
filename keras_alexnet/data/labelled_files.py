"""`LabelledFiles`: image files with their classes, and the functions that find and split them."""

import dataclasses
import os
from collections.abc import Callable, Sequence

import numpy as np

from keras_alexnet.data.classes import match_folders
from keras_alexnet.data.layout import (
    EXPECTED,
    folder_above,
    has_images,
    named_splits,
    refuse_misplaced,
)
from keras_alexnet.data.paths import (
    few,
    image_paths,
    images_and_others,
    passed_over_note,
    readable_folder,
    subfolders,
)
from keras_alexnet.errors import UserError

__all__ = ["LabelledFiles", "find_images"]


@dataclasses.dataclass(frozen=True)
class LabelledFiles:
    """Images of a folder with class folders, and the files there that are not used.

    Args:
        paths: The images.
        labels: The index of each image's class in `class_names`.
        class_names: The classes.
        passed_over: The files in the class folders without an image's ending.
        notes: Sentences on other files and folders that are not used. `folder_notes` returns them
            with `passed_over`.
        unreadable: The path and the reason of the files left out because they cannot be read.
    """

    paths: tuple[str, ...]
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    passed_over: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.paths)

    def take(self, indices: Sequence[int]) -> "LabelledFiles":
        """Return the files with these indices, and all notes on the folder."""
        return dataclasses.replace(
            self,
            paths=tuple(self.paths[index] for index in indices),
            labels=tuple(self.labels[index] for index in indices),
        )

    def joined(self, other: "LabelledFiles") -> "LabelledFiles":
        """Return these files and then those of another part with the same classes."""
        return dataclasses.replace(
            other,
            paths=self.paths + other.paths,
            labels=self.labels + other.labels,
            passed_over=tuple(dict.fromkeys(self.passed_over + other.passed_over)),
            notes=tuple(dict.fromkeys(self.notes + other.notes)),
            unreadable=tuple(dict.fromkeys(self.unreadable + other.unreadable)),
        )

    def noted(self, notes: Sequence[str]) -> "LabelledFiles":
        """Return the same files with more notes before their own."""
        return dataclasses.replace(self, notes=(*notes, *self.notes))

    def class_weight(self) -> dict[int, float]:
        """Return the weights that give every class the same influence: see `balanced_weights`."""
        return balanced_weights(self.labels)


def balanced_weights(labels: Sequence[int]) -> dict[int, float]:
    """Return the weights that give every class the same influence: `n / (classes * count)`.

    Classes without images do not count and have no weight.

    >>> balanced_weights([0, 0, 0, 2])
    {0: 0.6666666666666666, 2: 2.0}
    """
    counts = np.bincount(labels).tolist()
    present = [label for label, count in enumerate(counts) if count]
    return {label: len(labels) / (len(present) * counts[label]) for label in present}


def folder_notes(*files: LabelledFiles) -> list[str]:
    """Return a sentence on each file or folder that is not used; most folders have none.

    Example:

    >>> files = LabelledFiles((), (), ("cat", "dog"), passed_over=("cat/a.heic",))
    >>> folder_notes(files, files)
    ["Passed over 1 file without the ending of an image that can be read: 'a.heic'."]
    """
    notes = dict.fromkeys(note for split in files for note in split.notes)
    passed_over = dict.fromkeys(path for split in files for path in split.passed_over)
    return [*notes, *filter(None, [passed_over_note(list(passed_over))])]


def training_and_held_out(
    directory: str,
    seed: int = 0,
    held_out: float = 0.2,
    class_names: Sequence[str] | None = None,
    usable: Callable[[LabelledFiles], LabelledFiles] = lambda files: files,
) -> tuple[LabelledFiles, LabelledFiles]:
    """Return the training images and the held-out images of a folder.

    Args:
        directory: A folder with one folder of images per class, or with two such folders named
            `train` and `val` (or `validation`, `valid`, `test`). Folders of these names that hold
            images themselves are classes.
        seed: Decides which images are held out if the folder has no such two folders.
        held_out: The share of each class that is then held out; at least one image, never all.
        class_names: The classes in the order of their numbers, as `find_images` takes them.
        usable: Takes the files found and returns those to use.

    Raises:
        UserError: If there is no such folder, or no images, or only one class in it.
    """
    named = named_splits(directory)
    if not named:
        return _split(usable(find_images(directory, class_names)), seed, held_out)
    training = find_images(named.training, class_names).noted(named.notes)
    test = find_images(named.held_out, class_names).noted(named.notes)
    if training.class_names != test.class_names:
        odd = sorted(set(training.class_names) ^ set(test.class_names))
        raise UserError(
            f"The folders {named.training!r} and {named.held_out!r} do not hold the same classes: "
            f"{odd[0]!r} is in one of them only.",
            "Both must have one folder per class, with the same names.",
            "Rename or remove the folders that differ.",
        )
    return usable(training), usable(test)


def _split(files, seed, held_out) -> tuple[LabelledFiles, LabelledFiles]:
    """Split off the same share of every class."""
    rng = np.random.default_rng(seed)
    labels = np.array(files.labels)
    kept: list[int] = []
    taken: list[int] = []
    for label in sorted(set(files.labels)):
        members = rng.permutation(np.flatnonzero(labels == label)).tolist()
        if len(members) < 2:
            folder = os.path.dirname(files.paths[members[0]])
            raise UserError(
                f"The class folder {folder!r} holds a single image.",
                "Every class needs at least two images: one to train on, one to hold out.",
                "Add images to the folder, or remove it.",
            )
        count = min(max(1, round(held_out * len(members))), len(members) - 1)
        taken += members[:count]
        kept += members[count:]
    return files.take(sorted(kept)), files.take(sorted(taken))


def refuse_empty(directory: str) -> None:
    """Raise if there is no such folder, or no image in it: at once, such as before a download.

    Raises:
        UserError: The same as from `find_images`.
    """
    with readable_folder(directory, EXPECTED):
        if not has_images(directory):
            raise _too_few(directory, [], [], images_and_others(directory)[1])


def find_images(directory: str, class_names: Sequence[str] | None = None) -> LabelledFiles:
    """Return the images of a folder with one folder per class, in order of name.

    Args:
        directory: The folder. Hidden files do not count; `passed_over` lists files without an
            image's ending.
        class_names: The classes in the order of their numbers. `match_folders` matches the folders
            with them; some classes may have no folder. `None` takes the names of the folders in
            alphabetical order.

    Raises:
        UserError: If there is no such folder, or no images, or only one class in it where
            `class_names` does not name more; if a folder and the names do not match; if the class
            folders lie one level lower, as in `train` and `val`.
    """
    with readable_folder(directory, EXPECTED):
        remarks = refuse_misplaced(directory) if class_names is None else ()
        found, others = _class_folders(directory)
        loose = sorted(image_paths(directory, deep=False))
        if len(found) < (2 if class_names is None else 1):
            raise _too_few(directory, list(found), loose, others)
        names = tuple(found) if class_names is None else tuple(class_names)
        try:
            numbers = match_folders(found, names)
        except UserError:
            refuse_misplaced(directory)  # its message says more than the matching's
            raise
        empty = [path for path in subfolders(directory) if os.path.basename(path) not in found]
    pairs = [(path, numbers[folder]) for folder in found for path in found[folder]]
    paths, labels = zip(*pairs, strict=True)
    return LabelledFiles(
        paths, labels, names, tuple(others), (*remarks, *_notes(directory, loose, empty))
    )


def _class_folders(directory: str) -> tuple[dict[str, list[str]], list[str]]:
    """Return the images of each class folder, and the other files of all folders."""
    found, passed_over = {}, []
    for folder in subfolders(directory):
        images, others = images_and_others(folder)
        passed_over += others
        if images:
            found[os.path.basename(folder)] = images
    return found, passed_over


def _notes(directory: str, loose: list[str], empty: list[str]) -> tuple[str, ...]:
    """Return a sentence on images beside the class folders, and one on folders without images."""
    notes = []
    if loose:
        count = "1 image lies" if len(loose) == 1 else f"{len(loose):,} images lie"
        notes.append(f"{count} in {directory!r} itself, beside the class folders: {few(loose)}.")
    if empty:
        notes.append(
            f"The folder {few(empty)} holds no image and is not a class."
            if len(empty) == 1
            else f"The folders {few(empty)} hold no image and are not classes."
        )
    return tuple(notes)


def _too_few(directory: str, found: list[str], loose: list[str], others: list[str]) -> UserError:
    """Return the error for a folder with fewer than two classes."""
    holds = f"images of one class only, {found[0]!r}" if found else "no class folders with images"
    beside = f" ({len(loose)} images lie beside the folders, not in them)" if loose else ""
    above = folder_above(directory) if loose else None
    return UserError(
        f"The folder {directory!r} holds {holds}{beside}. {passed_over_note(others)}".strip(),
        "It must hold a folder for each of two or more classes, with images in it (.jpg, .png and "
        "the other endings that Pillow reads).",
        f"If the folders beside it are the other classes, pass the folder above, {above!r}."
        if above
        else "Sort the images into one folder per class, such as cats/ and dogs/.",
    )
