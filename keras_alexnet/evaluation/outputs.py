"""`image_outputs`: what a model computes from image files, batch by batch."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_alexnet.data.bad_files import not_readable, nothing_left, refuse_unreadable
from keras_alexnet.data.batch_reader import BatchReader
from keras_alexnet.data.image_reader import ImageReader
from keras_alexnet.data.labelled_files import LabelledFiles
from keras_alexnet.data.sequence import FileSequence
from keras_alexnet.progress import has_display, progress_bar

REMEDY = (
    'Check the path, or pass bad_images="skip" (--bad-images skip) to leave such files out; '
    "keras-alexnet check-images FOLDER lists all of them."
)


def check_headers(paths: Sequence[str], progress: bool = False) -> None:
    """Raise if the header of an image shows that it cannot be read.

    A command checks them first, since a network may have to be downloaded.

    Raises:
        UserError: It names the first such file.
    """
    files = LabelledFiles(tuple(paths), (0,) * len(paths), ())
    refuse_unreadable(files, progress and has_display(), REMEDY)


def image_outputs(
    compute: Callable[[np.ndarray], np.ndarray],
    paths: Sequence[str],
    reader: ImageReader,
    batch_size: int = 32,
    bad_images: str = "stop",
    progress: bool = False,
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield the paths and the outputs of each batch of images, in order.

    Threads read the next batches while the model computes; no more than a few are in memory.

    Args:
        compute: A function from a uint8 batch of images to an array with a row for each.
        paths: The files.
        reader: The reader of the images. Its `bad` lists the files that were left out.
        batch_size: Images per step.
        bad_images: `"stop"`: a file that cannot be read ends the iteration with an error.
            `"skip"`: the file is left out.
        progress: Whether to show a progress bar for several batches, where one can be seen.

    Raises:
        UserError: If a file cannot be read; with `"skip"`, if none of them can.
    """
    files = LabelledFiles(tuple(paths), (0,) * len(paths), ())
    shown = progress and has_display() and len(paths) > batch_size
    # Black images replace bad files, so that every batch but the last has the same shape.
    batches = FileSequence(BatchReader(files, reader, "black"), batch_size)
    with progress_bar("images", "image", shown) as step:
        for number, (images, _) in enumerate(batches):
            start = number * batch_size
            batch = paths[start : start + batch_size]
            bad = dict(reader.bad)
            rows = [row for row, path in enumerate(batch) if path not in bad]
            if bad_images == "stop" and len(rows) < len(batch):
                path = next(path for path in batch if path in bad)
                raise not_readable(path, bad[path], REMEDY)
            if rows:
                yield [batch[row] for row in rows], compute(images)[rows]
            step(start + len(batch), len(paths))
    if paths and len(reader.bad) == len(set(paths)):
        raise nothing_left(len(paths), *reader.bad[0])
