"""Labelled images in whatever form they come, and how far through them one is."""

import contextlib
import sys
from collections.abc import Iterator

import keras

from keras_alexnet.progress import report


def batches(data, batch_size: int) -> Iterator[tuple]:
    """Yield (images, labels) of each batch, whatever form the data has."""
    if isinstance(data, tuple):
        images, labels = data
        for start in range(0, len(images), batch_size):
            yield images[start : start + batch_size], labels[start : start + batch_size]
    elif isinstance(data, keras.utils.PyDataset):  # indexed, and without an end of its own
        for number in range(data.num_batches):
            yield data[number][:2]
    else:
        for batch in data:
            yield batch[:2]


@contextlib.contextmanager
def progress_bar(data, batch_size: int, wanted: bool):
    """Give a function that reports a batch, and moves a bar if there is a terminal to see it."""
    target = _number_of_batches(data, batch_size)
    shown = wanted and sys.stdout.isatty()
    bar = keras.utils.Progbar(target, unit_name="batch") if shown else None
    done = 0

    def step():
        nonlocal done
        done += 1
        report(done, target, "batches measured")
        if bar:
            bar.update(done)

    yield step
    if bar and target is None:  # the bar does not know by itself that this was all
        bar.update(done, finalize=True)


def _number_of_batches(data, batch_size: int) -> int | None:
    if isinstance(data, tuple):
        return -(-len(data[0]) // batch_size)
    if isinstance(data, keras.utils.PyDataset):
        return data.num_batches
    try:
        return len(data)
    except TypeError:  # an iterator, or a data set that does not know
        return None
