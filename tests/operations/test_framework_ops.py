"""TensorFlow's operations inside the process of another backend."""

import functools

import keras
import pytest
import tensorflow as tf

from helpers import BACKEND, to_numpy
from image_layers import IMAGES, LAYERS, RANDOM, every_layer, same
from keras_alexnet.operations import framework_ops
from keras_alexnet.preprocessing import base

NAMES = [
    "arange",
    "cast",
    "concatenate",
    "convert_to_tensor",
    "expand_dims",
    "flip",
    "matmul",
    "reshape",
    "round",
    "shape",
    "squeeze",
    "stack",
    "sum",
    "take",
    "transpose",
    "zeros_like",
]


@pytest.fixture
def foreign_tensorflow(monkeypatch):
    """Return TensorFlow's operations as the other backends have them inside `tf.data`."""
    with monkeypatch.context() as patch:
        patch.setattr(keras.backend, "backend", lambda: "another")
        operations = framework_ops.FrameworkOps("tensorflow")
    own = framework_ops.ops_of

    def ops_of(framework):
        return operations if framework == "tensorflow" else own(framework)

    for module in (base, framework_ops):
        monkeypatch.setattr(module, "ops_of", ops_of)
    return operations


@pytest.mark.backend_free
@pytest.mark.parametrize("name", NAMES)
def test_keras_has_what_stands_behind_its_door(foreign_tensorflow, name):
    """Keras's private modules have every function that operations/framework_ops.py takes from them.

    If this or the next test fails with a new Keras, that file is what has to change.
    """
    assert not foreign_tensorflow.native
    assert callable(getattr(foreign_tensorflow, name))


@pytest.mark.medium
@every_layer
@pytest.mark.parametrize("single", [False, True])
def test_what_stands_behind_the_door_works(foreign_tensorflow, name, single):
    """Every layer runs on it inside a map, as it runs on the backend itself."""
    layer = LAYERS[name]()
    images = IMAGES[:1] if single else IMAGES
    dataset = tf.data.Dataset.from_tensors(images[0] if single else images)
    run = tf.autograph.experimental.do_not_convert(layer._run)
    for training in (False, True):
        mapped = dataset.map(functools.partial(run, "tensorflow", training=training))
        found = next(iter(mapped.as_numpy_iterator()))
        expected = LAYERS[name]()(images[0] if single else images, training=training)
        if name not in RANDOM or not training or BACKEND == "tensorflow":
            same(found, to_numpy(expected))
        else:
            assert found.shape == tuple(expected.shape)
    assert layer.get_config() == {**LAYERS[name]().get_config(), "name": layer.name}


@pytest.mark.backend_free
def test_no_such_operation(foreign_tensorflow):
    """An operation that there is not is named."""
    with pytest.raises(AttributeError, match="tensorflow has no operation 'no_such_thing'"):
        foreign_tensorflow.no_such_thing  # noqa: B018
