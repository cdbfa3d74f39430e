"""Files that people save with PyTorch: all forms are loaded, with the same numbers."""

import argparse
import collections
import os
import pathlib
import warnings

import numpy as np
import pytest

from keras_alexnet import load_checkpoint
from keras_alexnet.formats.errors import CheckpointError
from made_checkpoints import imgclsmob_torch, torchvision
from made_networks import drawn_weights, small_network, weights_of
from torch_forms import NAMES, forms, optimizer, prefixed

pytestmark = pytest.mark.peer("torch")


@pytest.fixture(scope="module")
def made():
    """A network, and the weights that the files hold."""
    model = small_network()
    return model, drawn_weights(model)


@pytest.fixture(scope="module")
def torch():
    import torch

    return torch


@pytest.fixture(scope="module")
def state(made, torch):
    """The state dict of the network in PyTorch."""
    arrays = torchvision(made[1])
    return collections.OrderedDict(
        (name, torch.from_numpy(array.copy())) for name, array in arrays.items()
    )


@pytest.fixture(scope="module")
def values(torch, state):
    return forms(torch, state)


def load(made, path):
    """Load a file into the network, which is all zeros before."""
    model, _ = made
    model.set_weights([np.zeros(weight.shape, "float32") for weight in model.weights])
    return load_checkpoint(model, path, verify="off", verbose=False)


def assert_loaded(made, limit=0.0):
    model, weights = made
    for layer, pair in weights_of(model).items():
        for mine, expected in zip(pair, weights[layer], strict=True):
            np.testing.assert_allclose(mine, expected, rtol=0, atol=limit, err_msg=layer)


def test_every_form_is_named(values):
    assert list(values) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_form(made, torch, values, tmp_path, name):
    """Its weights are the network's, number by number."""
    torch.save(values[name], tmp_path / "net.pth")
    load(made, tmp_path / "net.pth")
    assert_loaded(made, 1e-3 if name == "half" else 0)


@pytest.mark.parametrize("name", ["ImageNet example", "beside everything", "among everything"])
@pytest.mark.parametrize("options", [{"pickle_protocol": 4}, {"pickle_protocol": 5}, {"old": True}])
def test_form_in_other_formats(made, torch, values, tmp_path, name, options):
    """With later protocols of pickles, and in the format before PyTorch 1.6."""
    options = dict(options)
    zipped = not options.pop("old", False)
    torch.save(values[name], tmp_path / "net", _use_new_zipfile_serialization=zipped, **options)
    load(made, tmp_path / "net")
    assert_loaded(made)


def test_names_of_another_program(made, torch, tmp_path):
    """Prefixes and wrappers have nothing to do with torchvision's names."""
    state = {
        f"encoder.{name.replace('stage3', 'module.stage3')}": torch.from_numpy(array)
        for name, array in imgclsmob_torch(made[1]).items()
    }
    torch.save({"weights": state, "loss": torch.ones(3)}, tmp_path / "net.pth")
    assert load(made, tmp_path / "net.pth").dialect == "imgclsmob_torch"
    assert_loaded(made)


def test_all_is_accounted_for(made, torch, state, tmp_path):
    """What lies beside the weights is named, and so is what is none among them."""
    others = {"best_acc1": torch.tensor(5.0), "args": argparse.Namespace()}
    network = prefixed(state, "model.") | {
        "model.seen": torch.tensor(3),
        "loss.weight": state[NAME],
    }
    torch.save({"state_dict": network, **others}, tmp_path / "net.pth")
    loaded = load(made, tmp_path / "net.pth")
    assert loaded.assigned["conv1/bias"] == ("state_dict/model.features.0.bias",)
    assert loaded.left_out == {
        "state_dict/model.seen": "it is not a weight",
        "state_dict/loss.weight": "it is outside the network",
        "best_acc1": "it is outside the network",
        "args": "it is outside the network",
    }


