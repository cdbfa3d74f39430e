"""`image_folder`: a folder of images as a data set for training and evaluation."""

from collections.abc import Sequence
from typing import Any

from keras_alexnet.arguments import boolean, choice, file_path, integer, number
from keras_alexnet.data.bad_files import BAD_IMAGES, without_unreadable
from keras_alexnet.data.batches import file_batches
from keras_alexnet.data.cache import DiskCache
from keras_alexnet.data.image_reader import ImageReader
from keras_alexnet.data.labelled_files import (
    LabelledFiles,
    find_images,
    folder_notes,
    training_and_held_out,
)
from keras_alexnet.data.order import EpochOrder
from keras_alexnet.data.resizers import RESIZINGS
from keras_alexnet.errors import UserError, warn
from keras_alexnet.type_aliases import BadImages, PathLike, Resizing, Subset

SPLITS = ("training", "held_out")
SUBSETS = (None, *SPLITS, "both")
DEFAULT = "Leave it out for the default."
HELP = "Choose one: `help(keras_alexnet.image_folder)` explains each."


def image_folder(
    directory: PathLike,
    image_size: int = 256,
    *,
    resizing: Resizing = "shorter_side",
    batch_size: int = 32,
    subset: Subset | None = None,
    held_out: float = 0.2,
    shuffle: bool = False,
    seed: int = 0,
    first_epoch: int = 0,
    class_names: Sequence[str] | None = None,
    cache: bool | PathLike = False,
    bad_images: BadImages = "stop",
) -> Any:
    """Read a folder with one folder of images per class in batches, while the model computes.

    Every image becomes upright RGB: grayscale and palette images, CMYK (without its colour
    profile), EXIF-rotated ones. Transparent pixels lie on white, and the first frame stands for an
    animation. Gray of 16 bits is rounded to 8, from the black to the white that the file declares;
    16-bit colours keep their upper 8 bits.

    The data set works with `fit`, `evaluate` and `predict` on every backend. It shuffles itself:
    pass `shuffle=False` to `fit`. Without it, Keras warns about a `tf.data.Dataset`, and requests
    the batches of a `keras.utils.PyDataset` in random order, so that nothing can read them ahead.

    Args:
        directory: The folder. Class folders may hold folders of images. Every file that Pillow
            reads by its ending is an image, except PostScript, films and other files that are not
            a single image of pixels. A warning names the files that are passed over, and the
            folders that are not used, such as a `test` beside `val`. Hidden files do not count.
        image_size: Height and width of the resulting images, S below.
        resizing: `"shorter_side"`: resizes the shorter side to S and the longer one to
            `int(S * longer / shorter)`, and keeps the central S x S, pixel for pixel as
            torchvision's `Resize(S)` and `CenterCrop(S)` with Pillow, bilinear with antialiasing.
            `"warp"`: resizes the whole image to S x S whatever its ratio, bilinear without
            antialiasing, as OpenCV's `resize` does for Caffe. Both keep an image that has the size
            already as it is.
        batch_size: Images per batch; the last may have fewer.
        subset: `None` for all images of the folder; `"training"` and `"held_out"` for the images
            of its `train` and `val` (or `validation`, `valid`, `test`) folders, or, if it has
            none, for the two splits of every class; `"both"` for a tuple of the two. Folders of
            these names that hold images themselves are classes.
        held_out: The share of every class that the split holds out.
        shuffle: Whether every epoch has its own order. With `subset="both"`, only the training
            images are shuffled.
        seed: Decides the split and the orders.
        first_epoch: Number of epochs that are over, in a run that continues from a checkpoint:
            the order of an epoch depends on `seed` and its number alone. An epoch counts once all
            its images have been read.
        class_names: The classes in the order of their numbers; some may have no folder. A folder
            matches a class by its name, by the WordNet identifier it begins with (n01440764), or
            by the label after it. `None` takes the folders' names in alphabetical order, which
            for WordNet identifiers is ImageNet's.
        cache: Whether to keep the decoded images in memory, each of `3 * S * S` bytes; or the
            path of a folder in which to keep them on disk, for later runs as well.
        bad_images: `"stop"`: the first file that cannot be read ends the iteration with an error
            that names the file and the reason. `"skip"` leaves such files out and lists them in
            `skipped`. It first reads the headers of all files, some thousand a second, and files
            with bad headers take no part in a split. A file that is damaged after its header
            makes its batch smaller. A batch without any good file gets the next good image.

    Returns:
        A `tf.data.Dataset` of (images, labels), or a `keras.utils.PyDataset` of the same batches as
        NumPy arrays where TensorFlow is not installed: uint8 of shape `(batch, S, S, 3)`, values 0
        to 255, and int32 of shape `(batch,)`. It has the attributes `class_names` and `file_paths`
        like the data sets of `keras.utils.image_dataset_from_directory`; `class_weight`, a
        dictionary for `fit(class_weight=...)` that gives every class the same influence; `skipped`,
        the (path, reason) pairs of the files in the class folders without an image's ending, and
        of those that could not be read so far.

    Raises:
        UserError: A `ValueError`: if there is no such folder, or no images, or one class only; if
            the class folders lie a level lower, as those of `train` and `val` without `subset`,
            or higher; if folders and `class_names` do not match, or an argument is not one of
            those above; with `bad_images="skip"`, if no image of a class can be read.

    Example:

    >>> import os, tempfile
    >>> from PIL import Image
    >>> folder = tempfile.mkdtemp()
    >>> for name in ("cats", "dogs"):
    ...     os.mkdir(os.path.join(folder, name))
    ...     Image.new("L", (300, 280)).save(os.path.join(folder, name, "1.png"))
    >>> images = image_folder(folder, 256, batch_size=2)
    >>> batch, labels = next(iter(images))
    >>> batch.shape.as_list(), labels.numpy().tolist(), images.class_names
    ([2, 256, 256, 3], [0, 1], ['cats', 'dogs'])
    """
    choice("resizing", resizing, RESIZINGS, HELP)
    choice("subset", subset, SUBSETS, HELP)
    choice("bad_images", bad_images, BAD_IMAGES, HELP)
    square = "Give one number for both sides: the images are square."
    image_size = integer("image_size", image_size, 1, square)
    batch_size = integer("batch_size", batch_size, 1, DEFAULT)
    seed = integer("seed", seed, 0, DEFAULT)
    first_epoch = integer("first_epoch", first_epoch, 0, DEFAULT)
    shuffle = boolean("shuffle", shuffle)
    _check_share(held_out)

    def dataset(files, shuffled):
        reader = ImageReader(image_size, resizing, files.passed_over, files.unreadable)
        order = EpochOrder(len(files), seed, first_epoch) if shuffled else None
        kept = _cache(cache, files, image_size, resizing)
        data = file_batches(files, reader, batch_size, order, bad_images, kept)
        data.class_names = list(files.class_names)
        data.file_paths = list(files.paths)
        data.class_weight = files.class_weight()
        data.skipped = reader.skipped
        return data

    _check_names(class_names)
    directory = file_path("directory", directory)
    usable = without_unreadable if bad_images == "skip" else lambda files: files
    if subset is None:
        chosen = [usable(find_images(directory, class_names))]
    else:
        splits = training_and_held_out(directory, seed, held_out, class_names, usable)
        named = zip(SPLITS, splits, strict=True)
        chosen = [files for name, files in named if subset in (name, "both")]
    for note in folder_notes(*chosen):
        warn(note)
    first, *rest = (dataset(files, shuffle and not index) for index, files in enumerate(chosen))
    return (first, *rest) if rest else first


def _cache(cache: bool | PathLike, files: LabelledFiles, size: int, resizing: str):
    if isinstance(cache, bool):
        return {} if cache else None
    return DiskCache(file_path("cache", cache), files.paths, (size, size, 3), resizing)


def _check_names(class_names) -> None:
    names = () if class_names is None else class_names
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise UserError(
            f"Received class_names={class_names!r}.",
            "`class_names` must be a list of names, or None.",
            "Give the names of all classes, in the order of their numbers.",
        )


def _check_share(held_out) -> None:
    expected = "between 0 and 1: it is the share of every class to hold out"
    remedy = "Give 0.2, a fifth, as is usual, or `subset=None` for all images."
    number("held_out", held_out, lambda share: 0 < share < 1, expected, remedy)
