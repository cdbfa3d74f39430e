"""Names of inner activations: those of Caffe, torchvision, imgclsmob, TF-Slim and the notebook."""

import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import AlexNet, feature_extractor, get_variant
from keras_alexnet.variants.aliases import ALIASES
from narrow_networks import narrow

CAFFE = {  # Caffe, models/bvlc_alexnet and bvlc_reference_caffenet, deploy.prototxt
    "bvlc": "conv1 relu1 norm1 pool1 conv2 relu2 norm2 pool2 conv3 relu3 conv4 relu4 conv5 relu5 "
    "pool5 fc6 relu6 drop6 fc7 relu7 drop7 fc8 prob",
    "caffenet": "conv1 relu1 pool1 norm1 conv2 relu2 pool2 norm2 conv3 relu3 conv4 relu4 conv5 "
    "relu5 pool5 fc6 relu6 drop6 fc7 relu7 drop7 fc8 prob",
}


def images(size=32, count=2):
    return np.random.default_rng(0).normal(size=(count, size, size, 3)).astype("float32")


@pytest.mark.parametrize("variant", CAFFE)
def test_names_of_caffe(variant, monkeypatch):
    """Every layer of Caffe's networks is there under its own name, in its order."""
    narrow(monkeypatch, variant)
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
def test_names_of_torchvision(monkeypatch):
    """Every name gives what PyTorch computes at that place of the same network."""
    import torch

    narrow(monkeypatch, "owt")
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
def test_names_of_others(variant, names, monkeypatch):
    """Names of imgclsmob, TF-Slim and the notebook, each in its own network."""
    narrow(monkeypatch, variant)
    model = AlexNet(variant, input_shape=(67, 67, 3), classes=2)
    found = feature_extractor(model, [*names, *names.values()]).output
    assert all(found[name] is found[ours] for name, ours in names.items())
