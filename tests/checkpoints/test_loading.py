"""Weights through the one door: real files, equal numbers at every layer, words for everything."""

import socket

import keras
import numpy as np
import pytest

from helpers import run_channels_first, to_numpy
from keras_alexnet import AlexNet, load_checkpoint
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.published import download
from made_checkpoints import (
    WAYS,
    caffe,
    drawn_weights,
    learned_filters,
    learned_weights,
    small_network,
    torchvision,
    weights_of,
)

UNTRAINED = "ignore:(?s).*look untrained:UserWarning"


def save(path, arrays):
    """Write arrays as an .npz file, under their names."""
    with open(path, "wb") as file:
        np.savez(file, **arrays)
    return str(path)


@pytest.fixture
def no_network(monkeypatch):
    """Let every connection fail."""

    def refuse(*arguments, **options):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


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
    loaded = load_checkpoint(owt, path)
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


def test_a_path_never_touches_the_network(no_network, tmp_path, capsys):
    """A file is read where it is, and the account of it is printed."""
    network = small_network()
    weights = learned_weights(network)
    path = save(tmp_path / "net.npz", WAYS["keras"](weights))
    loaded = load_checkpoint(network, path)
    assert (loaded.path, loaded.format, loaded.dialect) == (path, "npz", "keras")
    assert loaded.checkpoint is None and loaded.left_out == {} and loaded.kept == {}
    out = capsys.readouterr().out
    assert out == f"{loaded}\n"
    assert out.startswith(f"Loaded 16 variables from {path!r}, whose tensors are named as those of")
    assert "The weights look trained (conv1, conv2," in out


def test_the_account_can_be_silent(tmp_path, capsys, caplog):
    """Nothing is printed if asked so; where Keras logs instead of printing, so does this."""
    network = small_network()
    path = save(tmp_path / "net.npz", WAYS["keras"](learned_weights(network)))
    load_checkpoint(network, path, verbose=False)
    assert capsys.readouterr().out == ""
    keras.config.disable_interactive_logging()
    try:
        with caplog.at_level("INFO", "keras_alexnet"):
            load_checkpoint(network, path)
    finally:
        keras.config.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert "Loaded 16 variables" in caplog.text


@pytest.mark.medium
@pytest.mark.filterwarnings(UNTRAINED)
@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5"])
def test_own_files(ending, tmp_path):
    """What Keras saves of a network comes back equal, the state of its training left out."""
    model = AlexNet("cifar10_80sec")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.train_on_batch(np.ones((2, 32, 32, 3), "float32"), np.array([1, 2]))
    path = tmp_path / f"net{ending}"
    if ending == ".weights.h5":
        model.save_weights(path)
    elif ending == ".keras":
        model.save(path)
    else:
        legacy_h5(path, model)
    again = AlexNet("cifar10_80sec", weights=str(path))
    for old, new in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def legacy_h5(path, model):
    """Write a file as Keras 2 did: a group of each layer, in it paths with its name again."""
    import h5py

    with h5py.File(path, "w") as file:
        for layer in model.layers:
            for variable in layer.weights:
                name = f"model_weights/{layer.name}/{layer.name}/{variable.name}:0"
                file[name] = to_numpy(variable.value)


@pytest.fixture(scope="session")
def own_file(tmp_path_factory):
    """A file of weights that look learned, of a small variant, and the model that saved it."""
    model = AlexNet("cifar10_80sec")
    filters = learned_filters()[:5, :5]
    model.get_layer("conv1").set_weights([filters, np.ones(32, "float32")])
    path = str(tmp_path_factory.mktemp("own") / "net.weights.h5")
    model.save_weights(path)
    return path, model


