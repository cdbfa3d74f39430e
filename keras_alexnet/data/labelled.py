"""Image files and the class of each: found, matched with names, split."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from keras_alexnet.data.classes import match_folders
from keras_alexnet.data.paths import ENDINGS, image_paths, listed
from keras_alexnet.errors import UserError, explain

TRAINING, HELD_OUT = ("train", "training"), ("val", "valid", "validation", "test")


@dataclasses.dataclass(frozen=True)
class LabelledFiles:
    """Paths of images and the number of each one's class, in `class_names`."""

    paths: tuple[str, ...]
    labels: tuple[int, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.paths)

    def take(self, indices: Sequence[int]) -> "LabelledFiles":
        """Return the files at these places."""
        return LabelledFiles(
            tuple(self.paths[index] for index in indices),
            tuple(self.labels[index] for index in indices),
            self.class_names,
        )

    def class_weight(self) -> dict[int, float]:
        """Return the weights under which every class counts the same: `n / (classes * count)`.

        Classes without images are not counted and have no weight.
        """
        counts = np.bincount(self.labels).tolist()
        present = [label for label, count in enumerate(counts) if count]
        return {label: len(self) / (len(present) * counts[label]) for label in present}


def training_and_held_out(
    directory: str,
    seed: int = 0,
    held_out: float = 0.2,
    class_names: Sequence[str] | None = None,
) -> tuple[LabelledFiles, LabelledFiles]:
    """Find the images to train on and those held out to measure with.

    Args:
        directory: A folder with one folder of images per class, or with two such folders named
            `train` and `val` (or `validation`, `valid`, `test`).
        seed: Decides which images are held out where the folder does not say.
        held_out: The part of each class that is held out then; one image at least, and never all.
        class_names: The classes in the order of their numbers, as `find_images` takes them.

    Raises:
        UserError: If there is no such folder, or no images, or only one class in it.
    """
    parts = _named_parts(directory)
    if not parts:
        return _split(directory, find_images(directory, class_names), seed, held_out)
    training, test = (find_images(part, class_names) for part in parts)
    if training.class_names != test.class_names:
        odd = sorted(set(training.class_names) ^ set(test.class_names))
        raise UserError(
            explain(
                f"{parts[0]!r} and {parts[1]!r} do not hold the same classes: {odd[0]!r} "
                "stands in one of them only.",
                "Both must have one folder per class, with the same names.",
                "Rename or remove the folders that differ.",
            )
        )
    return training, test


def _named_parts(directory: str) -> tuple[str, str] | None:
    def first(names):
        folders = (os.path.join(directory, name) for name in names)
        return next((folder for folder in folders if os.path.isdir(folder)), None)

    training, test = first(TRAINING), first(HELD_OUT)
    return (training, test) if training and test else None


def _split(directory, files, seed, held_out) -> tuple[LabelledFiles, LabelledFiles]:
    """Hold out the same part of every class."""
    rng = np.random.default_rng(seed)
    labels = np.array(files.labels)
    kept: list[int] = []
    taken: list[int] = []
    for label in sorted(set(files.labels)):
        members = rng.permutation(np.flatnonzero(labels == label)).tolist()
        if len(members) < 2:
            folder = os.path.dirname(files.paths[members[0]])
            raise UserError(
                explain(
                    f"The class folder {folder!r} holds a single image.",
                    "Every class needs two at least: one to train on, one to hold out.",
                    "Add images to it, or remove the folder.",
                )
            )
        count = min(max(1, round(held_out * len(members))), len(members) - 1)
        taken += members[:count]
        kept += members[count:]
    return files.take(sorted(kept)), files.take(sorted(taken))


def find_images(directory: str, class_names: Sequence[str] | None = None) -> LabelledFiles:
    """List the images of a folder with one folder per class, in order of name.

    Args:
        directory: The folder. Hidden files, and those without an image's ending, are left alone.
        class_names: The classes in the order of their numbers, which folders are matched with
            (`match_folders`) and of which some may have no folder; `None` for the names of the
            folders in alphabetical order.

    Raises:
        UserError: If there is no such folder, or no images, or only one class in it where
            `class_names` does not name more; if a folder and the names do not match.
    """
    with listed(directory, "A folder with one folder of images per class was expected."):
        found = _class_folders(directory)
        if len(found) < (2 if class_names is None else 1):
            raise _too_few(directory, list(found))
    names = tuple(found) if class_names is None else tuple(class_names)
    numbers = match_folders(found, names)
    pairs = [(path, numbers[folder]) for folder in found for path in found[folder]]
    paths, labels = zip(*pairs, strict=True)
    return LabelledFiles(paths, labels, names)


def _class_folders(directory: str) -> dict[str, list[str]]:
    found = {}
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if entry.is_dir() and not entry.name.startswith("."):
            images = sorted(image_paths(entry.path))
            if images:
                found[entry.name] = images
    return found


def _too_few(directory: str, found: list[str]) -> UserError:
    wrong = f"images of one class only, {found[0]!r}" if found else "no class folders with images"
    loose = sum(1 for _ in image_paths(directory, deep=False))
    aside = f" ({loose} images lie beside the folders, not in them)" if loose else ""
    return UserError(
        explain(
            f"The folder {directory!r} holds {wrong}{aside}.",
            "Two classes at least were expected: a folder each, with images in it "
            f"({', '.join(ENDINGS)}).",
            "Sort the images into one folder per class, such as cats/ and dogs/.",
        )
    )
