"""Padding of batches to a multiple of the devices, and a loss that padding does not change.

JAX splits a batch into equal parts, one for each device. Keras (3.15) takes the weights out of the
model before the split, and does not return them if JAX refuses a batch that it cannot split: after
such an error in `evaluate`, `predict` or the first step of `fit`, the model has no weights.

TensorFlow's `MirroredStrategy` splits every batch, but each part has the same influence on the
gradient, however few images it has.
"""

import sys
from typing import Any

import keras
import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.operations.replicas import replica_mean, replicas
from keras_alexnet.type_aliases import Identifier, Tensor

__all__ = ["PaddedLoss", "pad_batches"]


def batch_shards() -> int:
    """Return the number of parts that Keras splits a batch into; 1 on one device."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return replicas()
    axis = distribution.get_data_layout((1,)).axes[0]
    mesh = distribution.device_mesh
    return mesh.shape[mesh.axis_names.index(axis)]


def pad_batches(data: Any, count: int, batch_size: int) -> Any:
    """Pad every batch to a multiple of the number of devices.

    They are those of the `keras.distribution`, or on TensorFlow those of the strategy in whose
    scope this is called.

    Copies of its last image pad a batch of n images to N, the next multiple of the number of
    devices D. Copies have the sample weight 0, and all images have the weight `c = sum N / sum n`,
    summed over the batches of an epoch. With these weights, padding does not change

    - the loss of an epoch, because Keras divides `sum w * loss` by `sum N`;
    - the means in `compile(weighted_metrics=...)`; those in `metrics` count the copies;
    - the gradients, if the loss is a `PaddedLoss`. With a plain loss, the step of the padded batch
      is too short.

    Within an epoch, the running loss is c times that without padding. If files are skipped while
    they are read, `count` is a little too large, and so is the loss of the epoch. Batch
    normalization sees the copies, and its numbers change; the networks of this package have none.

    Args:
        data: Batches of `(images, labels)`: a `tf.data.Dataset` or a `keras.utils.PyDataset`.
        count: Number of images of an epoch.
        batch_size: Images per batch; the last has fewer where that does not divide `count`.

    Returns:
        Batches of `(images, labels, weights)` in the same form, weights float32 of shape `(N,)`;
        `data` itself on one device.

    Raises:
        UserError: (a `ValueError`) if `data` has another form, or has sample weights.

    Example:

    >>> import keras, numpy as np
    >>> class Batches(keras.utils.PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, number):
    ...         return np.zeros((4 - number, 3)), np.zeros(4 - number)
    >>> data = Batches()
    >>> pad_batches(data, count=7, batch_size=4) is data  # one device
    True
    """
    shards = batch_shards()
    if shards == 1:
        return data
    sizes = [batch_size] * (count // batch_size) + [count % batch_size]
    weight = sum(-(-size // shards) * shards for size in sizes) / count
    if isinstance(data, keras.utils.PyDataset):
        return _PaddedPyDataset(data, shards, weight)
    tf = sys.modules.get("tensorflow")
    if tf is not None and isinstance(data, tf.data.Dataset):
        _check_pair(data.element_spec)
        return data.map(lambda *batch: _padded_by_tensorflow(tf, batch, shards, weight))
    raise UserError(
        f"Received data of type {type(data).__name__} to pad for {shards} devices.",
        "`data` must be a tf.data.Dataset or a keras.utils.PyDataset.",
        "Convert the data, or use a batch size that the number of devices divides.",
    )


@keras.saving.register_keras_serializable(package="keras_alexnet")
class PaddedLoss(keras.losses.Loss):
    """A loss whose gradient does not depend on the padding of `pad_batches`.

    For per-image losses l and sample weights w, the value is Keras's `sum(w * l) / N`. The
    gradient is that of `sum(w * l) / sum(w)`, the mean over the images without the copies. Without
    sample weights, both are the plain mean.

    Args:
        loss: The loss, as `compile` takes it.
        name: Name of the loss.

    Example:

    >>> import numpy as np
    >>> loss = PaddedLoss("mean_squared_error")
    >>> x, y = np.array([[1.0], [3.0], [3.0]]), np.zeros((3, 1))
    >>> weights = np.array([1.5, 1.5, 0.0])  # two images and a copy
    >>> float(loss(y, x, weights)), float(loss(y[:2], x[:2]))
    (5.0, 5.0)
    """

    def __init__(self, loss: Identifier, name: str | None = None):
        self.loss = keras.losses.get(loss)
        super().__init__(name=name or getattr(self.loss, "name", None))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each image."""
        each = getattr(self.loss, "call", self.loss)
        return each(y_true, y_pred)

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Return the loss of a batch."""
        value = super().__call__(y_true, y_pred, sample_weight)
        if sample_weight is None:
            return value
        weight = keras.ops.mean(keras.ops.cast(sample_weight, value.dtype))
        mean = value / replica_mean(weight)
        return mean + keras.ops.stop_gradient(value - mean)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"name": self.name, "loss": keras.losses.serialize(self.loss)}


class _PaddedPyDataset(keras.utils.PyDataset):
    """The batches of a data set, padded."""

    def __init__(self, data, shards: int, weight: float):
        workers = {name: getattr(data, name) for name in ("workers", "use_multiprocessing")}
        super().__init__(max_queue_size=data.max_queue_size, **workers)
        self.data = data
        self.shards = shards
        self.weight = weight

    def __len__(self) -> int:
        return self.data.num_batches

    def __getitem__(self, number: int):
        batch = self.data[number]
        _check_pair(batch)
        size = len(keras.tree.flatten(batch[0])[0])
        rows = np.arange(-(-size // self.shards) * self.shards)
        images, labels = keras.tree.map_structure(
            lambda array: np.take(array, np.minimum(rows, size - 1), axis=0), tuple(batch)
        )
        return images, labels, np.where(rows < size, self.weight, 0).astype("float32")

    def on_epoch_begin(self) -> None:
        self.data.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.data.on_epoch_end()


def _padded_by_tensorflow(tf, batch, shards: int, weight: float):
    size = tf.shape(tf.nest.flatten(batch)[0])[0]
    rows = tf.range(-(-size // shards) * shards)
    images, labels = tf.nest.map_structure(
        lambda tensor: tf.gather(tensor, tf.minimum(rows, size - 1)), batch
    )
    return images, labels, tf.where(rows < size, tf.constant(weight, tf.float32), 0.0)


def _check_pair(batch) -> None:
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise UserError(
            f"Received batches of {len(batch) if isinstance(batch, tuple | list) else 1} "
            "arrays to pad.",
            "Every batch must be a pair of images and labels, without sample weights.",
            "Leave the sample weights out, or pad the batches yourself.",
        )
