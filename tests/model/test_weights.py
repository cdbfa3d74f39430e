"""`weights=`: names of published checkpoints, and files of another network."""

import keras
import numpy as np
import pytest

from array_files import save
from helpers import to_numpy
from keras_alexnet import AlexNet, UserError, load_checkpoint
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.published import download
from made_checkpoints import caffe, torchvision
from made_networks import learned_filters


@pytest.fixture
def downloaded(monkeypatch):
    """Let the download of any checkpoint give a file of ours; return what was asked for."""
    asked = []

    def local_path(checkpoint):
        asked.append(checkpoint.name)
        return local_path.path

    monkeypatch.setattr(download, "local_path", local_path)
    return asked, local_path


def conv_weights(variant):
    """Return weights that look learned for the convolutions of a variant, and a model of it."""
    model = AlexNet(variant, include_top=False)
    rng = np.random.default_rng(0)
    weights = {}
    for layer in model.layers:
        if layer.name.startswith("conv"):
            kernel, bias = layer.get_weights()
            kernel = rng.normal(0, 0.01, kernel.shape) * np.exp(rng.normal(size=kernel.shape[-1]))
            weights[layer.name] = kernel.astype("float32"), bias
    smooth = learned_filters()
    first = np.zeros((11, 11, 3, weights["conv1"][0].shape[-1]), "float32")
    first[2:9, 2:9, :, :32] = smooth
    weights["conv1"] = first, weights["conv1"][1]
    return model, weights


@pytest.mark.medium
def test_names_and_imagenet(downloaded, no_network, tmp_path, capsys):
    """A name and "imagenet" give the published file; nothing else is asked for."""
    asked, local_path = downloaded
    _, weights = conv_weights("bvlc")
    local_path.path = save(tmp_path / "bvlc_alexnet.npz", caffe(weights))
    for name in ("imagenet", "bvlc_caffe"):
        model = AlexNet("bvlc", include_top=False, weights=name)
        assert capsys.readouterr().out == ""
        for layer, (kernel, _) in weights.items():
            np.testing.assert_array_equal(to_numpy(model.get_layer(layer).kernel.value), kernel)
    assert asked == ["bvlc_caffe", "bvlc_caffe"]
    loaded = load_checkpoint(model, "bvlc_onnx", channel_order="rgb")
    assert asked[2:] == ["bvlc_onnx"]
    assert (loaded.checkpoint, loaded.channel_order) == ("bvlc_onnx", "rgb")
    kernel = weights["conv1"][0][:, :, ::-1]
    np.testing.assert_array_equal(to_numpy(model.get_layer("conv1").kernel.value), kernel)


@pytest.mark.medium
@pytest.mark.parametrize("variant", [None, "owt", "torchvision"])
def test_imagenet_without_a_variant_is_torchvisions(variant, downloaded, no_network, tmp_path):
    """`AlexNet(weights="imagenet")`: the variant `owt` and the first of its published files."""
    asked, local_path = downloaded
    _, weights = conv_weights("owt")
    kernel = weights["conv1"][0]
    kernel[0, :3, 0, 0] = 0.11864, 0.094069, 0.095435  # the published values
    kernel[0, 8:, 0, 0] = 0.055822, 0.021575, 0.049963
    local_path.path = save(tmp_path / "alexnet.npz", torchvision(weights))
    model = AlexNet(variant, include_top=False, weights="imagenet", pooling="avg")
    assert asked == ["owt_torchvision"]
    assert (model.name, model.output_shape) == ("alexnet_owt", (None, 256))
    assert (model.card.variant, model.card.checkpoint) == ("owt", "owt_torchvision")
    np.testing.assert_array_equal(to_numpy(model.get_layer("conv1").kernel.value), kernel)


def test_paper_has_no_published_weights(downloaded):
    """An explicit variant is never replaced by another: three sentences name those with weights."""
    with pytest.raises(UserError) as caught:
        AlexNet("paper", weights="imagenet")
    error = caught.value
    assert error.received == (
        "Received weights='imagenet' for the variant 'paper', of which no weights are published."
    )
    assert error.expected == (
        "The variants with published weights are: bvlc, caffenet, owt, ungrouped."
    )
    assert error.remedy.startswith("Build one of those, such as AlexNet('bvlc', weights='imagen")
    assert downloaded[0] == []


def test_public_values_are_looked_for(downloaded, tmp_path):
    """A file that is not what its name says shows other values than those that are public."""
    _, local_path = downloaded
    model, weights = conv_weights("owt")
    local_path.path = save(tmp_path / "alexnet.npz", torchvision(weights))
    with pytest.warns(UserWarning, match="do not hold the published values"):
        load_checkpoint(model, "owt_torchvision")
    kernel = weights["conv1"][0]
    kernel[0, :3, 0, 0] = 0.11864, 0.094069, 0.095435
    kernel[0, 8:, 0, 0] = 0.055822, 0.021575, 0.049963
    local_path.path = save(tmp_path / "right.npz", torchvision(weights))
    loaded = load_checkpoint(model, "owt_torchvision")
    assert "The kernels hold the published values." in str(loaded)


NAMES = [
    (
        {"variant": "paper", "weights": "imagenet"},
        "'paper', of which no weights are published.*owt",
    ),
    ({"variant": "owt", "weights": "bvlc_caffe"}, "'owt'.*belong to the variant 'bvlc'"),
    ({"variant": "owt", "weights": "alexnet.pth"}, "path 'alexnet.pth', but there is no such file"),
]


@pytest.mark.parametrize(("arguments", "message"), NAMES)
def test_mistakes_before_anything_is_built(arguments, message, monkeypatch):
    """A name that does not go with the variant is answered at once, in words."""
    monkeypatch.setattr(keras, "Model", None)
    with pytest.raises(ValueError, match=message):
        AlexNet(**arguments)


@pytest.mark.medium
def test_another_network_is_noticed(tmp_path):
    """Caffe's weights fit the paper's network in every shape, but that one computes otherwise."""
    _, weights = conv_weights("bvlc")
    path = save(tmp_path / "net.npz", caffe(weights))
    model = AlexNet("paper", include_top=False)
    before = model.get_weights()
    with pytest.raises(
        CheckpointError,
        match=r"belong to another network\. .*not 'bvlc': its norm1 has window 5, k 2, alpha 0\.00"
        r"01.*not window 5, k 1, alpha 2e-05.*not 'caffenet': it has norm1 where the.* has pool1",
    ):
        load_checkpoint(model, path, verify="raise")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.warns(UserWarning, match="belong to another network"):
        load_checkpoint(model, path, verbose=False)
    for variant in ("bvlc", "caffenet"):
        load_checkpoint(AlexNet(variant, include_top=False), path, verbose=False)  # no warning


@pytest.mark.medium
@pytest.mark.parametrize(
    ("variant", "words"),
    [("notebook", "it has norm1 where the variant has pool1"), ("cuda_convnet2", "it has norm1")],
)
def test_one_tower_networks_are_told_apart(variant, words, tmp_path):
    """torchvision's weights fit two other networks in every shape."""
    _, weights = conv_weights("owt")
    path = save(tmp_path / "net.npz", torchvision(weights))
    with pytest.warns(UserWarning, match=f"belong to another.*not 'owt': {words}"):
        load_checkpoint(AlexNet(variant, include_top=False), path, verbose=False)
