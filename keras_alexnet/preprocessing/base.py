"""`ImageLayer` and `RandomImageLayer`: the bases of layers on images."""

import dataclasses
import random
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from keras_alexnet.arguments import optional_integer
from keras_alexnet.errors import UserError
from keras_alexnet.layers.data_formats import known_data_format
from keras_alexnet.operations.framework_ops import framework_of, ops_of
from keras_alexnet.operations.image import ImageOperation, checked, declared
from keras_alexnet.operations.streams import SeedGenerator
from keras_alexnet.type_aliases import DataFormat, Shape, Tensor


@dataclasses.dataclass(frozen=True)
class Requirement:
    """The sizes of the images that a layer takes.

    Args:
        expected: A sentence that names these sizes.
        remedy: A sentence that says what to do with images of other sizes.
        rows: The smallest number of rows.
        columns: The smallest number of columns.
        channels: The number of channels, `None` for any.
    """

    expected: str
    remedy: str
    rows: int = 0
    columns: int = 0
    channels: int | None = None


class ImageLayer(keras.layers.Layer):
    """A layer on images, of shape `(height, width, 3)` or with a batch in front.

    It runs in a model on any backend, in `keras.layers.Pipeline`, on NumPy arrays, and on
    TensorFlow's tensors inside `tf.data` on any backend. A subclass defines
    `transform(ops, images, training)` for batches with the channels last,
    `transformed_sizes(height, width)`, and `requirement()` if it does not take images of any size.

    Args:
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.
    """

    makes_floats = False  # whether the output has the layer's compute dtype instead of the images'
    views: tuple[int, ...] = ()  # size of the axis that the layer adds after the batch, if any

    def __init__(self, data_format: DataFormat | None = None, **kwargs: Any):
        # Keras would cast float images to the compute dtype, perhaps half precision, on entry.
        super().__init__(**{"autocast": False, **kwargs})
        self.data_format = known_data_format(data_format)
        self.built = True  # nothing is left to build; a Pipeline of unbuilt layers warns on PyTorch

    def __call__(self, images, *args, **kwargs):
        """Apply the layer; TensorFlow's tensors inside `tf.data` stay TensorFlow's."""
        framework = framework_of(images)
        if framework == keras.backend.backend():
            if keras.utils.is_keras_tensor(images) and not args:
                # In a functional model `model(x)` must be inference, as with dropout, although
                # `call` alone defaults to training. The model replaces this value in `fit`.
                kwargs.setdefault("training", False)
            # An explicit `training=None` would hide from Keras that `fit` is running.
            return super().__call__(images, *args, **kwargs)
        import tensorflow as tf

        run = tf.autograph.experimental.do_not_convert(self._run)
        return run(framework, images, *args, **kwargs)

    def call(self, images: Tensor, training: bool = True) -> Tensor:
        """Apply the layer, by default as in training, like all augmentation layers of Keras."""
        return self._run(keras.backend.backend(), images, training)

    def _run(self, framework: str, images, training=True):
        ops = ops_of(framework)
        single = len(images.shape) == 3
        if single:
            images = ops.expand_dims(images, 0)
        if self.data_format == "channels_first":
            images = ops.transpose(images, (0, 2, 3, 1))
        self._check(known_shape(images))
        images = self._transformed(ops, images, training)
        if self.data_format == "channels_first":
            axes = range(len(images.shape))
            images = ops.transpose(images, (*axes[:-3], axes[-1], axes[-3], axes[-2]))
        return ops.squeeze(images, 0) if single else images

    def _transformed(self, ops, images, training):
        """Return the new images; TensorFlow checks unknown sizes when it runs."""
        if None not in known_shape(images)[1:]:
            return self.transform(ops, images, training)
        need = self.requirement()
        if need is not None:
            sizes = (need.rows, need.columns, need.channels)
            sentences = (need.expected, need.remedy)
            images = checked(images, *sizes, sentences)
        batch, *sizes = images.shape
        images = self.transform(ops, images, training)
        return declared(images, (batch, *self.views, *self._new_sizes(*sizes)))

    def requirement(self) -> Requirement | None:
        """Return the sizes that images must have; `None` if the layer takes any."""
        return None

    def _check(self, shape) -> None:
        """Raise unless the layer takes images of this shape, with the channels last."""
        need = self.requirement()
        if need is None:
            return
        rows, columns, channels = shape[-3:]
        small = (rows is not None and rows < need.rows) or (
            columns is not None and columns < need.columns
        )
        if small or (channels is not None and need.channels not in (None, channels)):
            size = f"{rows} x {columns} pixels with {channels} channels"
            raise UserError(f"Received images of {size}.", need.expected, need.remedy)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return the shape of the images with their new height and width."""
        *batch, rows, columns, channels = self._channels_last(input_shape)
        self._check((None, rows, columns, channels))
        *sizes, channels = self._new_sizes(rows, columns, channels)
        if self.data_format == "channels_last":
            return (*batch, *self.views, *sizes, channels)
        return (*batch, *self.views, channels, *sizes)

    def _new_sizes(self, rows, columns, channels):
        need = self.requirement()
        known = need.channels if channels is None and need else channels
        return (*self.transformed_sizes(rows, columns), known)

    def compute_output_spec(self, images, training=None):
        """Return the output's shape and dtype without tracing the layer."""
        dtype = self.compute_dtype if self.makes_floats else images.dtype
        return keras.KerasTensor(self.compute_output_shape(images.shape), dtype)

    def transform(self, ops: Any, images: Tensor, training: bool) -> Tensor:
        """Return the new images; `ops` has the functions of `keras.ops` and `random`."""
        raise NotImplementedError

    def transformed_sizes(self, height, width):
        """Return the new height and width; `None` stands for an unknown size."""
        return height, width

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, `data_format` resolved."""
        return {**super().get_config(), "data_format": self.data_format}

    def _channels_last(self, shape):
        if self.data_format == "channels_last":
            return tuple(shape)
        *batch, channels, rows, columns = shape
        return (*batch, rows, columns, channels)

    def _fast(self, operation: ImageOperation, images, *arguments):
        """Run the framework's fastest version of an operation.

        A single image gets the plain one: the fast ones are compiled for one shape, and single
        images inside `tf.data` may all have different shapes.
        """
        run = operation.plain if images.shape[0] == 1 else operation
        return run(images, *arguments)


def known_shape(images) -> tuple[int | None, ...]:
    """Return the shape as integers, where PyTorch's tracer has tensors; `None` is unknown."""
    return tuple(int(size) if keras.ops.is_tensor(size) else size for size in images.shape)


