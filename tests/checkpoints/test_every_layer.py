"""Whole published networks, loaded, equal PyTorch's at every layer."""

import keras
import numpy as np
import pytest

from array_files import UNTRAINED, save
from helpers import to_numpy
from keras_alexnet import AlexNet, load_checkpoint


def torch_network(variant):
    """Return a published network in PyTorch, with the layers' names and the places after each."""
    from torch import nn

    def norm():
        return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)

    def pool():
        return nn.MaxPool2d(3, 2)

    if variant == "owt":
        features = [
            *(("conv1", nn.Conv2d(3, 64, 11, 4, 2)), ("relu1", nn.ReLU()), ("pool1", pool())),
            *(("conv2", nn.Conv2d(64, 192, 5, 1, 2)), ("relu2", nn.ReLU()), ("pool2", pool())),
            *(("conv3", nn.Conv2d(192, 384, 3, 1, 1)), ("relu3", nn.ReLU())),
            *(("conv4", nn.Conv2d(384, 256, 3, 1, 1)), ("relu4", nn.ReLU())),
            *(("conv5", nn.Conv2d(256, 256, 3, 1, 1)), ("relu5", nn.ReLU()), ("pool5", pool())),
        ]
    else:
        order = ("norm", "pool") if variant == "bvlc" else ("pool", "norm")
        made = {"norm": norm, "pool": pool}
        features = [
            *(("conv1", nn.Conv2d(3, 96, 11, 4)), ("relu1", nn.ReLU())),
            *((f"{kind}1", made[kind]()) for kind in order),
            *(("conv2", nn.Conv2d(96, 256, 5, 1, 2, groups=2)), ("relu2", nn.ReLU())),
            *((f"{kind}2", made[kind]()) for kind in order),
            *(("conv3", nn.Conv2d(256, 384, 3, 1, 1)), ("relu3", nn.ReLU())),
            *(("conv4", nn.Conv2d(384, 384, 3, 1, 1, groups=2)), ("relu4", nn.ReLU())),
            *(("conv5", nn.Conv2d(384, 256, 3, 1, 1, groups=2)), ("relu5", nn.ReLU())),
            ("pool5", pool()),
        ]
    classifier = [
        *(("drop6", nn.Dropout()), ("fc6", nn.Linear(9216, 4096)), ("relu6", nn.ReLU())),
        *(("drop7", nn.Dropout()), ("fc7", nn.Linear(4096, 4096)), ("relu7", nn.ReLU())),
        ("fc8", nn.Linear(4096, 1000)),
    ]
    network = nn.Module()
    network.features = nn.Sequential(*(layer for _, layer in features))
    network.classifier = nn.Sequential(*(layer for _, layer in classifier))
    return network.eval(), [name for name, _ in features + classifier]


def torch_outputs(network, names, images):
    """Return the output of every layer of a network in PyTorch, channels last, by name."""
    import torch

    x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    outputs = {}
    with torch.no_grad():
        for name, layer in zip(names, [*network.features, *network.classifier], strict=True):
            if name == "drop6":
                x = x.flatten(1)
            x = layer(x)
            # In place or not, a later layer may write into this one's output.
            outputs[name] = (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).numpy().copy()
    return outputs


def assert_same_at_every_layer(model, expected, images):
    names = [name for name in expected if not name.startswith("drop")]
    features = keras.Model(model.input, [model.get_layer(name).output for name in names])
    for name, mine in zip(names, features(images), strict=True):
        limit = 1e-4 * np.abs(expected[name]).max()
        np.testing.assert_allclose(to_numpy(mine), expected[name], rtol=0, atol=limit, err_msg=name)


@pytest.fixture(scope="session")
def owt():
    """The one-tower network of ours, built once."""
    return AlexNet("owt", classifier_activation=None)


@pytest.fixture(scope="session")
def owt_in_torch():
    """torchvision's network with random weights, images, and the outputs of every layer."""
    import torch

    torch.manual_seed(0)
    network, names = torch_network("owt")
    images = np.random.default_rng(0).normal(size=(2, 224, 224, 3)).astype("float32")
    return network, images, torch_outputs(network, names, images)


@pytest.mark.long
@pytest.mark.peer("torch")
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.filterwarnings(UNTRAINED)
def test_torchvisions_network(zipped, owt, owt_in_torch, tmp_path, capsys):
    """What PyTorch saves is loaded without it, and equals PyTorch's at every layer."""
    import torch

    network, images, expected = owt_in_torch
    path = tmp_path / "alexnet.pth"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=zipped)
    loaded = load_checkpoint(owt, path, verbose=True)
    assert loaded.format == ("torch_zip" if zipped else "torch_legacy")
    assert "Loaded 16 variables" in capsys.readouterr().out
    assert_same_at_every_layer(owt, expected, images)


@pytest.mark.long
@pytest.mark.peer("torch")
@pytest.mark.filterwarnings(UNTRAINED)
@pytest.mark.parametrize("variant", ["bvlc", "caffenet"])
def test_caffes_networks(variant, tmp_path):
    """The networks with groups and normalization equal what PyTorch computes for the same."""
    import torch

    torch.manual_seed(1)
    network, names = torch_network(variant)
    images = np.random.default_rng(1).uniform(-120, 130, (2, 227, 227, 3)).astype("float32")
    expected = torch_outputs(network, names, images)
    layers = dict(zip(names, [*network.features, *network.classifier], strict=True))
    arrays = {
        f"{name}/{number}": parameter.detach().numpy()
        for name, layer in layers.items()
        for number, parameter in enumerate(layer.parameters())
    }
    path = save(tmp_path / "net.npz", arrays)
    model = AlexNet(variant, weights=path, classifier_activation=None)
    assert_same_at_every_layer(model, expected, images)
