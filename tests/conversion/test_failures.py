"""Conversions that fail: their messages, and no half-written file."""

import resource

import numpy as np
import pytest

from conversions import ENDINGS, QUIET, cifar_file, metadata_of, names
from keras_alexnet import AlexNet, convert_checkpoint
from keras_alexnet.conversion import conversion
from keras_alexnet.conversion.formats import WrittenFormat
from keras_alexnet.errors import UserError
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.opening import open_checkpoint
from made_checkpoints import WAYS
from made_networks import blank_network, drawn_weights
from weight_files import FILES


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """What is in a file of weights."""
    source = tmp_path_factory.mktemp("made") / "net.weights.h5"
    cifar_file(source)
    return source.read_bytes()


@pytest.fixture
def net(content, tmp_path):
    """A file of weights, alone in a folder."""
    source = tmp_path / "net.weights.h5"
    source.write_bytes(content)
    return source


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("out.h5", r"'.*out\.h5' to write to.*\.weights\.h5 \(Keras's w.*Call it 'out\.weights\."),
        ("out", r"one of \.weights\.h5.*\.keras.*\.safetensors.*Call it 'out\.weights\.h5'"),
        (".keras", r"'.*/\.keras' to write to"),
        ("no/out.keras", r"the folder '.*no' does not exist.*Choose another path"),
        ("folder.keras", r"which is a folder.*Choose another path"),
        ("net.weights.h5", r"there is a file already.*overwrite=True \(--overwrite\)"),
    ],
)
def test_places_that_cannot_be_written(out, message, net, tmp_path, monkeypatch):
    """What is wrong with the target is said before anything is read."""
    (tmp_path / "folder.keras").mkdir()
    before = net.read_bytes()
    monkeypatch.setattr(conversion, "open_source", None)
    with pytest.raises(UserError, match=message):
        convert_checkpoint(net, tmp_path / out, **QUIET)
    assert names(tmp_path) == ["folder.keras", net.name]
    assert net.read_bytes() == before


def test_overwriting_when_asked(net):
    """A file is replaced when that is asked for, even the source itself."""
    model = AlexNet("cifar10_80sec", weights=str(net))
    convert_checkpoint(net, net, overwrite=True, **QUIET)
    assert metadata_of(net)["variant"] == "cifar10_80sec"
    again = AlexNet("cifar10_80sec", weights=str(net))
    for mine, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_file_that_appears_meanwhile_is_kept(net, tmp_path, monkeypatch):
    """Another program's file, written while this one converted, is not overwritten."""
    out = tmp_path / "out.keras"
    monkeypatch.setattr(
        conversion, "compare_written", lambda source, card, path: out.write_text("another's")
    )
    with pytest.raises(UserError, match="there is a file already"):
        convert_checkpoint(net, out, **QUIET)
    assert out.read_text() == "another's"
    assert names(tmp_path) == [net.name, "out.keras"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("part", [0.3, 0.99])
def test_a_full_disk(part, ending, net, tmp_path):
    """A write that the system refuses: one error in three parts on one line, and no file."""
    out = tmp_path / f"out{ending}"
    size = convert_checkpoint(net, out, **QUIET).size
    old = out.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(part * size), limits[1]))
        with pytest.raises(UserError, match=r"out.*': File too large\. The disk.*Nothing was c"):
            convert_checkpoint(net, out, overwrite=True, **QUIET)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert out.read_bytes() == old
    assert names(tmp_path) == [net.name, out.name]


@pytest.mark.parametrize("ending", ENDINGS)
def test_interrupted(ending, net, tmp_path, monkeypatch):
    """Ctrl-C in the middle leaves what stood there before, and nothing else."""
    out = tmp_path / f"out{ending}"
    out.write_text("old")
    write = WrittenFormat.write

    def stopped(*arguments):
        write(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(WrittenFormat, "write", stopped)
    with pytest.raises(KeyboardInterrupt):
        convert_checkpoint(net, out, overwrite=True, **QUIET)
    assert out.read_text() == "old"
    assert names(tmp_path) == [net.name, out.name]


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_compared(ending, tmp_path, monkeypatch):
    """One bit that the disk turned is found, and the file not kept."""
    source, out = tmp_path / "source", tmp_path / f"out{ending}"
    source.write_bytes(FILES["caffe"](drawn_weights(blank_network())))
    write = WrittenFormat.write

    def damaged(form, model, metadata, path):
        write(form, model, metadata, path)
        with open_checkpoint(path) as contents:
            array = next(
                array
                for name, array in contents.arrays.items()
                if name in ("fc7.bias", "layers/dense_1/vars/1")
            )
            place = array._offset
        with open(path, "r+b") as file:
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 1]))

    monkeypatch.setattr(WrittenFormat, "write", damaged)
    found = "is damaged: its CRC-32" if ending == ".keras" else "It differs in fc7's bias"
    message = rf"does not equal '.*source'\. .*{found}.*No file was kept"
    with pytest.raises(CheckpointError, match=message):
        convert_checkpoint(source, out, model=blank_network(), **QUIET)
    assert names(tmp_path) == [source.name]


