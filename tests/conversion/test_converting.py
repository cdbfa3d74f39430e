"""Conversion: every format that is read to every format that is written, bit for bit."""

import keras
import pytest

from conversions import ENDINGS, QUIET, assert_same, cifar_file, metadata_of, read_safetensors
from keras_alexnet import convert_checkpoint, load_checkpoint
from keras_alexnet.formats.sniffing import FORMATS
from made_networks import blank_network, drawn_weights, learned_weights, weights_of
from weight_files import FILES


def by_layer(arrays):
    """Return arrays called "conv1.kernel" and so on as kernels and biases by layer."""
    layers = dict.fromkeys(name.split(".")[0] for name in arrays)
    return {name: (arrays[f"{name}.kernel"], arrays[f"{name}.bias"]) for name in layers}


READ_ELSEWHERE = {
    ".keras": lambda path: weights_of(keras.saving.load_model(path)),
    ".weights.h5": lambda path: weights_of(_with_keras(path)),
    ".safetensors": lambda path: by_layer(read_safetensors(path)[0]),
}


def _with_keras(path):
    network = blank_network()
    network.load_weights(path)
    return network


@pytest.mark.backend_free
def test_every_format_is_converted():
    """The formats of the test below are all that hold weights."""
    assert {row.name for row in FORMATS} - {"caffe_mean"} == FILES.keys()
    assert READ_ELSEWHERE.keys() == set(ENDINGS)


@pytest.mark.medium
@pytest.mark.parametrize("form", FILES)
def test_round_trips(form, tmp_path):
    """What is read from the converted file is what is read from the source, bit for bit."""
    weights = drawn_weights(blank_network())
    weights["conv1"][0].flat[:2] = -0.0, 1e-42  # a sign, and a number below the usual range
    source = tmp_path / "source"
    source.write_bytes(FILES[form](weights))
    direct = blank_network()
    assert load_checkpoint(direct, source, **QUIET).format == form
    assert_same(weights_of(direct), weights)
    for ending in ENDINGS:
        out = tmp_path / f"out{ending}"
        converted = convert_checkpoint(source, out, model=blank_network(), **QUIET)
        assert (converted.path, converted.size) == (str(out), out.stat().st_size)
        again = blank_network()
        assert load_checkpoint(again, out, **QUIET).dialect == "keras"
        assert_same(weights_of(again), weights)
        assert_same(READ_ELSEWHERE[ending](out), weights)


@pytest.mark.medium
@pytest.mark.parametrize("ending", ENDINGS)
def test_from_one_converted_file_to_the_next(ending, tmp_path):
    """Converting what was converted changes nothing, and what is known is handed on."""
    weights = learned_weights(blank_network())
    source, first = tmp_path / "source", tmp_path / f"first{ending}"
    source.write_bytes(FILES["caffe"](weights))
    convert_checkpoint(source, first, model=blank_network(), **QUIET)
    for other in ENDINGS:
        second = tmp_path / f"second{other}"
        convert_checkpoint(first, second, model=blank_network(), **QUIET)
        assert_same(READ_ELSEWHERE[other](second), weights)
        said = metadata_of(second)
        assert said["channel_order"] == "bgr"
        assert (said["source_file"], said["source_naming"]) == (first.name, "keras")


@pytest.mark.peer("safetensors")
def test_safetensors_own_library(tmp_path):
    """The format's own library reads names, shapes, numbers and metadata."""
    from safetensors import safe_open

    weights = drawn_weights(blank_network())
    source, out = tmp_path / "source", tmp_path / "out.safetensors"
    source.write_bytes(FILES["torch_zip"](weights))
    converted = convert_checkpoint(source, out, model=blank_network(), **QUIET)
    with safe_open(out, "numpy") as file:
        assert file.metadata() == dict(converted.provenance)
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert_same({name: by_layer(arrays)[name] for name in weights}, weights)


def test_the_account(tmp_path, capsys):
    """What was read and what was written is printed, or not."""
    net, out = tmp_path / "net.weights.h5", tmp_path / "out.safetensors"
    cifar_file(net)
    converted = convert_checkpoint(net, out, verbose=True)
    printed = capsys.readouterr().out
    assert printed == f"{converted}\n"
    assert printed.startswith(f"Loaded 10 variables from {str(net)!r}")
    assert f"Wrote {str(out)!r}, {out.stat().st_size:,} bytes" in printed
    assert "its 10 tensors equal the source's, bit for bit." in printed
    convert_checkpoint(net, out, overwrite=True)
    assert capsys.readouterr().out == ""