def image_batches(data) -> Iterator[np.ndarray]:
    """Yield the images that `adapt` takes as float64 arrays, batch by batch.

    Args:
        data: An array, or an iterable of batches such as a `tf.data.Dataset` (its first element,
            if it gives labels too).
    """
    batches = [data] if hasattr(data, "shape") else data
    if not isinstance(batches, Iterable) or isinstance(batches, (str, bytes)):
        raise no_images("`data` must be an array of images, or batches of them.")
    for batch in batches:
        images = batch[0] if isinstance(batch, (tuple, list)) else batch
        yield np.asarray(keras.ops.convert_to_numpy(images), "float64")


def no_images(expected: str) -> UserError:
    """Return the error for `adapt` without images."""
    remedy = "Check whether the data set is empty or used up."
    return UserError("Received no images to adapt to.", expected, remedy)


class RandomImageLayer(ImageLayer):
    """An image layer with its own stream of random numbers.

    A `.keras` file or a checkpoint holds the state of the stream, so that training continues with
    the same numbers as without a break. The config holds the seed, from which the stream starts
    again. A layer without a seed draws one and keeps it. Inside `tf.data` the stream is the same
    in every run if one `map` draws at a time (no `num_parallel_calls`), on batches.

    A copy of the layer in another process draws other numbers. In a worker of PyTorch's
    `DataLoader` they follow from the layer's seed and the worker's, which differs for each worker
    and epoch: `torch.manual_seed` reproduces them. In any other forked process, as in
    `multiprocessing` and `keras.utils.PyDataset(use_multiprocessing=True)`, they follow from the
    layer's seed and the number of the fork: a program reproduces them if it forks in the same
    order, and if its processes take their work in the same order, which a pool does not promise.
    A copy that `pickle` sends to another process, as the start method "spawn" does, draws the
    numbers that this process would draw next, except in a `DataLoader`. On TensorFlow and JAX a
    forked process may hang: give `DataLoader` the argument `multiprocessing_context="spawn"`.

    Args:
        seed: A non-negative integer; `None` draws one from Python's `random`, which
            `keras.utils.set_random_seed` seeds.
        data_format: `"channels_last"`, `"channels_first"`, or `None` for Keras's setting.
        **kwargs: The arguments of `keras.layers.Layer`.
    """

    def __init__(
        self, seed: int | None = None, data_format: DataFormat | None = None, **kwargs: Any
    ):
        super().__init__(data_format, **kwargs)
        seed = optional_integer("seed", seed, 0, "Leave it out for a new one.")
        self.seed = random.randint(1, 10**9) if seed is None else seed
        self.generator = SeedGenerator(self.seed)
        self._elsewhere = _Streams()

    def stream(self, ops):
        """Return the seed generator of the framework that computes."""
        if ops.native:
            return self.generator
        if self._elsewhere.generator is None:
            self._elsewhere.generator = ops.seed_generator(self.seed)
        return self._elsewhere.generator

    def save_own_variables(self, store):
        """Save the state of the stream, which Keras leaves out."""
        super().save_own_variables(store)
        store["stream"] = keras.ops.convert_to_numpy(self.generator.state)

    def load_own_variables(self, store):
        """Continue a saved stream."""
        self.generator.state.assign(store["stream"][...])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, with the seed in use."""
        return {**super().get_config(), "seed": self.seed}


class _Streams:
    """Hides a generator from Keras, which would count it as a variable of the layer."""

    generator = None