BROKEN = {
    "a page": (lambda content: b"<html>", "web page"),
    "nothing": (lambda content: b"", "empty"),
    "half": (lambda content: content[: len(content) // 2], r"cannot be read as|ends early"),
}


@pytest.mark.medium
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_sources(kind, net, tmp_path):
    """A source that cannot be read is said to be so, and nothing is written."""
    change, message = BROKEN[kind]
    net.write_bytes(change(net.read_bytes()))
    with pytest.raises(CheckpointError, match=rf"net\.weights\.h5'.*({message})"):
        convert_checkpoint(net, tmp_path / "out.keras", **QUIET)
    assert names(tmp_path) == [net.name]


def changed(**changes):
    """Return a function that changes the weights of a network, by the names of own files."""

    def change(arrays):
        for name, value in changes.items():
            key = name.replace("__", "/")
            if value is None:
                del arrays[key]
            else:
                arrays[key] = value
        return arrays

    return change


MISFITS = {
    "nan": ({"fc7__bias": np.full(64, np.nan, "float32")}, r"was not loaded.*'fc7/bias' holds NaN"),
    "missing": ({"fc7__bias": None}, r"was not loaded.*missing: fc7's bias"),
    "more": ({"fc9x__other": np.ones(3, "float32")}, r"was not loaded.*not expected: 'fc9x/other'"),
    "nobody's": (None, r"was not loaded\. The file holds the tensors 'x'\. Names and shapes must"),
}


@pytest.mark.parametrize("kind", MISFITS)
def test_sources_that_do_not_fit(kind, tmp_path):
    """What does not fit is said as it is when a file is loaded."""
    changes, message = MISFITS[kind]
    arrays = WAYS["keras"](drawn_weights(blank_network()))
    arrays = {"x": np.ones(3)} if changes is None else changed(**changes)(arrays)
    source = tmp_path / "source.npz"
    np.savez(source, **arrays)
    with pytest.raises(CheckpointError, match=rf"source\.npz' {message}"):
        convert_checkpoint(source, tmp_path / "out.keras", model=blank_network(), **QUIET)
    assert names(tmp_path) == [source.name]


def test_nobodys_network(tmp_path):
    """Tensors that are none of the networks' are not taken for one of them."""
    source = tmp_path / "source.npz"
    np.savez(source, **WAYS["torchvision"](drawn_weights(blank_network())))
    with pytest.raises(CheckpointError, match=r"fit none of the net.*paper, source2012.*Build a"):
        convert_checkpoint(source, tmp_path / "out.keras", **QUIET)


def test_a_model_of_other_classes(tmp_path):
    """A layer that would keep its initial values is no conversion."""
    source = tmp_path / "source"
    source.write_bytes(FILES["caffe"](drawn_weights(blank_network())))
    with pytest.raises(CheckpointError, match=r"weights for fc8: the file has 5.*as many classes"):
        convert_checkpoint(source, tmp_path / "o.keras", model=blank_network(classes=3), **QUIET)
    assert names(tmp_path) == [source.name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "lenet"}, "variant='lenet', which is not known"),
        ({"variant": "paper", "model": "model"}, "both variant='paper' and a model"),
        ({"channel_order": "RGB"}, "channel_order='RGB'"),
        ({"verify": "no"}, "verify='no'"),
        ({"model": "model"}, "Received str instead of a model"),
    ],
)
def test_options(options, message, net, tmp_path):
    """A mistake in an option is said, and nothing is written."""
    with pytest.raises(UserError, match=message):
        convert_checkpoint(net, tmp_path / "out.keras", **{**QUIET, **options})
    assert names(tmp_path) == [net.name]


def test_weights_that_look_wrong(net, tmp_path):
    """They are converted with a warning, or refused on request."""
    AlexNet("cifar10_80sec").save_weights(net)
    out = tmp_path / "out.keras"
    with pytest.raises(CheckpointError, match="look untrained"):
        convert_checkpoint(net, out, verify="raise", verbose=False)
    assert names(tmp_path) == [net.name]
    with pytest.warns(UserWarning, match=r"net\.weights\.h5.*look untrained") as caught:
        convert_checkpoint(net, out, verbose=False)
    (warning,) = (each for each in caught if issubclass(each.category, UserWarning))
    assert warning.filename == __file__
    assert out.exists()
