"""Networks in another precision: copies, their values, and what the commands say of them."""

import json
import warnings

import keras
import numpy as np
import pytest

from colours import colour_model, evaluate, place, save  # noqa: F401
from helpers import to_numpy
from keras_alexnet import AlexNet, UserError, jobs
from keras_alexnet.cli import main
from keras_alexnet.evaluation.networks import ready_network
from keras_alexnet.evaluation.precision import in_precision, precision_of

LIMITS = {"mixed_bfloat16": 3e-2, "mixed_float16": 4e-3, "int8": 5e-2}  # of the largest logit


@pytest.fixture(scope="module")
def network():
    """A network behind the layers that prepare its images; it returns logits."""
    return ready_network(
        AlexNet("cifar10_18pct", initialization="robust", classifier_activation=None)
    )


def photos(count=4):
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3)).astype("float32")


def outputs(network):
    return to_numpy(network.model(photos()))


@pytest.mark.parametrize("precision", LIMITS)
def test_a_copy(network, precision):
    """It computes the same within the precision; the network that is given stays as it is."""
    before = outputs(network)
    copy, note = in_precision(network, precision)
    assert (precision_of(copy.model), precision_of(network.model)) == (precision, "float32")
    difference = np.abs(outputs(copy) - before).max() / np.abs(before).max()
    assert 1e-6 < difference < LIMITS[precision]
    np.testing.assert_array_equal(outputs(network), before)
    assert precision in note
    assert in_precision(network, precision)[0].model is copy.model  # and is compiled once


def test_layers_of_a_copy():
    """Convolutions compute in half precision, images and the softmax do not."""
    network, note = in_precision(ready_network(AlexNet("cifar10_18pct")), "mixed_bfloat16")
    *preparation, inner = network.model.layers
    assert {layer.compute_dtype for layer in preparation} == {"float32"}
    dtypes = {layer.name: layer.compute_dtype for layer in inner.layers}
    assert (dtypes["conv1"], dtypes["norm1"], dtypes["fc10"]) == ("bfloat16",) * 3
    assert dtypes["prob"] == "float32"
    assert inner.get_layer("conv1").kernel.dtype == "float32"
    assert note == "The layers computed in mixed_bfloat16."


def test_int8_names_its_layers(network):
    """The convolutions stay, and none of Keras's warnings on them reaches the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "__array__ implementation")
        copy, note = in_precision(network, "int8")
    assert note == (
        "In int8, fc10 compute with whole numbers; the other layers do not, as Keras quantizes no "
        "convolutions."
    )
    assert copy.model.layers[-1].get_layer("fc10").kernel.dtype == "int8"


def test_its_own_precision(network):
    """Without a word, and with the word of what it is, it is the same network."""
    assert in_precision(network, None) == in_precision(network, "float32") == (network, None)
    half = ready_network(AlexNet("cifar10_18pct", dtype="mixed_bfloat16"))
    same, note = in_precision(half, None)
    assert same.model is half.model
    assert note == "The layers computed in mixed_bfloat16."
    assert precision_of(in_precision(half, "float32")[0].model) == "float32"


@pytest.mark.parametrize("precision", [None, "float32", "mixed_float16", "int8"])
def test_a_quantized_file_is_left(precision, tmp_path, monkeypatch):
    """Its weights are whole numbers already."""
    monkeypatch.chdir(tmp_path)
    model = colour_model()
    model.layers[-1].quantize("int8")
    model.save("model.keras")
    given = ready_network("model.keras")
    network, note = in_precision(given, precision)
    assert network.model is given.model
    assert ("has no effect" in note) == (precision in ("float32", "mixed_float16"))
    assert precision_of(network.model) == "int8"


@pytest.mark.parametrize("precision", ["mixed_float16", "int8"])
def test_commands(place, capsys, precision):  # noqa: F811
    """Both say the precision, in words and as JSON."""
    save(colour_model())
    said = "In int8, dense" if precision == "int8" else "The layers computed in mixed_float16."
    options = ("--precision", precision)
    assert evaluate("images", *options) == 0
    printed = capsys.readouterr().out
    assert said in printed
    assert "93.75 %" in printed
    assert evaluate("images", *options, "--json") == 0
    assert json.loads(capsys.readouterr().out)["precision"] == precision
    assert main(["classify", "images/red", "--model", "model.keras", *options, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["precision"] == precision
    assert printed["notes"][0].startswith(said)
    assert printed["images"][0]["classes"][0]["name"] == "red"


def test_unknown_words(place, capsys):  # noqa: F811
    """Before anything is loaded."""
    message = r"Received precision='half'\. `precision` must be one of 'float32', .*'int8', None"
    with pytest.raises(UserError, match=message):
        jobs.evaluate("nothing.keras", "images", precision="half")
    with pytest.raises(UserError, match=message):
        jobs.classify("images", model="nothing.keras", precision="half")
    with pytest.raises(SystemExit):
        main(["evaluate", "nothing.keras", "images", "--precision", "half"])
    assert "--precision" in capsys.readouterr().err


class Unknown(keras.layers.Layer):
    """Its configuration leaves out what its constructor needs."""

    def __init__(self, needed, **kwargs):
        super().__init__(**kwargs)

    def call(self, inputs):
        return inputs

    def get_config(self):
        return {"name": self.name}


def test_models_that_cannot():
    """A layer that does not follow from its configuration, and no dense layer."""
    images = keras.Input((8, 8, 3))
    model = keras.Model(images, Unknown(1)(images), name="own")
    with pytest.raises(UserError, match=r"the model 'own', which Keras cannot copy.*Leave"):
        in_precision(ready_network(model), "mixed_float16")
    model = keras.Model(images, keras.layers.GlobalAveragePooling2D()(images), name="mean")
    with pytest.raises(UserError, match=r"'int8' for the model 'mean', which has no dense layer"):
        in_precision(ready_network(model), "int8")
