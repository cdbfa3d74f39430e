"""Which tensors go where, which are left out, and which files are refused."""

import keras
import numpy as np
import pytest

from assigned import assert_equal
from keras_alexnet.formats.errors import CheckpointError
from made_checkpoints import WAYS, oihw
from made_networks import blank_network, drawn_weights, small_network, weights_of


def test_other_classes_keep_the_classifier(load):
    """With another number of classes all but fc8 is loaded, and that is said."""
    model = small_network(classes=7)
    before = weights_of(model)["fc8"]
    weights = drawn_weights(blank_network())
    with pytest.warns(UserWarning, match="'fc8' keeps its initial values: the file has 5"):
        loaded = load(model, WAYS["torchvision"](weights))
    assert_equal(model, {**weights, "fc8": before})
    assert loaded.kept == {"fc8": "the file has 5 classes"}
    reason = "it is for 5 classes, the model is for 7"
    assert loaded.left_out == {"classifier.6.weight": reason, "classifier.6.bias": reason}
    assert "fc8 keeps its earlier values: the file has 5 classes." in str(loaded)
    assert f"Left out classifier.6.weight, classifier.6.bias: {reason}." in str(loaded)


@pytest.mark.parametrize("way", WAYS)
def test_without_top(way, load):
    """The fully connected layers' tensors are left out by design, each with the reason."""
    weights = drawn_weights(blank_network())
    model = blank_network(top=False)
    loaded = load(model, WAYS[way](weights))
    assert_equal(model, {name: weights[name] for name in list(weights)[:5]})
    reasons = [why for why in loaded.left_out.values() if why != "it is not a weight"]
    assert sorted(reasons) == sorted(
        f"the model ends below {layer}" for layer in ("fc6", "fc7", "fc8") * 2
    )


def test_a_model_that_ends_at_fc7(load):
    """A model cut off anywhere takes what is below."""
    whole = small_network()
    weights = drawn_weights(whole)
    model = keras.Model(whole.inputs, whole.get_layer("fc7").output)
    loaded = load(model, WAYS["caffe"](weights))
    assert list(loaded.left_out) == ["fc8/0", "fc8/1"]
    assert_equal(model, {name: weights[name] for name in list(weights)[:7]})


def test_what_is_no_weight_is_left_out(load):
    """Counters, shapes and the state of an optimizer are accounted for, and not asked for."""
    model = blank_network()
    weights = drawn_weights(model)
    arrays = WAYS["keras"](weights)
    extra = {
        "layers/batches/vars/0": np.array(7),
        "optimizer/vars/3": np.ones((2, 2), "float32"),
        "layers/dropout/seed_generator/vars/0": np.array([1, 2], "uint32"),
    }
    loaded = load(model, {**arrays, **extra})
    assert loaded.left_out == dict.fromkeys(extra, "it is not a weight")
    assert_equal(model, weights)
    adam = {f"optimizer/vars/{number}": np.ones(2, "float32") for number in range(20)}
    loaded = load(model, {**arrays, **adam})
    assert len(loaded.left_out) == 20
    assert "optimizer/vars/7 and 12 more: it is not a weight." in str(loaded)


def test_networks_inside_others(load):
    """The layers are found inside a model that holds the network, and one's own names with it."""
    inner = small_network()
    weights = drawn_weights(inner)
    outer = keras.Sequential([keras.Input((8, 12, 3)), keras.layers.Rescaling(0.5), inner])
    load(outer, WAYS["caffe"](weights))
    assert_equal(inner, weights)


