"""What a converted file records of its source, and which claims are not trusted."""

import dataclasses
import hashlib
import json

import keras
import numpy as np
import pytest

import keras_alexnet
from conversions import ENDINGS, QUIET, UNTRAINED, cifar_file, metadata_of, read_safetensors
from helpers import to_numpy
from keras_alexnet import AlexNet, convert_checkpoint, evaluation_preprocessor, load_checkpoint
from keras_alexnet.errors import UserError
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.published import lookup, table
from made_checkpoints import WAYS
from made_networks import blank_network, learned_weights, weights_like
from safetensors_files import safetensors_file
from weight_files import FILES


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A network that is published in a table of one row, at hand under a name of its own."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    folder = tmp_path / "keras" / "keras_alexnet"
    folder.mkdir(parents=True)
    path = folder / "tiny.weights.h5"
    cifar_file(path, "cifar10_19pct")
    row = dataclasses.replace(
        table.OWT_TORCHVISION,
        name="tiny",
        variant="cifar10_19pct",
        filename=path.name,
        formats=("hdf5",),
        hashes=(f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",),
        size=path.stat().st_size,
        licence="as is",
        pixels=dataclasses.replace(table.OWT_TORCHVISION.pixels, base=32),
        samples=(),
    )
    monkeypatch.setattr(lookup, "CHECKPOINTS", {"tiny": row})
    return path


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("by_name", [True, False])
def test_provenance(by_name, ending, published, tmp_path):
    """The file says what it is made of; a copy of a published file is known by its hash."""
    copy, out = tmp_path / "renamed.h5", tmp_path / f"out{ending}"
    copy.write_bytes(published.read_bytes())
    converted = convert_checkpoint("tiny" if by_name else copy, out, verbose=False)
    said = metadata_of(out)
    if ending == ".keras":  # sentences for readers are left out of a configuration
        said |= {name: converted.provenance[name] for name in ("layout", "preprocessing")}
    assert said == converted.provenance
    pixels = json.loads(said.pop("pixels"))
    assert said == {
        "keras_alexnet_version": keras_alexnet.__version__,
        "keras_version": keras.__version__,
        "variant": "cifar10_19pct",
        "checkpoint": "tiny",
        "licence": "as is",
        "layout": "Keras's: kernels of convolutions (height, width, in, out), dense ones "
        "(in, out), rows behind the maps in the order height, width, channels",
        "source_file": published.name if by_name else "renamed.h5",
        "source_sha256": hashlib.sha256(published.read_bytes()).hexdigest(),
        "source_format": "hdf5",
        "source_naming": "keras",
        "channel_order": "rgb",
        "preprocessing": "Takes RGB images of 0 to 255: resizes the shorter side to 32 and keeps "
        "the central square; multiplies by 0.00392157, subtracts R 0.485 G 0.456 B 0.406, divides "
        "by R 0.229 G 0.224 B 0.225.",
    }
    assert pixels == {
        "input_size": 32,
        "resizing": "shorter_side",
        "base": 32,
        "scale": 1 / 255,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "order": "rgb",
    }


def test_a_published_file_is_of_one_network(published, tmp_path):
    """Another variant than that of a published file is refused, whatever its shapes."""
    out = tmp_path / "out.keras"
    for source in ("tiny", published):
        with pytest.raises(UserError, match="'cifar10_19pct'"):
            convert_checkpoint(source, out, variant="cifar10_18pct", **QUIET)
    assert not out.exists()


def test_what_is_not_known_is_not_said(tmp_path):
    """Of weights of one's own nobody has written down how images were prepared for them."""
    source, out = tmp_path / "net.weights.h5", tmp_path / "out.safetensors"
    cifar_file(source)
    converted = convert_checkpoint(source, out, **QUIET)
    assert metadata_of(out).keys() == {
        "keras_alexnet_version",
        "keras_version",
        "variant",
        "input_size",
        "layout",
        "source_file",
        "source_sha256",
        "source_format",
        "source_naming",
    }
    assert str(converted).endswith("How images are prepared is not known.")


def bvlc_file(path):
    """Write the convolutions of Caffe's network, as Caffe does; return them by layer."""
    rng = np.random.default_rng(0)
    weights = {
        name: tuple(rng.normal(0, 0.1, array.shape).astype("float32") for array in pair)
        for name, pair in weights_like("paper", top=False).items()
    }
    path.write_bytes(FILES["caffe"](weights))
    return weights


@UNTRAINED
def test_channel_order(tmp_path):
    """Kernels are reversed on the way, the file says so, and loading reverses them back."""
    source, out = tmp_path / "net.caffemodel", tmp_path / "out.safetensors"
    weights = bvlc_file(source)
    with pytest.raises(UserError, match=r"'bvlc' \(.*'caffenet' \(.*Pass variant='bvlc'"):
        convert_checkpoint(source, out, channel_order="rgb", **QUIET)
    converted = convert_checkpoint(source, out, variant="bvlc", channel_order="rgb", verbose=False)
    arrays, said = read_safetensors(out)
    kernel = weights["conv1"][0]
    np.testing.assert_array_equal(arrays["conv1.kernel"], kernel[:, :, ::-1])
    assert said["channel_order"] == json.loads(said["pixels"])["order"] == "rgb"
    assert said["changes"] == "The first kernels are reversed from BGR to RGB."
    as_published = str(evaluation_preprocessor("bvlc"))
    assert said["preprocessing"] + as_published.partition("04.007")[2] == as_published.replace(
        ", reverses the channels to BGR.", "., reverses the channels to BGR."
    )
    assert said["preprocessing"] in str(converted)
    model = AlexNet("bvlc", include_top=False)
    assert load_checkpoint(model, out, verbose=False).channel_order == "rgb"
    loaded = load_checkpoint(model, out, channel_order="bgr", verbose=False)
    assert loaded.changes == ("The first kernels are reversed from RGB to BGR.",)
    np.testing.assert_array_equal(to_numpy(model.get_layer("conv1").kernel.value), kernel)


def test_what_files_from_elsewhere_say_is_not_believed(tmp_path):
    """Orders and networks that do not exist, and hashes of ours, are passed over."""
    lies = {
        "channel_order": "xyz",
        "variant": "../../x",
        "checkpoint": "none\x1b[2J",
        "source_sha256": "0",
    }
    weights = learned_weights(blank_network())
    source, out = tmp_path / "source", tmp_path / "out.weights.h5"
    source.write_bytes(safetensors_file(WAYS["keras"](weights), __metadata__=lies))
    loaded = load_checkpoint(blank_network(), source, verbose=False)
    assert loaded.channel_order is None
    with pytest.raises(CheckpointError, match="does not say what order"):
        load_checkpoint(blank_network(), source, channel_order="rgb", **QUIET)
    convert_checkpoint(source, out, model=blank_network(), **QUIET)
    said = metadata_of(out)
    assert not {"channel_order", "variant", "checkpoint"} & said.keys()
    assert said["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
