"""Layers that compute with other weights than a kernel and a bias get none from a file."""

import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import convert_checkpoint, load_checkpoint
from keras_alexnet.conversion.formats import format_to_write
from keras_alexnet.formats.errors import CheckpointError
from made_checkpoints import WAYS
from made_networks import blank_network, drawn_weights, small_network, weights_of

pytestmark = pytest.mark.medium


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A file of weights for the small network, and these."""
    weights = drawn_weights(blank_network())
    path = str(tmp_path_factory.mktemp("saved") / "net.npz")
    np.savez(path, **WAYS["caffe"](weights))
    return path, weights


class Doubled(keras.layers.Dense):
    """A dense layer that computes its kernel from a weight."""

    @property
    def kernel(self):
        return 2 * super().kernel


class Scaled(keras.layers.Dense):
    """A dense layer with one weight more."""

    def build(self, input_shape):
        super().build(input_shape)
        self.scale = self.add_weight(name="scale")


WHOLE = {"dtype": "int32", "initializer": "zeros", "trainable": False}


class Whole(keras.layers.Dense):
    """A dense layer of whole numbers."""

    def add_weight(self, **options):
        return super().add_weight(**{**options, **WHOLE})


def replaced(kind):
    """Return a function that puts a layer of another class in the place of the last one."""

    def change(model):
        lower = keras.Model(model.inputs, model.get_layer("fc7").output)
        return keras.Sequential([*lower.layers, kind(64, name="fc8")])

    return change


def tied(model):
    bias = model.get_layer("fc6").bias

    class Tied(keras.layers.Dense):
        def add_weight(self, name, **options):
            return bias if name == "bias" else super().add_weight(name=name, **options)

    return replaced(Tied)(model)


def on_layer(name, method, *arguments):
    """Return a function that alters a layer by a method of its own."""

    def change(model):
        getattr(model.get_layer(name), method)(*arguments)
        return model

    return change


ALTERED = {
    "int8": (on_layer("fc6", "quantize", "int8"), "'fc6' is quantized to int8"),
    "int4": (on_layer("fc7", "quantize", "int4"), "'fc7' is quantized to int4"),
    "float8": (on_layer("fc6", "quantize", "float8"), "'fc6' is quantized to float8"),
    "LoRA": (on_layer("fc7", "enable_lora", 4), "'fc7' has LoRA matrices of rank 4"),
    "LoRA of a convolution": (on_layer("conv2", "enable_lora", 2), "'conv2' has LoRA .* rank 2"),
    "computed": (replaced(Doubled), "'fc8' computes its kernel from other weights"),
    "one more": (replaced(Scaled), "'fc8' also has the weights scale"),
    "whole numbers": (replaced(Whole), "'fc8' has a kernel of type int32"),
    "tied": (tied, "'fc8' shares weights with 'fc6'"),
}


def bits(model):
    return [to_numpy(weight.value).tobytes() for weight in model.weights]


@pytest.mark.parametrize("case", ALTERED)
def test_altered_layers_are_refused_before_anything_changes(case, saved, tmp_path):
    """Loading and converting name the layers and the remedy, and leave every weight as it is."""
    change, words = ALTERED[case]
    model = change(small_network(groups=1))  # Keras's LoRA needs convolutions without groups
    before = bits(model)
    message = f"were altered: {words}.*kernel and a bias of its own.*Load the .* afterwards"
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(model, saved[0])
    with pytest.raises(CheckpointError, match=message):
        convert_checkpoint(saved[0], tmp_path / "net.safetensors", model=model)
    with pytest.raises(CheckpointError, match=message):
        format_to_write("net.safetensors").write(model, {}, str(tmp_path / "net.safetensors"))
    assert bits(model) == before
    assert not list(tmp_path.iterdir())


def test_all_altered_layers_are_named_together(saved):
    model = small_network()
    for name in ("fc6", "fc8"):
        model.get_layer(name).quantize("int8")
    with pytest.raises(CheckpointError, match=r"'fc6' is quantized to int8, 'fc8' is quantized"):
        load_checkpoint(model, saved[0])


def test_the_remedy_works_and_frozen_layers_are_no_alteration(saved):
    """Weights go into frozen layers; quantized afterwards, the network computes nearly the same."""
    path, weights = saved
    model = small_network()
    model.trainable = False
    load_checkpoint(model, path, verify="off", verbose=False)
    np.testing.assert_array_equal(weights_of(model)["fc6"][0], weights["fc6"][0])
    images = np.random.default_rng(0).normal(size=(4, 8, 12, 3)).astype("float32")
    expected = to_numpy(model(images))
    model.get_layer("fc6").quantize("int8")
    difference = np.abs(to_numpy(model(images)) - expected).max()
    assert 0 < difference < 0.05 * np.abs(expected).max()
