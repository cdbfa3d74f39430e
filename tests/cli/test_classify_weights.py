"""`keras-alexnet classify --weights`: published weights and files of weights."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from keras_alexnet import AlexNet, jobs
from keras_alexnet.cli import main
from keras_alexnet.evaluation.networks import ready_network
from keras_alexnet.published import lookup, table
from local_server import running, whole
from safetensors_files import safetensors_file


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with an image, with caches of its own and no network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("KERAS_ALEXNET_CHECKPOINTS", raising=False)
    monkeypatch.setenv("KERAS_ALEXNET_OFFLINE", "1")
    Image.new("RGB", (20, 12), (250, 100, 0)).save("a.png")
    return tmp_path


@pytest.fixture
def tiny(place, monkeypatch):
    """A network with weights, which is published in a table of one row, and is at hand."""
    model = AlexNet("cifar10_19pct", initialization="robust", data_format="channels_last")
    folder = place / "keras" / "keras_alexnet"
    folder.mkdir(parents=True)
    path = folder / "tiny.weights.h5"
    model.save_weights(path)
    row = dataclasses.replace(
        table.OWT_TORCHVISION,
        name="tiny",
        variant="cifar10_19pct",
        filename=path.name,
        hashes=(f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",),
        size=path.stat().st_size,
        pixels=dataclasses.replace(table.OWT_TORCHVISION.pixels, base=32),
        samples=(),
    )
    monkeypatch.setattr(lookup, "CHECKPOINTS", {"tiny": row})
    return model


@pytest.fixture
def served(tiny, place, monkeypatch):
    """The same network, which a server has and this machine does not."""
    monkeypatch.delenv("KERAS_ALEXNET_OFFLINE")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    path = place / "keras" / "keras_alexnet" / "tiny.weights.h5"
    with running() as server:
        row = lookup.CHECKPOINTS["tiny"]
        row = dataclasses.replace(row, urls=(server.serve("tiny", whole(path.read_bytes())),))
        monkeypatch.setattr(lookup, "CHECKPOINTS", {"tiny": row})
        path.unlink()
        yield server


# The weights of this network are as they were initialised, which the loader says.
UNTRAINED = pytest.mark.filterwarnings("default:.*The weights look untrained:UserWarning")


@UNTRAINED
def test_published_weights(tiny, capsys):
    """By name: the variant's network, with the pixels that the checkpoint, not the variant, has."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), "uint8")
    Image.fromarray(pixels).save("c.png")
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    scores = np.asarray(tiny.predict_on_batch(((pixels / 255 - mean) / std)[None]))[0]
    assert main(["classify", "c.png", "--weights", "tiny", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("keras-alexnet classify: note: ")
    assert "The weights look untrained" in captured.err
    assert captured.err.count("\n") == 1
    (image,) = json.loads(captured.out)["images"]
    order = np.argsort(-scores)[:5]
    assert [row["name"] for row in image["classes"]] == [f"class {n}" for n in order]
    found = [row["score"] for row in image["classes"]]
    np.testing.assert_allclose(found, scores[order], rtol=1e-4)


@UNTRAINED
def test_without_weights_they_are_imagenets(served, capsys):
    """A line says so, and the size is said before the download; the JSON stands alone."""
    arguments = ["classify", "a.png", "--variant", "cifar10_19pct"]
    assert main([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    (image,) = json.loads(captured.out)["images"]
    first, second = captured.err.splitlines()[:2]
    title = table.OWT_TORCHVISION.title
    assert first == (
        "keras-alexnet classify: note: without --weights and --model, the weights are imagenet's: "
        f"tiny, {title}, 0 MB"
    )
    assert second == f"Downloading tiny.weights.h5 (0 MB) from {served.url('tiny')}"
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith(f"{first}\n")
    assert "Downloading" not in captured.out + captured.err
    assert f" {image['classes'][0]['name']} " in captured.out
    assert len(served.asked) == 1
    with pytest.warns(UserWarning, match="look untrained"):
        result = jobs.classify("a.png", variant="cifar10_19pct", verbose=0)
    assert result.to_dict()["images"] == [image]


@pytest.mark.medium
@UNTRAINED
def test_weights_from_a_file(tiny, place, capsys):
    """By path, with the variant: the variant's own pixels, and the names that lie beside it."""
    tiny.save_weights("mine.weights.h5")
    with open("classes.json", "w") as file:
        json.dump([f"kind_{n}" for n in range(10)], file)
    weights = ["--weights", "mine.weights.h5", "--variant", "cifar10_19pct"]
    assert main(["classify", "a.png", *weights, "--json"]) == 0
    (image,) = json.loads(capsys.readouterr().out)["images"]
    assert image["classes"][0]["name"].startswith("kind ")
    with pytest.warns(UserWarning, match="look untrained"):
        model = ready_network("mine.weights.h5", "cifar10_19pct").model
    square = np.full((1, 32, 32, 3), [250, 100, 0], "float32")
    expected = tiny.predict_on_batch(square - [125.3, 123.0, 113.9])
    found = model.predict_on_batch(square.astype("uint8"))
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=0.05)


@UNTRAINED
def test_a_file_that_tells_its_network(place):
    """Shapes of one network alone, and what a converted file says, make the variant known."""
    network = AlexNet("cifar10_80sec", initialization="robust", data_format="channels_last")
    network.save_weights("mine.weights.h5")
    arrays = {
        f"{layer.name}.{part}": np.asarray(value)
        for layer in network.layers
        for part, value in zip(("kernel", "bias"), layer.get_weights(), strict=False)
    }
    said = {"variant": "cifar10_80sec", "channel_order": "bgr"}
    (place / "bgr.safetensors").write_bytes(safetensors_file(arrays, __metadata__=said))
    square = np.full((1, 32, 32, 3), [250, 100, 0], "float32")
    prepared = square - [125.27, 122.93, 113.86]
    for path, order in (("mine.weights.h5", 1), ("bgr.safetensors", -1)):
        with pytest.warns(UserWarning, match="look untrained"):
            model = ready_network(path).model
        expected = network.predict_on_batch(np.ascontiguousarray(prepared[..., ::order]))
        found = model.predict_on_batch(square.astype("uint8"))
        np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-3)


@UNTRAINED
def test_weights_of_other_classes(place, capsys):
    """The network has as many outputs as the file has classes, and they are numbered."""
    AlexNet("cifar10_19pct", classes=4).save_weights("other.weights.h5")
    weights = ["--weights", "other.weights.h5", "--variant", "cifar10_19pct"]
    assert main(["classify", "a.png", *weights, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    names = {row["name"] for row in found["images"][0]["classes"]}
    assert names == {f"class {number}" for number in range(4)}
    assert [text.split(":")[0] for text in found["assumptions"]] == [
        "'other.weights.h5' does not say how images are prepared",
        "'other.weights.h5' does not name its classes",
    ]


@UNTRAINED
def test_weights_without_a_classifier(place, capsys):
    """Feature layers alone name nothing."""
    AlexNet("cifar10_19pct", include_top=False).save_weights("features.weights.h5")
    weights = ["--weights", "features.weights.h5", "--variant", "cifar10_19pct"]
    assert main(["classify", "a.png", *weights]) == 2
    captured = capsys.readouterr()
    assert "missing: fc10's kernel" in captured.err
    assert captured.out == ""


MISTAKES = [
    (["owt_torchvison"], "Did you mean 'owt_torchvision'?"),
    (["imagenet"], "'alexnet-owt-7be5be79.pth' is not on this machine"),
    (["imagenet", "--variant", "paper"], "'paper', of which no weights are published"),
    (["owt_torchvision"], "'alexnet-owt-7be5be79.pth' is not on this machine"),
    (["owt_torchvision", "--variant", "bvlc"], "'owt_torchvision'"),
    (["mine.weights.h5"], "'mine.weights.h5' fit several networks, by their names and"),
    (["a.png", "--variant", "owt"], "'a.png'"),
]


@pytest.mark.parametrize(("weights", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(weights, message, place, capsys):
    """Every mistake gives one line on stderr, nothing on stdout, and exit code 2."""
    AlexNet("cifar10_19pct").save_weights("mine.weights.h5")
    assert main(["classify", "a.png", "--weights", *weights]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.backend_free
def test_the_default_is_torchvisions_network(place, capsys):
    """`keras-alexnet classify cat.jpg` alone; without a network, what to do is said."""
    assert main(["classify", "a.png"]) == 2
    note, error = capsys.readouterr().err.splitlines()
    assert note.endswith(
        "imagenet's: owt_torchvision, torchvision's AlexNet, IMAGENET1K_V1, 244 MB"
    )
    assert "'alexnet-owt-7be5be79.pth' is not on this machine, and KERAS_ALEXNET_OFF" in error
    assert main(["classify", "a.png", "--variant", "paper"]) == 2
    error = capsys.readouterr().err
    assert "'paper', of which no weights are published. The variants with published" in error
    assert error.count("\n") == 1
