"""Inner activations: by which names, of which models, and the right ones."""

import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import AlexNet, feature_extractor, get_variant
from keras_alexnet.layers import DownscaledDropout
from keras_alexnet.training.job import Job, build_model
from keras_alexnet.variants.aliases import ALIASES

CAFFE = {  # Caffe, models/bvlc_alexnet and bvlc_reference_caffenet, deploy.prototxt
    "bvlc": "conv1 relu1 norm1 pool1 conv2 relu2 norm2 pool2 conv3 relu3 conv4 relu4 conv5 relu5 "
    "pool5 fc6 relu6 drop6 fc7 relu7 drop7 fc8 prob",
    "caffenet": "conv1 relu1 pool1 norm1 conv2 relu2 pool2 norm2 conv3 relu3 conv4 relu4 conv5 "
    "relu5 pool5 fc6 relu6 drop6 fc7 relu7 drop7 fc8 prob",
}


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


@pytest.mark.parametrize("variant", CAFFE)
def test_names_of_caffe(variant):
    """Every layer of Caffe's networks is there under its own name, in its order."""
    names = CAFFE[variant].split()
    model = AlexNet(variant, input_shape=(67, 67, 3), classes=2)
    extractor = feature_extractor(model, names)
    assert list(extractor.output) == names
    assert [layer.name for layer in model.layers if layer.name in names] == names
    last = feature_extractor(model, ["prob_1", "prob"]).output
    assert last["prob_1"] is last["prob"]


TORCHVISION = """
features.0 conv1  features.1 relu1  features.2 pool1  features.3 conv2  features.4 relu2
features.5 pool2  features.6 conv3  features.7 relu3  features.8 conv4  features.9 relu4
features.10 conv5  features.11 relu5  features.12 pool5  avgpool avgpool
classifier.0 drop6  classifier.1 fc6  classifier.2 relu6  classifier.3 drop7  classifier.4 fc7
classifier.5 relu7  classifier.6 fc8  features pool5  classifier fc8
"""


@pytest.mark.long
@pytest.mark.peer("torch")
def test_names_of_torchvision():
    """Every name gives what PyTorch computes at that place of the same network."""
    import torch

    model = AlexNet("owt", input_shape=(95, 95, 3), classes=3, classifier_activation=None)
    for layer in model.layers:  # biases count too
        if layer.weights:
            layer.bias.assign(np.random.default_rng(1).normal(size=layer.bias.shape) * 0.1)
    words = TORCHVISION.split()
    names = dict(zip(words[::2], words[1::2], strict=True))
    expected = torch_activations(torch, model, images(95))
    assert list(names)[:21] == list(expected)
    expected["features"], expected["classifier"] = expected["features.12"], expected["classifier.6"]
    found = feature_extractor(model, list(names))(images(95))
    for name, ours in names.items():
        value = to_numpy(found[name])
        value = value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
        theirs = expected[name].numpy()
        if name == "classifier.0":  # dropout of flattened maps, whose order is another
            assert value.shape == (2, 256, 6, 6)
            value = value.reshape(2, -1)
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(value, theirs, atol=1e-4 * scale, err_msg=f"{name} {ours}")


def torch_activations(torch, model, x):
    """Return the output of every module of torchvision's AlexNet, computed by PyTorch."""
    kernels = [layer.get_weights() for layer in model.layers if layer.weights]
    weights = [[torch.tensor(array) for array in pair] for pair in kernels]
    conv = torch.nn.functional.conv2d
    found, value = {}, torch.tensor(x.transpose(0, 3, 1, 2))
    places = iter(range(13))
    for number, (stride, padding) in enumerate(((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))):
        kernel, bias = weights[number]
        value = conv(value, kernel.permute(3, 2, 0, 1), bias, stride, padding)
        found[f"features.{next(places)}"] = value
        value = torch.relu(value)
        found[f"features.{next(places)}"] = value
        if number in (0, 1, 4):
            value = torch.nn.functional.max_pool2d(value, 3, 2)
            found[f"features.{next(places)}"] = value
    value = torch.nn.functional.adaptive_avg_pool2d(value, 6)
    found["avgpool"] = value
    value = found["classifier.0"] = value.flatten(1)
    kernel, bias = weights[5]  # rows in the order height, width, channels
    kernel = kernel.reshape(6, 6, 256, -1).permute(2, 0, 1, 3).reshape(9216, -1)
    value = found["classifier.1"] = value @ kernel + bias
    value = found["classifier.2"] = found["classifier.3"] = torch.relu(value)
    value = found["classifier.4"] = value @ weights[6][0] + weights[6][1]
    value = found["classifier.5"] = torch.relu(value)
    found["classifier.6"] = value @ weights[7][0] + weights[7][1]
    return found


def test_without_an_average_avgpool_is_pool5():
    """At 224 pixels torchvision's average changes nothing; the name still works."""
    features = AlexNet("owt", include_top=False)
    extractor = feature_extractor(features, ["avgpool", "features.12", "features"])
    assert {id(tensor) for tensor in extractor.output.values()} == {
        id(extractor.output["features"])
    }
    assert extractor.layers[-1].name == "pool5"


