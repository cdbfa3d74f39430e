"""Files as batches: the one place where TensorFlow's data sets are put together."""

import numpy as np

from keras_alexnet.errors import UserError, explain
from keras_alexnet.startup import notices_held_back


def file_batches(files, reader, batch_size, order=None, bad_images="stop", cache=None):
    """Return a `tf.data.Dataset` of (images, labels), read while the model computes.

    Args:
        files: The files and their labels, `LabelledFiles`.
        reader: An `ImageReader`.
        batch_size: Images per batch; the last may have fewer.
        order: An `EpochOrder`; `None` for the order of the files.
        bad_images: `"stop"` ends the iteration with an error that names the file, `"skip"` leaves
            bad files out, `"black"` puts black images in their place.
        cache: A dictionary, or what behaves as one, for the images by number.
    """
    tf = _quiet_tensorflow()
    whole = _BatchReader(files, reader, bad_images, cache)

    def read(numbers):
        # One call to Python a batch, several at once: Pillow decodes without Python's lock.
        images, labels, failure = tf.numpy_function(
            whole.read, [numbers], (tf.uint8, tf.int32, tf.string)
        )
        with tf.control_dependencies([tf.Assert(tf.equal(failure, ""), [failure])]):
            images = tf.ensure_shape(images, (None, reader.size, reader.size, 3))
            return images, tf.ensure_shape(labels, (None,))

    def start(_):
        return tf.numpy_function(lambda: order.start(len(reader.bad)), [], tf.int64)

    def hand_out(images, labels):
        labels = tf.numpy_function(order.hand_out, [labels], tf.int32)
        return images, tf.ensure_shape(labels, (None,))

    data = tf.data.Dataset.range(len(files))
    if order is not None:
        data = tf.data.Dataset.range(1).map(start).unbatch()
        data = data.apply(tf.data.experimental.assert_cardinality(len(files)))
    data = data.batch(batch_size)
    data = data.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    if bad_images == "skip":
        data = data.unbatch().batch(batch_size)
    data = data.prefetch(tf.data.AUTOTUNE)
    return data if order is None else data.map(hand_out)


def _quiet_tensorflow():
    with notices_held_back():
        import tensorflow as tf

        tf.zeros(1)  # the last notices come with the first operation
    return tf


class _BatchReader:
    """Reads the files of a batch, in whichever way bad ones are to be treated."""

    def __init__(self, files, reader, bad_images, cache):
        self.files = files
        self.reader = reader
        self.bad_images = bad_images
        self.cache = cache
        self.labels = np.array(files.labels, "int32")

    def read(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, bytes]:
        """Return images, labels, and the error that ends the iteration; empty if none does."""
        images = np.zeros((len(numbers), self.reader.size, self.reader.size, 3), "uint8")
        good = np.ones(len(numbers), bool)
        failure = ""
        for place, number in enumerate(numbers.tolist()):
            try:
                images[place] = self._image(number)
            except UserError as error:
                good[place] = False
                if self.bad_images == "stop":
                    failure = str(error)
                    break
        if self.bad_images == "skip" and not good.all():
            return images[good], self.labels[numbers[good]], self._nothing_left().encode()
        return images, self.labels[numbers], failure.encode("utf-8", "backslashreplace")

    def _image(self, number: int) -> np.ndarray:
        kept = None if self.cache is None else self.cache.get(number)
        if kept is not None:
            return kept
        image = self.reader.read(self.files.paths[number])
        if self.cache is not None:
            self.cache[number] = image
        return image

    def _nothing_left(self) -> str:
        if len(self.reader.bad) < len(self.files):
            return ""
        path, reason = self.reader.bad[0]
        return explain(
            f"None of the {len(self.files)} images can be read; {path!r} cannot because {reason}.",
            "One whole image at least was expected.",
            "Replace the files, and start again.",
        )