def test_other_classes_in_one_line(own_file, capsys):
    """With other classes everything but the classifier is loaded, and that is said."""
    path, source = own_file
    with pytest.warns(UserWarning, match="'fc10' keeps its initial values"):
        model = AlexNet("cifar10_80sec", classes=3, weights=path)
    assert "fc10 keeps the values it had: the file's is for 10 classes." in capsys.readouterr().out
    for name in ("conv1", "conv3", "fc64"):
        for old, new in zip(
            source.get_layer(name).get_weights(), model.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(old, new)


def test_without_top_in_one_line(own_file, capsys):
    """Without the fully connected layers theirs are left out, and that is said."""
    path, source = own_file
    model = AlexNet("cifar10_80sec", include_top=False, pooling="max", weights=path)
    out = capsys.readouterr().out
    assert "Left out layers/dense/vars/0, layers/dense/vars/1: the model ends below dense." in out
    expected = keras.Model(source.input, source.get_layer("pool3").output)
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    maps = to_numpy(expected(x))
    np.testing.assert_allclose(to_numpy(model(x)), maps.max((1, 2)), rtol=1e-5, atol=1e-5)


@pytest.mark.medium
def test_both_data_formats(own_file):
    """One file gives the same outputs in both data formats."""
    path, source = own_file
    first = AlexNet("cifar10_80sec", weights=path, data_format="channels_first")
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(
        run_channels_first(first, x.transpose(0, 3, 1, 2)), to_numpy(source(x)), atol=1e-5
    )


def test_one_channel_in_one_line(own_file, capsys):
    """A grey image gives what it gives with its values three times, as a colour image."""
    path, source = own_file
    with pytest.raises(CheckpointError, match="pass sum_colors=True"):
        AlexNet("cifar10_80sec", input_shape=(32, 32, 1), weights=path)
    model = AlexNet("cifar10_80sec", input_shape=(32, 32, 1), weights=path, sum_colors=True)
    assert "The first kernels are summed over their 3 colours." in capsys.readouterr().out
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype("float32")
    np.testing.assert_allclose(to_numpy(model(x)), to_numpy(source(np.repeat(x, 3, -1))), atol=1e-5)


def test_what_is_in_front_of_the_network_is_left_alone(own_file):
    """With `input_tensor` the weights are the network's; the layers before keep theirs."""
    path, source = own_file
    pixels = keras.Input((32, 32, 3))
    before = keras.layers.Conv2D(3, 1, name="mix")
    model = AlexNet("cifar10_80sec", input_tensor=before(pixels), weights=path)
    kernel = to_numpy(before.kernel.value)
    np.testing.assert_array_equal(to_numpy(model.get_layer("mix").kernel.value), kernel)
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    expected = to_numpy(source(to_numpy(before(x))))
    np.testing.assert_allclose(to_numpy(model(x)), expected, atol=1e-5)


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
        for layer, (kernel, _) in weights.items():
            np.testing.assert_array_equal(to_numpy(model.get_layer(layer).kernel.value), kernel)
    assert asked == ["bvlc_caffe", "bvlc_caffe"]
    assert "Loaded 10 variables" in capsys.readouterr().out
    loaded = load_checkpoint(model, "bvlc_onnx", channel_order="rgb", verbose=False)
    assert asked[2:] == ["bvlc_onnx"]
    assert (loaded.checkpoint, loaded.channel_order) == ("bvlc_onnx", "rgb")
    kernel = weights["conv1"][0][:, :, ::-1]
    np.testing.assert_array_equal(to_numpy(model.get_layer("conv1").kernel.value), kernel)


def test_public_values_are_looked_for(downloaded, tmp_path):
    """A file that is not what its name says shows other values than those that are public."""
    _, local_path = downloaded
    model, weights = conv_weights("owt")
    local_path.path = save(tmp_path / "alexnet.npz", torchvision(weights))
    with pytest.warns(UserWarning, match="values that are public.*are not in their places"):
        load_checkpoint(model, "owt_torchvision")
    kernel = weights["conv1"][0]
    kernel[0, :3, 0, 0] = 0.11864, 0.094069, 0.095435
    kernel[0, 8:, 0, 0] = 0.055822, 0.021575, 0.049963
    local_path.path = save(tmp_path / "right.npz", torchvision(weights))
    loaded = load_checkpoint(model, "owt_torchvision")
    assert "The values that are public are in their places." in str(loaded)


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
        match=r"belong to another network.*than 'bvlc', its norm1 has window 5, k 2, alpha 0\.00"
        r"01.*not window 5, k 1, alpha 2e-05.*than 'caffenet', it has norm1 where the.* has pool1",
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
    with pytest.warns(UserWarning, match=f"belong to another.*than 'owt', {words}"):
        load_checkpoint(AlexNet(variant, include_top=False), path, verbose=False)


def test_verify(tmp_path):
    """Weights that look untrained are warned of, refused, or taken as they are."""
    network = small_network()
    weights = drawn_weights(network)
    path = save(tmp_path / "net.npz", WAYS["keras"](weights))
    with pytest.warns(UserWarning, match="net.npz.*look untrained: nothing tells them"):
        load_checkpoint(network, path)
    with pytest.raises(CheckpointError, match=r"look untrained.*trained and in order"):
        load_checkpoint(network, path, verify="raise", verbose=False)
    network = small_network()
    loaded = load_checkpoint(network, path, verify="off", verbose=False)  # no warning
    assert loaded.proof is None
    np.testing.assert_array_equal(weights_of(network)["fc6"][0], weights["fc6"][0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"verify": "no"}, r"verify='no'.*'warn', 'raise', 'off'"),
        ({"channel_order": "RGB"}, r"channel_order='RGB'.*None, 'rgb', 'bgr'"),
    ],
)
def test_options(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        load_checkpoint(small_network(), tmp_path / "x", **options)


def test_a_file_that_cannot_be_read(tmp_path):
    """The reader's own words come through."""
    path = tmp_path / "net.pth"
    path.write_text("<html>")
    with pytest.raises(CheckpointError, match=r"net\.pth.*web page"):
        load_checkpoint(small_network(), path)
    with pytest.raises(CheckpointError, match="cannot be opened"):
        load_checkpoint(small_network(), tmp_path / "none.pth")
