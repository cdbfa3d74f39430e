"""Folders of images, one folder a class, as batches to train on."""

import dataclasses
import os
import threading
from collections.abc import Sequence

import keras
import numpy as np

from keras_alexnet.errors import UserError, explain
from keras_alexnet.startup import notices_held_back

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
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


def training_and_held_out(
    directory: str, seed: int = 0, held_out: float = 0.2
) -> tuple[LabelledFiles, LabelledFiles]:
    """Find the images to train on and those held out to measure with.

    Args:
        directory: A folder with one folder of images per class, or with two such folders named
            `train` and `val` (or `validation`, `valid`, `test`).
        seed: Decides which images are held out where the folder does not say.
        held_out: The part of each class that is held out then, at least one image.

    Raises:
        UserError: If there is no such folder, or no images, or only one class in it.
    """
    parts = _named_parts(directory)
    if parts:
        training, test = (find_images(part) for part in parts)
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
    files = find_images(directory)
    rng = np.random.default_rng(seed)
    kept: list[int] = []
    taken: list[int] = []
    for label, name in enumerate(files.class_names):
        members = rng.permutation(np.flatnonzero(np.array(files.labels) == label)).tolist()
        if len(members) < 2:
            raise UserError(
                explain(
                    f"The class folder {os.path.join(directory, name)!r} holds a single image.",
                    "Every class needs two at least: one to train on, one to hold out.",
                    "Add images to it, or remove the folder.",
                )
            )
        count = max(1, round(held_out * len(members)))
        taken += members[:count]
        kept += members[count:]
    return files.take(sorted(kept)), files.take(sorted(taken))


def find_images(directory: str) -> LabelledFiles:
    """List the images of a folder with one folder per class, in order of name.

    Raises:
        UserError: If there is no such folder, or no images, or only one class in it.
    """
    if not os.path.isdir(directory):
        what = "is a file" if os.path.exists(directory) else "does not exist"
        raise UserError(
            explain(
                f"Received the folder {directory!r}, which {what}.",
                "A folder with one folder of images per class was expected.",
                f"Check the path; the current folder is {os.getcwd()!r}.",
            )
        )
    try:
        return _listed(directory)
    except OSError as error:
        raise UserError(
            explain(
                f"Received the folder {directory!r}, of which {error.filename!r} cannot be read: "
                f"{error.strerror}.",
                "All folders must be readable.",
                "Change their permissions, or copy the images elsewhere.",
            )
        ) from error


def _listed(directory: str) -> LabelledFiles:
    found = {}
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if entry.is_dir() and not entry.name.startswith("."):
            images = sorted(_image_paths(entry.path))
            if images:
                found[entry.name] = images
    if len(found) < 2:
        one = f"images of one class only, {next(iter(found))!r}" if found else "no class folders"
        loose = sum(1 for _ in _image_paths(directory, deep=False))
        wrong = f"{one} with images" if not found else one
        aside = f" ({loose} images lie beside the folders, not in them)" if loose else ""
        raise UserError(
            explain(
                f"The folder {directory!r} holds {wrong}{aside}.",
                "Two classes at least were expected: a folder each, with images in it "
                f"({', '.join(ENDINGS)}).",
                "Sort the images into one folder per class, such as cats/ and dogs/.",
            )
        )
    pairs = [(path, number) for number, name in enumerate(found) for path in found[name]]
    paths, labels = zip(*pairs, strict=True)
    return LabelledFiles(paths, labels, tuple(found))


def _image_paths(directory: str, deep: bool = True):
    for entry in os.scandir(directory):
        if entry.is_dir() and deep:
            yield from _image_paths(entry.path)
        elif entry.name.lower().endswith(ENDINGS) and not entry.name.startswith("."):
            yield entry.path


def _named_parts(directory: str) -> tuple[str, str] | None:
    def first(names):
        folders = (os.path.join(directory, name) for name in names)
        return next((folder for folder in folders if os.path.isdir(folder)), None)

    training, test = first(TRAINING), first(HELD_OUT)
    return (training, test) if training and test else None


class ImageReader:
    """Reads image files into equal arrays, and remembers the first that could not be read.

    The images become upright RGB; the largest centred square is shrunk or enlarged to `size`.

    Args:
        size: Height and width of the arrays, in pixels.
    """

    def __init__(self, size: int):
        self.size = size
        self.failure: UserError | None = None
        self._lock = threading.Lock()

    def read(self, path: str) -> np.ndarray:
        """Return an image as a uint8 array of shape `(size, size, 3)`, values 0 to 255.

        Raises:
            UserError: If the file cannot be read as an image; it names the file and the reason.
        """
        from PIL import Image, ImageOps

        try:
            with Image.open(path) as image:
                upright = ImageOps.exif_transpose(image).convert("RGB")
            square = ImageOps.fit(upright, (self.size, self.size), Image.Resampling.BILINEAR)
            return np.asarray(square)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            reason = str(error).replace(repr(path), "").strip()
            failure = UserError(
                explain(
                    f"The image {path!r} cannot be read: {reason or type(error).__name__}.",
                    "Every file in the folder must be a whole image.",
                    "Replace or remove it, and start again.",
                )
            )
            with self._lock:
                self.failure = self.failure or failure
            raise failure from error

    def _read_or_remember(self, path: bytes) -> np.ndarray:
        """Return an image, or a black one for a failure that `StopOnFailure` will raise.

        Raised here, TensorFlow would print it with all its tracebacks.
        """
        try:
            return self.read(path.decode())
        except UserError:
            return np.zeros((self.size, self.size, 3), "uint8")

    def dataset(self, files: LabelledFiles, batch_size: int, shuffle: bool = False, seed: int = 0):
        """Return a `tf.data.Dataset` of (images, labels) batches, read while the model computes."""
        with notices_held_back():
            import tensorflow as tf

            tf.zeros(1)  # the last notices come with the first operation

        def load(path, label):
            read = tf.numpy_function(self._read_or_remember, [path], tf.uint8)
            return tf.ensure_shape(read, (self.size, self.size, 3)), label

        labels = np.array(files.labels, "int32")
        data = tf.data.Dataset.from_tensor_slices((list(files.paths), labels))
        if shuffle:
            data = data.shuffle(len(files), seed=seed)
        data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return data.batch(batch_size).prefetch(tf.data.AUTOTUNE)


class StopOnFailure(keras.callbacks.Callback):
    """Ends training or evaluation with the error of a reader that met a bad file.

    Args:
        reader: The reader of the images.
    """

    async_safe = True  # it looks at no result, so JAX and PyTorch need not wait for one

    def __init__(self, reader: ImageReader):
        super().__init__()
        self.reader = reader

    def on_train_batch_end(self, batch, logs=None):
        """Raise the reader's failure, if there is one."""
        if self.reader.failure is not None:
            raise self.reader.failure

    on_test_batch_end = on_train_batch_end