WRONG = {
    "missing": (lambda a: a.pop("fc7/1"), ["missing: fc7's bias"]),
    "unexpected": (lambda a: a.update(fc9=np.ones(3)), ["not expected: 'fc9'"]),
    "both": (
        lambda a: a.update({"conv3/7": a.pop("conv3/0")}),
        ["missing: conv3's kernel", "not expected: 'conv3/7'"],
    ),
    "shape": (
        lambda a: a.update({"conv2/0": np.ones((16, 32, 5, 5), "f4")}),
        ["'conv2/0' has the shape (16, 32, 5, 5) where conv2's kernel takes (16, 16, 5, 5)"],
    ),
    "transposed": (
        lambda a: a.update({"fc6/0": np.ones((192, 64), "f4")}),
        ["'fc6/0' has the shape (192, 64) where fc6's kernel takes (64, 192)"],
    ),
    "bias": (lambda a: a.update({"fc8/1": np.ones(4, "f4")}), ["'fc8/1' has the shape (4,)"]),
    "rank": (lambda a: a.update({"fc8/1": np.float32(4)}), ["'fc8/1' has the shape ()"]),
    "integers": (
        lambda a: a.update({"conv1/1": np.arange(32)}),
        ["'conv1/1' has the dtype int64 where conv1's bias takes real numbers"],
    ),
    "many": (
        lambda a: a.update({f"x{n}\n": np.ones(1) for n in range(20)}),
        [r"not expected: 'x0\n', 'x1\n'", "and 12 more"],
    ),
    "another network": (
        lambda a: a.update({name: np.ones((2, 3), "f4") for name in a}),
        ["'conv1/0' has the shape (2, 3)", "; 13 other tensors of another shape or dtype. Each"],
    ),
    "NaN": (lambda a: a["fc6/0"].flat.__setitem__(5, np.nan), ["'fc6/0' holds NaN"]),
    "infinity": (lambda a: a["conv1/1"].__setitem__(3, -np.inf), ["'conv1/1' holds NaN, inf"]),
    "too large": (lambda a: a.update({"fc8/1": np.full(5, 1e39)}), ["'fc8/1'", "3.403e+38"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_nothing_is_assigned_if_anything_is_wrong(case, load):
    """What is wrong is said together, and the model is as it was, to the last number."""
    change, expected = WRONG[case]
    model = blank_network()
    before = weights_of(model)
    arrays = {name: array.squeeze() for name, array in WAYS["caffe"](drawn_weights(model)).items()}
    change(arrays)
    with pytest.raises(CheckpointError) as caught:
        load(model, arrays)
    message = str(caught.value)
    assert message.startswith("'made' was not loaded. ") and message.isprintable()
    for words in expected:
        assert words in message
    assert_equal(model, before)


def test_two_tensors_for_one_variable(load):
    model = blank_network()
    arrays = WAYS["torchvision"](drawn_weights(model))
    arrays["module.features.0.bias"] = arrays["features.0.bias"]
    with pytest.raises(CheckpointError, match=r"twice: 'features\.0\.bias' and 'module\.feat"):
        load(model, arrays)


@pytest.mark.parametrize("half", [6, 7])
def test_two_towers_are_halves_of_an_even_number(half, load):
    """Two tensors of 6 or 7 filters are no layer of 13, though half of it, rounded, is 6."""
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(13, 3, name="conv1")]
    model = keras.Sequential(layers)
    before = weights_of(model)
    arrays = {f"conv1{tower}.kernel": np.ones((3, 3, 3, half), "float32") for tower in "ab"}
    arrays |= {f"conv1{tower}.bias": np.ones(half, "float32") for tower in "ab"}
    message = "'conv1a.kernel' and 'conv1b.kernel' are halves where conv1's kernel takes 13 outputs"
    with pytest.raises(CheckpointError, match=message):
        load(model, arrays)
    assert_equal(model, before)


@pytest.mark.parametrize("ones", [(), (1, 1, 1)], ids=["biases", "biases with four axes"])
def test_the_shapes_of_published_networks_are_named(ones, load):
    """A file of another published network is told by its convolutions."""
    model = blank_network()
    arrays = WAYS["caffe"](drawn_weights(model))
    shapes = {1: (96, 3, 11), 2: (256, 48, 5), 3: (384, 256, 3), 4: (384, 192, 3), 5: (256, 192, 3)}
    for number, (filters, channels, size) in shapes.items():
        kernel = np.ones((size, size, channels, filters), "float32")
        bias = np.ones((*ones, filters), "float32")
        arrays |= {f"conv{number}/0": oihw(kernel), f"conv{number}/1": bias}
    with pytest.raises(CheckpointError, match=r"it is 'paper' or 'source2012' or 'bvlc'"):
        load(model, arrays)


def with_another_layer():
    model = small_network()
    return keras.Model(model.inputs, keras.layers.LayerNormalization(name="n")(model.outputs[0]))


MODELS = {
    "a function": (lambda: print, "builtin_function_or_method"),
    "no weights": (lambda: keras.Sequential([keras.Input((3,)), keras.layers.ReLU()]), "no layer"),
    "not built": (lambda: keras.Sequential([keras.layers.Dense(3)]), "Sequential.*a built keras"),
    "a foreign layer": (with_another_layer, r"weights in 'n'\..*add other layers to it afterwards"),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_that_are_none(name, load):
    make, words = MODELS[name]
    with pytest.raises(CheckpointError, match=words):
        load(make(), {})
