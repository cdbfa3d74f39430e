"""Files that are no model: every command says so in words, without a byte of them."""

import io
import random
import re
import zipfile

import pytest
from PIL import Image

from keras_alexnet import AlexNet, UserError, jobs
from keras_alexnet.cli import main
from keras_alexnet.evaluation.networks import load_model

pytestmark = pytest.mark.one_backend
NO_MODEL = "Received the model 'bad.keras', which is no Keras model, or a damaged one."
RANDOM = b"\xfe" + random.Random(0).randbytes(4000)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a good file."""
    path = tmp_path_factory.mktemp("model") / "good.keras"
    AlexNet("cifar10_80sec").save(path)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("photo.png")
    return tmp_path


def archive(**members):
    """Return a zip archive with members in JSON."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in members.items():
            opened.writestr(f"{name}.json", content)
    return buffer.getvalue()


def changed(whole, text):
    """Return a file with another byte behind a text, and the checksum of before."""
    place = whole.index(text) + len(text)
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


DAMAGES = {
    "random bytes": lambda whole: RANDOM,
    "cut": lambda whole: whole[:5000],
    "another archive": lambda whole: archive(a="{}"),
    "no JSON": lambda whole: archive(config="{", metadata="{}"),
    "config changed": lambda whole: changed(whole, b'"class_name": "'),
    "weights changed": lambda whole: changed(whole, b"\x89HDF\r\n\x1a\n"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_model(damage, whole, place):
    """It is told from a model that this program lacks layers for."""
    (place / "bad.keras").write_bytes(damage(whole))
    with pytest.raises(UserError) as caught:
        load_model("bad.keras")
    assert caught.value.received == NO_MODEL
    assert "a whole zip archive with a config.json" in caught.value.expected


def test_a_model_under_another_name(whole, place):
    """Keras goes by the ending; its reason is a whole sentence."""
    (place / "good.zip").write_bytes(whole)
    with pytest.raises(UserError, match=r"'good\.zip', which Keras cannot load: [^.]+.*\. The mod"):
        load_model("good.zip")


COMMANDS = [
    ["export", "bad.keras", "--output", "a.onnx"],
    ["evaluate", "bad.keras", "."],
    ["classify", "photo.png", "--model", "bad.keras"],
    ["classify", "photo.png", "--weights", "bad.keras"],
    ["convert", "bad.keras", "a.safetensors"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_bytes_in_a_message(command, place, capsys):
    """A reader can do nothing with them."""
    (place / "bad.keras").write_bytes(RANDOM)
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "The file begins as no model and no file of weights does." in line
    assert not re.search(r"\\x|b'", line) and line.isascii()


@pytest.mark.parametrize("command", [x for x in COMMANDS if "--weights" not in x], ids=" ".join)
def test_no_file(command, capsys):
    """A model is called a model."""
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "Received the path 'bad.keras', but there is no such file." in line
    weights = command[0] == "convert"
    assert ("The model must be a .keras file, a file of weights, or one of" in line) != weights


def test_no_name():
    with pytest.raises(UserError, match=r"Received the model 'bvlc_cafe', .*'bvlc_caffe'\?"):
        jobs.export("bvlc_cafe", "a.onnx")