def test_only_what_is_asked_for_is_compared_with_its_checksum(made, torch, state, tmp_path):
    """A damaged optimizer's state is nobody's concern, a damaged weight is."""
    path = tmp_path / "net.pth"
    marked = torch.full((100,), 1.25)
    torch.save({"model": state, "optimizer": {"state": {0: {"buffer": marked}}}}, path)
    content = path.read_bytes()
    path.write_bytes(content.replace(marked.numpy().tobytes(), bytes(400)))
    load(made, path)
    assert_loaded(made)
    before = [np.array(weight) for weight in made[0].get_weights()]
    bias = state["classifier.6.bias"].numpy().tobytes()
    path.write_bytes(content.replace(bias, bytes(len(bias))))
    with pytest.raises(CheckpointError, match=r"data/15' of the archive is damaged: its CRC-32"):
        load_checkpoint(made[0], path, verify="off", verbose=False)
    for mine, expected in zip(made[0].get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, expected)


class Harm:
    """What runs a program where it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch harm",)


class Other:
    """What calls a function that nobody has heard of."""

    def __reduce__(self):
        return touch, ("harm",)


def touch(name):
    pathlib.Path(name).touch()


NAME = "features.0.weight"


REFUSED = {
    "whole module": (
        lambda torch, state: torch.nn.Linear(2, 2),
        r"holds an object of the class 'torch\.nn\.modules\.linear\.Linear', without tensors by "
        r"name\. .*run its code.*: torch\.save\(model\.state_dict\(\), path\)\.",
    ),
    "whole module in a dictionary": (
        lambda torch, state: {"epoch": 3, "model": torch.nn.Linear(2, 2)},
        r"holds an object of the class 'torch\.nn\.modules\.linear\.Linear' as 'model', without "
        r"tensors.*torch\.save\(model\.state_dict\(\), path\)\.",
    ),
    "whole module and its optimizer": (
        lambda torch, state: {"net": torch.nn.Linear(2, 2), "optimizer": optimizer(torch, state)},
        r"the tensors 'optimizer/state/0/momentum_buffer'.*\. It also holds objects that are not "
        r"tensors: 'net'.*torch\.save\(model\.state_dict\(\), path\)\.",
    ),
    "two networks": (
        lambda torch, state: {"teacher": state, "student": dict(state)},
        r"holds several networks: 'teacher/', 'student/'\. The file must hold one network\. "
        r"Save the one that you want alone: torch\.save",
    ),
    "complex weights": (
        lambda torch, state: {**state, NAME: state[NAME].to(torch.complex64)},
        r"Tensor 'features\.0\.weight': The tensor is complex",
    ),
    "sparse weights": (
        lambda torch, state: {**state, NAME: state[NAME].to_sparse()},
        r"Tensor 'features\.0\.weight': The entry is an object of the class 'torch\._utils\."
        r"_rebuild_sparse_tensor'. The entry must be a plain tensor.*torch\.save",
    ),
    "a tensor more": (
        lambda torch, state: {"state_dict": {**state, "bn.weight": torch.ones(3)}},
        "not expected: 'state_dict/bn.weight'",
    ),
    "a tensor less": (
        lambda torch, state: {
            k: v for k, v in prefixed(state, "net.").items() if "0.bias" not in k
        },
        "missing: conv1's bias",
    ),
    "harm beside": (lambda torch, state: {"state_dict": state, "a": Harm()}, "asks for '.*system'"),
}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", REFUSED)
def test_refused(made, torch, state, tmp_path, monkeypatch, name, zipped):
    """The message names the cause, and the line of PyTorch that makes a file that can be read."""
    monkeypatch.chdir(tmp_path)
    make, message = REFUSED[name]
    with warnings.catch_warnings():  # PyTorch's, about the source of a class that it cannot find
        warnings.simplefilter("ignore")
        torch.save(make(torch, state), "net.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=message):
        load(made, "net.pth")


def test_nothing_is_called(made, torch, state, tmp_path, monkeypatch):
    """A call of an unknown function beside the weights is never made."""
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": state, "other": Other(), "more": [Other()]}, "net.pth")
    load(made, "net.pth")
    assert_loaded(made)
    assert not pathlib.Path("harm").exists()
    torch.load("net.pth", weights_only=False)
    assert pathlib.Path("harm").exists()
