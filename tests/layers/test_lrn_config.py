"""The configuration of `LocalResponseNormalization`, in files and copies."""

import json

import keras
import numpy as np
import pytest

from helpers import normal, to_numpy
from keras_alexnet import LocalResponseNormalization

EVERY_ARGUMENT = {
    "size": 4,
    "k": 1.5,
    "alpha": 0.02,
    "beta": 0.6,
    "region": "within_channel",
    "groups": 2,
    "data_format": "channels_first",
    "even_window": "after",
}


def test_every_argument_is_kept():
    """`get_config` has every argument as it was given."""
    layer = LocalResponseNormalization(**EVERY_ARGUMENT, name="norm1", dtype="float16")
    config = layer.get_config()
    assert {name: config[name] for name in EVERY_ARGUMENT} == EVERY_ARGUMENT
    assert config["name"] == "norm1"
    again = LocalResponseNormalization.from_config(config)
    assert again.get_config() == config
    assert again.compute_dtype == "float16"


@pytest.mark.parametrize("arguments", [{}, EVERY_ARGUMENT], ids=["defaults", "all"])
def test_config_stays_the_same(arguments):
    """Building, running and JSON change nothing in `get_config`."""
    layer = LocalResponseNormalization(**arguments)
    config = layer.get_config()
    x = normal(1, 4, 4, 4)
    y = to_numpy(layer(x))
    assert layer.get_config() == config
    text = json.dumps(keras.saving.serialize_keras_object(layer))
    again = keras.saving.deserialize_keras_object(json.loads(text))
    assert again.get_config() == config
    np.testing.assert_array_equal(to_numpy(again(x)), y)


@pytest.mark.parametrize("setting", ["channels_last", "channels_first"])
def test_data_format_is_resolved_when_made(setting):
    """Keras's setting at the time of making is what `get_config` says, whatever comes later."""
    keras.config.set_image_data_format(setting)
    config = LocalResponseNormalization().get_config()
    keras.config.set_image_data_format("channels_last")
    assert config["data_format"] == setting
    assert LocalResponseNormalization.from_config(config).data_format == setting


@pytest.mark.parametrize("arguments", [{}, EVERY_ARGUMENT], ids=["defaults", "all"])
def test_model_files(arguments, tmp_path):
    """A saved model, its clone and its JSON have the same layer and compute the same."""
    image = keras.Input((4, 4, 4))
    model = keras.Model(image, LocalResponseNormalization(**arguments, name="norm")(image))
    config, x = model.get_layer("norm").get_config(), normal(2, 4, 4, 4, std=30)
    model.save(tmp_path / "model.keras")
    copies = [
        keras.saving.load_model(tmp_path / "model.keras"),
        keras.models.clone_model(model),
        keras.models.model_from_json(model.to_json()),
    ]
    assert [copy.get_layer("norm").get_config() for copy in copies] == [config] * 3
    wanted = np.broadcast_to(to_numpy(model(x)), (3, *x.shape))
    np.testing.assert_array_equal(np.stack([to_numpy(copy(x)) for copy in copies]), wanted)


def test_registered_name():
    """Files name the layer after the package, and Keras finds it by that name."""
    name = "keras_alexnet>LocalResponseNormalization"
    assert keras.saving.get_registered_name(LocalResponseNormalization) == name
    assert keras.saving.get_registered_object(name) is LocalResponseNormalization


def test_masks_pass():
    """A mask of time steps passes through to the next layer."""
    steps = keras.layers.Masking()(keras.Input((3, 4)))
    assert LocalResponseNormalization().supports_masking
    assert LocalResponseNormalization()(steps)._keras_mask is not None
