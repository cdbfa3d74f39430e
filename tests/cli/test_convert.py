"""`keras-alexnet convert`: what it prints, what it leaves, and mistakes."""

import hashlib
import json
import os
import signal

import numpy as np
import pytest

from keras_alexnet import AlexNet, load_checkpoint
from keras_alexnet.cli import main
from keras_alexnet.conversion import conversion
from made_networks import learned_filters

# Without this the notes that the command prints would be errors before it can print them.
UNTRAINED = pytest.mark.filterwarnings("default:.*The weights look untrained:UserWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network whose weights look learned, and its file's content."""
    network = AlexNet("cifar10_80sec", data_format="channels_last")
    filters = learned_filters()[:5, :5]
    network.get_layer("conv1").set_weights([filters, np.ones(32, "float32")])
    path = tmp_path_factory.mktemp("made") / "net.weights.h5"
    network.save_weights(path)
    return network, path.read_bytes()


@pytest.fixture
def net(made, tmp_path, monkeypatch):
    """A working folder with the weights of a network, which is returned."""
    monkeypatch.chdir(tmp_path)
    network, content = made
    (tmp_path / "net.weights.h5").write_bytes(content)
    return network


def test_convert(net, capsys):
    """A file is written that loads as the original does, and what was done is said."""
    assert main(["convert", "net.weights.h5", "out.safetensors"]) == 0
    captured = capsys.readouterr()
    first, assumed, _, last = captured.out.splitlines()
    assert first.startswith("Loaded 10 variables from 'net.weights.h5'")
    assert assumed.startswith("'net.weights.h5' does not say how images are prepared")
    size = os.path.getsize("out.safetensors")
    assert last.startswith(f"Wrote 'out.safetensors', {size:,} bytes, and read it again: ")
    assert captured.err == ""
    again = AlexNet("cifar10_80sec", weights="out.safetensors")
    for mine, theirs in zip(again.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_json(net, capsys):
    """`--json` gives the account for scripts, and nothing else."""
    options = ["--variant", "cifar10_80sec", "--json"]
    assert main(["convert", "net.weights.h5", "out.keras", *options]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert captured.err == ""
    assert (result["path"], result["size"]) == ("out.keras", os.path.getsize("out.keras"))
    assert result["assigned"]["fc64/bias"] == ["layers/dense/vars/1"]
    assert len(result["assigned"]) == 10 and result["left_out"] == {}
    with open("net.weights.h5", "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    assert result["provenance"]["source_sha256"] == digest
    assert result["provenance"]["variant"] == "cifar10_80sec"


@UNTRAINED
def test_channel_order_and_notes(tmp_path, monkeypatch, capsys):
    """The order of colours is changed on request; what looks wrong is a note of one line."""
    monkeypatch.chdir(tmp_path)
    source = AlexNet("owt", include_top=False)
    kernel = source.get_layer("conv1").get_weights()[0]
    arrays = {}
    for number, name in zip((0, 3, 6, 8, 10), [f"conv{n}" for n in range(1, 6)], strict=True):
        weight, bias = source.get_layer(name).get_weights()
        arrays[f"features.{number}.weight"] = np.einsum("hwio->oihw", weight)
        arrays[f"features.{number}.bias"] = bias
    np.savez("net.npz", **arrays)
    assert main(["convert", "net.npz", "out.weights.h5", "--channel-order", "bgr"]) == 0
    captured = capsys.readouterr()
    assert "The first kernels are reversed from RGB to BGR." in captured.out
    assert captured.err.startswith("keras-alexnet convert: note: 'net.npz': The weights look untr")
    assert "untrained" not in captured.out
    assert captured.err.count("\n") == 1
    load_checkpoint(source, "out.weights.h5", verify="off", verbose=False)
    found = source.get_layer("conv1").get_weights()[0]
    np.testing.assert_array_equal(found, kernel[:, :, ::-1])


def test_a_file_is_replaced_only_when_asked(net, capsys):
    """A second conversion to the same place needs `--overwrite`."""
    arguments = ["convert", "net.weights.h5", "out.safetensors"]
    assert main(arguments) == 0
    os.truncate("out.safetensors", 5)
    capsys.readouterr()
    assert main(arguments) == 2
    assert "(--overwrite)" in capsys.readouterr().err
    assert os.path.getsize("out.safetensors") == 5
    assert main([*arguments, "--overwrite"]) == 0
    load_checkpoint(net, "out.safetensors", verbose=False)


MISTAKES = [
    (["none.pth", "out.keras"], "the path 'none.pth', but there is no such file"),
    (["net.weights.h5", "out.h5"], "Call it 'out.weights.h5', say."),
    (["net.weights.h5", "no/out.keras"], "does not exist"),
    (["net.weights.h5", "net.weights.h5"], "but there is a file already"),
    (["net.weights.h5", "out.keras", "--variant", "alex"], "variant='alex', which is not known"),
    (["net.weights.h5", "out.keras", "--variant", "owt"], "'net.weights.h5' was not loaded."),
    (["net.weights.h5", "out.keras", "--channel-order", "rgb"], "does not say what order"),
    (["page.pth", "out.keras"], "'page.pth' cannot be read as a checkpoint: The file is a web"),
    (["19pct.weights.h5", "out.keras"], "(--variant cifar10_18pct)"),
    (["owt_torchvision", "out.keras", "--variant", "bvlc"], "belong to the variant 'owt'"),
]


@pytest.mark.medium
@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message, net, capsys):
    """Every mistake gives one line on stderr, nothing on stdout, exit code 2, and no file."""
    with open("page.pth", "w") as file:
        file.write("<!doctype html>")
    if "19pct.weights.h5" in arguments:
        AlexNet("cifar10_19pct").save_weights("19pct.weights.h5")
    before = sorted(os.listdir())
    assert main(["convert", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.startswith("keras-alexnet convert: ")
    assert captured.err.count("\n") == 1
    assert sorted(os.listdir()) == before


def test_interrupted(net, monkeypatch, capsys):
    """Ctrl-C is one line and exit code 130, and what was written already is removed."""

    def stopped(*arguments):
        assert len(os.listdir()) == 2  # the source, and the folder that is written to
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(conversion, "compare_written", stopped)
    assert main(["convert", "net.weights.h5", "out.keras"]) == 130
    err = capsys.readouterr().err
    assert err.strip() == "keras-alexnet convert: interrupted; nothing was saved"
    assert os.listdir() == ["net.weights.h5"]