@pytest.mark.backend_free
@pytest.mark.parametrize("variant", ALIASES)
def test_every_alias_is_a_layer(variant):
    """Every name in the tables stands for a layer of its variant."""
    layers = {name for name, _ in get_variant(variant).rows()} | {"prob"}
    assert set(ALIASES[variant].values()) <= layers
    assert not set(ALIASES[variant]) & layers - {"avgpool"}


# imgclsmob, pytorchcv/models/alexnet.py: the modules of its network, and what each computes last.
IMGCLSMOB = """
features.stage1.unit1.conv conv1  features.stage1.unit1.activ relu1  features.stage1.unit1 relu1
features.stage1.pool1 pool1  features.stage1 pool1
features.stage2.unit1.conv conv2  features.stage2.unit1.activ relu2  features.stage2.unit1 relu2
features.stage2.pool2 pool2  features.stage2 pool2
features.stage3.unit1.conv conv3  features.stage3.unit1.activ relu3  features.stage3.unit1 relu3
features.stage3.unit2.conv conv4  features.stage3.unit2.activ relu4  features.stage3.unit2 relu4
features.stage3.unit3.conv conv5  features.stage3.unit3.activ relu5  features.stage3.unit3 relu5
features.stage3.pool3 pool5  features.stage3 pool5  features pool5
output.fc1.fc fc6  output.fc1.activ relu6  output.fc2.fc fc7  output.fc2.activ relu7
output.fc3 fc8  output fc8
"""


@pytest.mark.backend_free
def test_every_name_of_imgclsmob():
    """The tables hold all its modules with weights or a result; norms end two units of one."""
    words = IMGCLSMOB.split()
    names = dict(zip(words[::2], words[1::2], strict=True))
    owt = {name: ours for name, ours in ALIASES["owt"].items() if name in names}
    assert owt == names
    norms = {"features.stage1.unit1": "norm1", "features.stage2.unit1": "norm2"}
    assert ALIASES["ungrouped"] == names | norms


@pytest.mark.medium
@pytest.mark.parametrize(
    ("variant", "names"),
    [
        (
            "ungrouped",
            {
                "features.stage1.unit1": "norm1",
                "features.stage3.unit2.conv": "conv4",
                "features.stage3.unit1": "relu3",
                "features.stage3.pool3": "pool5",
                "output.fc2.activ": "relu7",
            },
        ),
        ("slim_v2", {"alexnet_v2/conv5": "relu5", "alexnet_v2/fc7": "relu7"}),
        ("notebook", {"fat2": "relu7", "fat3": "prob"}),
    ],
)
def test_names_of_others(variant, names):
    """Names of imgclsmob, TF-Slim and the notebook, each in its own network."""
    model = AlexNet(variant, input_shape=(67, 67, 3), classes=2)
    found = feature_extractor(model, [*names, *names.values()]).output
    assert all(found[name] is found[ours] for name, ours in names.items())


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
            r"'fc7', which .* does not have\. .*fc64, relu4, fc10.*nearest are 'fc64'",
        ),
        (network, ["relu3", "Relu4"], r"'Relu4', which.*'relu4'"),
        (network, "zzz", r"'zzz', which.*Choose one"),
        (network, "features.0", r"'features\.0', which .* does not have"),
        (network, 3, r"layers=3\. .*Try \"fc7\""),
        (network, [], r"layers=\[\]\. .*a list of names"),
        (network, {"fc64": 1}, r"layers=\{'fc64': 1\}\."),
        (network, {"fc64": "a", "fc10": "a"}, "a key stands twice.*another key"),
        (twins, "conv1", "'conv1', of which .*'twins' has 2.*'left/conv1' or 'right/conv1'"),
        (repeated, "same", "'same', which .* uses 2 times.*used once"),
        (lambda: keras.Sequential([keras.layers.Dense(2)]), "x", "functional or sequential.*built"),
    ],
)
def test_mistakes(make, layers, message):
    """What was asked for, what there is, and what to ask for."""
    with pytest.raises(ValueError, match=f"(?s)Received .*{message}"):
        feature_extractor(make(), layers)


def test_the_nearest_may_be_an_alias():
    """A slip in another program's name is answered with that program's names."""
    features = AlexNet("owt", include_top=False)
    with pytest.raises(ValueError, match=r"nearest are .*'features\.12'"):
        feature_extractor(features, "features.13")


def test_one_of_two(tmp_path):
    """With the model's name before it, one of two layers of the same name is given."""
    model = twins()
    x = images()
    expected = by_hand(model.get_layer("right"), "pool2", x)
    found = feature_extractor(model, "right/pool2")
    np.testing.assert_allclose(to_numpy(found(x)), expected, atol=1e-6)
    assert [layer.name for layer in found.layers[1:]] == ["right"]
