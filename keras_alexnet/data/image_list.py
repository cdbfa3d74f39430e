"""`ImageList`: the images of files and folders, with the class folder of each."""

import dataclasses
import os
from collections.abc import Sequence

from keras_alexnet.arguments import file_path
from keras_alexnet.data.image_check import no_images
from keras_alexnet.data.layout import named_splits
from keras_alexnet.data.paths import images_and_others, readable_folder
from keras_alexnet.errors import UserError


@dataclasses.dataclass(frozen=True)
class ImageList:
    """Images to read, in order.

    Args:
        paths: The images.
        class_names: The name of each image's class folder; empty for an image in none.
        passed_over: The files in the folders without an image's ending.
    """

    paths: tuple[str, ...]
    class_names: tuple[str, ...]
    passed_over: tuple[str, ...]


def list_images(images) -> ImageList:
    """Return the images of files and folders, in the order given.

    Args:
        images: The path of an image file or of a folder, or a list of both. The images of a folder
            and of the folders in it are in order of name, without hidden files. Their class is the
            first folder below the one given, or below `train` and `val` in it.

    Raises:
        UserError: If there is no path, a path does not exist, or a folder cannot be listed or holds
            no images.

    Example:

    >>> import os, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> open(os.path.join(folder, "cat.jpg"), "wb").close()
    >>> [os.path.basename(path) for path in list_images(folder).paths]
    ['cat.jpg']
    """
    given = images if isinstance(images, (list, tuple)) else [images]
    if not given:
        raise UserError(
            f"Received images={images!r}.",
            "`images` must hold the path of at least one image file or folder.",
            "Check the pattern or the program that made the list.",
        )
    paths: list[str] = []
    class_names: list[str] = []
    passed_over: list[str] = []
    for path in (file_path("images", image) for image in given):
        if os.path.isdir(path):
            found, others = _images_of(path)
            class_names += _class_folders(path, found)
            passed_over += others
        elif not os.path.exists(path):  # told before any weights are downloaded
            raise UserError(
                f"Received {path!r}, which does not exist.",
                "Every path must be that of an image file or of a folder.",
                "Check the path, and the folder that it starts from.",
            )
        else:  # a file is read whatever its ending is
            found = [path]
            class_names.append("")
        paths += found
    return ImageList(tuple(paths), tuple(class_names), tuple(passed_over))


def _images_of(directory: str) -> tuple[list[str], list[str]]:
    with readable_folder(directory, "The folder must hold images, itself or in the folders in it."):
        found, others = images_and_others(directory)
    if not found:
        raise no_images(directory, others)
    return found, others


def _class_folders(directory: str, paths: Sequence[str]) -> list[str]:
    """Return the name of the class folder of each image below a folder, empty for none."""
    depth = 1 if named_splits(directory) else 0
    above = [os.path.relpath(path, directory).split(os.sep)[:-1] for path in paths]
    return [folders[depth] if len(folders) > depth else "" for folders in above]
