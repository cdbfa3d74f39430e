"""`feature_extractor`: the right activations, of models inside models too, and mistakes."""

import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import AlexNet, feature_extractor
from keras_alexnet.layers import DownscaledDropout
from keras_alexnet.training.job import Job, build_model


def images(size=32, count=2):
    return np.random.default_rng(0).normal(size=(count, size, size, 3)).astype("float32")


@pytest.fixture(scope="session")
def small():
    """A small network with two dense layers."""
    return AlexNet("cifar10_80sec", classes=3, initialization="robust")


def by_hand(model, name, x):
    return to_numpy(keras.Model(model.input, model.get_layer(name).output)(x))


@pytest.mark.medium
def test_one_name_gives_one_tensor(small):
    """A name gives the tensor itself, from calls and from predict."""
    extractor = feature_extractor(small, "relu3")
    expected = by_hand(small, "relu3", images())
    np.testing.assert_array_equal(to_numpy(extractor(images())), expected)
    np.testing.assert_allclose(extractor.predict(images(), verbose=0), expected, atol=1e-5)
    assert extractor.name == "alexnet_cifar10_80sec_features"


def test_lists_and_dicts_give_dicts(small):
    """A list's keys are its names, a dict's are its values."""
    x = images()
    by_name = feature_extractor(small, ["conv2", "fc64"])(x)
    by_key = feature_extractor(small, {"conv2": "early", "fc64": "late"})(x)
    assert (list(by_name), list(by_key)) == (["conv2", "fc64"], ["early", "late"])
    for name, key in (("conv2", "early"), ("fc64", "late")):
        expected = by_hand(small, name, x)
        np.testing.assert_allclose(to_numpy(by_name[name]), expected, atol=1e-6)
        np.testing.assert_allclose(to_numpy(by_key[key]), expected, atol=1e-6)
    predicted = feature_extractor(small, ["conv2"]).predict(x, verbose=0)
    assert {key: value.shape for key, value in predicted.items()} == {"conv2": (2, 16, 16, 32)}


def test_nothing_more_is_computed_and_nothing_is_copied(small):
    """The layers are the model's own, up to the last one asked for; no optimizer comes along."""
    small.compile("adam", "mse")
    extractor = feature_extractor(small, ["conv2"])
    assert [layer.name for layer in extractor.layers[1:]] == ["conv1", "relu1", "pool1", "conv2"]
    assert all(layer is small.get_layer(layer.name) for layer in extractor.layers[1:])
    assert not extractor.compiled


def test_it_is_inference():
    """Dropout of either kind is not active, but that of 2012 halves."""
    inputs = keras.Input((4,))
    dropped = keras.layers.Dropout(0.5, name="inverted")(inputs)
    model = keras.Model(inputs, DownscaledDropout(0.5, name="downscaled")(dropped))
    ones = np.ones((1, 4), "float32")
    for features in (
        feature_extractor(model, ["inverted", "downscaled"])(ones),
        feature_extractor(model, ["inverted", "downscaled"]).predict(ones, verbose=0),
    ):
        assert np.asarray(features["inverted"]).tolist() == [[1.0] * 4]
        assert np.asarray(features["downscaled"]).tolist() == [[0.5] * 4]


def fitted():
    return build_model(Job(variant="cifar10_80sec", image_size=28), classes=3)


def sequential():
    return keras.Sequential([keras.Input((40, 50, 3)), keras.layers.CenterCrop(28, 28), network()])


def functional():
    inputs = keras.Input((40, 50, 3))
    inner = keras.Sequential([keras.layers.CenterCrop(28, 28), network()], name="inner")
    return keras.Model(inputs, keras.layers.Dense(2, name="top")(inner(inputs)))


def network():
    return AlexNet("cifar10_80sec", input_shape=(28, 28, 3), classes=3)


