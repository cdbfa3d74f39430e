"""The layers on images inside `tf.data`, whatever the backend."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from coordinates import coordinate_images, read_places
from helpers import to_numpy
from image_layers import IMAGES, LAST, LAYERS, RANDOM, every_layer, same
from keras_alexnet import RandomCropFlip
from keras_alexnet.preprocessing import PixelNormalization


@pytest.mark.medium
@every_layer
def test_in_tf_data(name):
    """Mapped over batches, single images, and in parallel, on whatever backend is running."""
    batched = tf.data.Dataset.from_tensor_slices(IMAGES).batch(4)
    single = tf.data.Dataset.from_tensor_slices(IMAGES)
    expected = to_numpy(LAYERS[name]()(IMAGES, training=False))
    for dataset, parallel in ((batched, None), (batched, 2), (single, None), (single, 2)):
        mapped = dataset.map(LAYERS[name](), num_parallel_calls=parallel)
        elements = list(mapped.as_numpy_iterator())
        for element in elements:
            mapped.element_spec.shape.assert_is_compatible_with(element.shape)
            assert mapped.element_spec.dtype == element.dtype
        images = np.stack(elements) if dataset is single else np.concatenate(elements)
        if name in RANDOM:
            assert images.shape == expected.shape
            assert images.dtype == expected.dtype
            assert (images != expected).any()
        else:
            same(images, expected)


def test_stream_in_tf_data():
    """Drawn anew in every epoch, and the same in every run where one map draws at a time."""

    def run():
        images = coordinate_images(40, 12, 12)
        layer = RandomCropFlip(6, 6, seed=3, **LAST)
        dataset = tf.data.Dataset.from_tensor_slices(images).batch(40).map(layer)
        return [next(iter(dataset.as_numpy_iterator())) for _ in range(2)]

    first, second = run()
    assert len(set(read_places(first).tops)) == 7
    assert (first != second).any()
    np.testing.assert_array_equal(run(), [first, second])


@pytest.mark.medium
def test_training_in_tf_data():
    """`training=False` cuts the centre inside `tf.data` too."""
    layer = RandomCropFlip(6, 6, seed=3, **LAST)
    dataset = tf.data.Dataset.from_tensors(coordinate_images(9, 12, 12))
    (images,) = dataset.map(lambda x: layer(x, training=False)).as_numpy_iterator()
    assert set(read_places(images).tops) == {3}


@every_layer
def test_in_a_pipeline(name):
    """`keras.layers.Pipeline` runs it on arrays and inside `tf.data`."""
    layer = LAYERS[name]()
    found = to_numpy(keras.layers.Pipeline([layer])(IMAGES, training=False))
    same(found, to_numpy(layer(IMAGES, training=False)))
    dataset = tf.data.Dataset.from_tensors(IMAGES).map(keras.layers.Pipeline([LAYERS[name]()]))
    assert next(iter(dataset)).shape == found.shape


def test_memory_of_the_stream_is_one_variable():
    """A random layer has its seed for a variable, and running inside `tf.data` adds none."""
    layer = RandomCropFlip(6, 6, seed=3, **LAST)
    next(iter(tf.data.Dataset.from_tensors(IMAGES).map(layer)))
    assert [tuple(variable.shape) for variable in layer.variables] == [(2,)]
    assert layer.trainable_variables == []


@pytest.mark.medium
def test_many_sizes_are_nothing_to_warn_of(caplog):
    """Batches of one size after another are not logged as a mistake by TensorFlow."""
    layers = PixelNormalization(128.0, **LAST)
    for size in range(12, 24):
        layers(IMAGES[:, :size])
    assert not caplog.records
