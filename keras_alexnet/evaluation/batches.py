"""Batches of labelled images, from any form of data."""

from collections.abc import Iterator

import keras


def batches(data, batch_size: int) -> Iterator[tuple]:
    """Yield the images and the labels of each batch, from any form of data."""
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


def number_of_batches(data, batch_size: int) -> int | None:
    """Return the number of batches, `None` if the data does not know it."""
    if isinstance(data, tuple):
        return -(-len(data[0]) // batch_size)
    if isinstance(data, keras.utils.PyDataset):
        return data.num_batches
    try:
        return len(data)
    except TypeError:  # an iterator, or a data set that does not know
        return None