def inner_network(model):
    """Return the layers of the network in a model, and the image part of the model by itself."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            return inner_network(layer)
    return model


@pytest.mark.medium
@pytest.mark.parametrize("make", [fitted, sequential, functional])
def test_models_in_models(make, tmp_path):
    """Layers of a network inside another model are found, before and after a file."""
    model = make()
    model.save(tmp_path / "model.keras")
    x = 255 * np.random.default_rng(0).uniform(size=(2, 40, 50, 3)).astype("float32")
    found = feature_extractor(model, ["relu3", "fc64"])(x)
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    again = feature_extractor(loaded, "fc64")(x)
    network = inner_network(model)
    if network is model:
        expected = {name: by_hand(model, name, x) for name in found}
    else:
        cut = x[:, 6:34, 11:39]
        expected = {name: by_hand(network, name, cut) for name in found}
    for name, value in found.items():
        np.testing.assert_allclose(to_numpy(value), expected[name], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(to_numpy(again), expected["fc64"], rtol=1e-4, atol=1e-5)


def test_inside_and_outside_at_once():
    """Layers before, in and behind a model inside the model, and that model itself."""
    model = functional()
    network = inner_network(model)
    names = ["top", "fc64", "inner", "inner/alexnet_cifar10_80sec/conv1"]
    x = np.random.default_rng(0).uniform(size=(2, 40, 50, 3)).astype("float32")
    found = feature_extractor(model, names)(x)
    cut = x[:, 6:34, 11:39]
    np.testing.assert_allclose(to_numpy(found["top"]), to_numpy(model(x)), atol=1e-6)
    np.testing.assert_allclose(to_numpy(found["inner"]), to_numpy(network(cut)), atol=1e-6)
    for name in ("fc64", "conv1"):
        key = name if name in found else names[3]
        np.testing.assert_allclose(to_numpy(found[key]), by_hand(network, name, cut), atol=1e-5)


def test_aliases_inside_models():
    """Other programs' names are known in a network that stands in another model."""
    base = AlexNet("owt", include_top=False, input_shape=(63, 63, 3))
    model = keras.Sequential([base, keras.layers.Flatten(), keras.layers.Dense(2)])
    assert feature_extractor(model, "features.4").output.shape == (None, 7, 7, 192)


def twins():
    inputs = keras.Input((32, 32, 3))
    first, second = (AlexNet("cifar10_19pct", name=name)(inputs) for name in ("left", "right"))
    return keras.Model(inputs, first + second, name="twins")


def repeated():
    inputs = keras.Input((4,))
    layer = keras.layers.Dense(4, name="same")
    return keras.Model(inputs, layer(layer(inputs)), name="repeated")


@pytest.mark.parametrize(
    ("make", "layers", "message"),
    [
        (
            network,
            "fc7",
            r"'fc7', which .* does not have\. .*fc64, relu4, fc10.*such as 'fc64'",
        ),
        (network, ["relu3", "Relu4"], r"'Relu4', which.*'relu4'"),
        (network, "zzz", r"'zzz', which.*Choose one"),
        (network, "features.0", r"'features\.0', which .* does not have"),
        (network, 3, r"layers=3\. .*Give \"fc7\""),
        (network, [], r"layers=\[\]\. .*a list of names"),
        (network, {"fc64": 1}, r"layers=\{'fc64': 1\}\."),
        (network, {"fc64": "a", "fc10": "a"}, "the same key.*Change one"),
        (twins, "conv1", "'conv1', of which .*'twins' has 2.*'left/conv1' or 'right/conv1'"),
        (repeated, "same", "'same', which .* uses 2 times.*used once"),
        (lambda: keras.Sequential([keras.layers.Dense(2)]), "x", "built functional or sequential"),
    ],
)
def test_mistakes(make, layers, message):
    """What was asked for, what there is, and what to ask for."""
    with pytest.raises(ValueError, match=f"(?s)Received .*{message}"):
        feature_extractor(make(), layers)


def test_the_nearest_may_be_an_alias():
    """A slip in another program's name is answered with that program's names."""
    features = AlexNet("owt", include_top=False)
    with pytest.raises(ValueError, match=r"such as .*'features\.12'"):
        feature_extractor(features, "features.13")


def test_one_of_two(tmp_path):
    """With the model's name before it, one of two layers of the same name is given."""
    model = twins()
    x = images()
    expected = by_hand(model.get_layer("right"), "pool2", x)
    found = feature_extractor(model, "right/pool2")
    np.testing.assert_allclose(to_numpy(found(x)), expected, atol=1e-6)
    assert [layer.name for layer in found.layers[1:]] == ["right"]
