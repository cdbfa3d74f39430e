"""Batches of images: a `tf.data.Dataset` with TensorFlow installed, else a `FileSequence`."""

import os

import keras
import numpy as np

from keras_alexnet.data.batch_reader import ArrayReader, BatchReader
from keras_alexnet.data.sequence import AHEAD, FileSequence
from keras_alexnet.startup import notices_held_back


def file_batches(files, reader, batch_size, order=None, bad_images="stop", cache=None):
    """Return the batches of (images, labels) of files, which are read while the model computes.

    Args:
        files: The files and their labels, `LabelledFiles`.
        reader: An `ImageReader`.
        batch_size: Images per batch; the last may have fewer.
        order: An `EpochOrder`; `None` for the order of the files.
        bad_images: `"stop"` ends the iteration with an error that names the file, `"skip"` leaves
            bad files out of their batches, `"black"` replaces them by black images. A batch
            without any good file gets the next good image.
        cache: A dictionary, or an object with its methods, for the images by number.
    """
    batch_reader = BatchReader(files, reader, bad_images, cache)
    tf = _quiet_tensorflow()
    if tf is None:
        return FileSequence(batch_reader, batch_size, order)
    return _dataset(tf, batch_reader, batch_size, order)


def array_batches(images: np.ndarray, labels: np.ndarray, batch_size: int, order=None):
    """Return the batches of (images, labels) of arrays in memory.

    On TensorFlow they are a `tf.data.Dataset`, which ends an epoch at once: the threads that Keras
    starts for a `PyDataset` take some tenths of a second to end.

    Args:
        images: The images, uint8 of shape `(count, size, size, 3)`.
        labels: Their labels, int32.
        batch_size: Images per batch; the last may have fewer.
        order: An `EpochOrder`; `None` for the order of the arrays.
    """
    reader = ArrayReader(images, labels)
    if keras.backend.backend() != "tensorflow":
        return FileSequence(reader, batch_size, order)
    return _dataset(_quiet_tensorflow(), reader, batch_size, order)


def _dataset(tf, reader: BatchReader | ArrayReader, batch_size: int, order):
    """Return the batches as a `tf.data.Dataset`.

    TensorFlow's autotuning is off. Its thread sleeps for up to a minute between two looks at the
    pipeline. The end of an iteration waits for that thread: 30 to 40 s after epochs of 50 s
    (TensorFlow 2.21).
    """

    def read_batch(numbers):
        batch = reader.read(numbers)
        images, labels, error = batch if len(batch[1]) else reader.instead_of(numbers)
        return images, labels, str(error or "").encode("utf-8", "backslashreplace")

    def read(numbers):
        # One call to Python for each batch, several in parallel: Pillow decodes without the GIL.
        images, labels, failure = tf.numpy_function(
            read_batch, [numbers], (tf.uint8, tf.int32, tf.string)
        )
        with tf.control_dependencies([tf.Assert(tf.equal(failure, ""), [failure])]):
            images = tf.ensure_shape(images, (None, reader.size, reader.size, 3))
            return images, tf.ensure_shape(labels, (None,))

    def start(_):
        return tf.numpy_function(lambda: order.start(len(reader.left_out)), [], tf.int64)

    def hand_out(images, labels):
        labels = tf.numpy_function(order.hand_out, [labels], tf.int32)
        return images, tf.ensure_shape(labels, (None,))

    # AutoGraph would rewrite these functions, which takes a tenth of a second, and change nothing.
    plain = tf.autograph.experimental.do_not_convert
    count = len(reader)
    data = tf.data.Dataset.range(count)
    if order is not None:
        data = tf.data.Dataset.range(1).map(plain(start)).unbatch()
        data = data.apply(tf.data.experimental.assert_cardinality(count))
    data = data.batch(batch_size)
    data = data.map(plain(read), num_parallel_calls=os.cpu_count() or 1, deterministic=True)
    options = tf.data.Options()
    options.autotune.enabled = False
    data = data.prefetch(AHEAD).with_options(options)
    return data if order is None else data.map(plain(hand_out))


def _quiet_tensorflow():
    """Return TensorFlow, or `None` if it is not installed."""
    with notices_held_back():
        try:
            import tensorflow as tf
        except ModuleNotFoundError as error:
            if error.name != "tensorflow":
                raise  # TensorFlow is installed, but lacks a module itself
            return None
        tf.zeros(1)  # the last notices come with the first operation
    return tf
