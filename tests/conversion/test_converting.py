"""Conversion: every format that is read to every format that is written, and nothing by halves."""

import dataclasses
import hashlib
import json

import keras
import numpy as np
import pytest

import keras_alexnet
from conversions import ENDINGS, QUIET, cifar_file, metadata_of, read_safetensors
from helpers import run_channels_first, to_numpy, zeros_at_first
from keras_alexnet import AlexNet, convert_checkpoint, evaluation_preprocessor, load_checkpoint
from keras_alexnet.errors import UserError
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.sniffing import FORMATS
from keras_alexnet.published import lookup, table
from made_checkpoints import (
    WAYS,
    drawn_weights,
    learned_weights,
    small_network,
    weights_like,
    weights_of,
)
from safetensors_files import safetensors_file
from weight_files import FILES

UNTRAINED = pytest.mark.filterwarnings("ignore:(?s).*look untrained:UserWarning")


def assert_same(weights, expected):
    """Check that weights by layer are the same bit for bit."""
    assert weights.keys() == expected.keys()
    for name, pair in expected.items():
        for mine, theirs in zip(weights[name], pair, strict=True):
            assert mine.dtype == theirs.dtype == "float32"
            np.testing.assert_array_equal(mine.view("u4"), theirs.view("u4"), err_msg=name)


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
    network = small_network()
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
    weights = drawn_weights(small_network())
    weights["conv1"][0].flat[:2] = -0.0, 1e-42  # a sign, and a number below the usual range
    source = tmp_path / "source"
    source.write_bytes(FILES[form](weights))
    direct = small_network()
    assert load_checkpoint(direct, source, **QUIET).format == form
    assert_same(weights_of(direct), weights)
    for ending in ENDINGS:
        out = tmp_path / f"out{ending}"
        converted = convert_checkpoint(source, out, model=small_network(), **QUIET)
        assert (converted.path, converted.size) == (str(out), out.stat().st_size)
        again = small_network()
        assert load_checkpoint(again, out, **QUIET).dialect == "keras"
        assert_same(weights_of(again), weights)
        assert_same(READ_ELSEWHERE[ending](out), weights)


@pytest.mark.medium
@pytest.mark.parametrize("ending", ENDINGS)
def test_from_one_converted_file_to_the_next(ending, tmp_path):
    """Converting what was converted changes nothing, and what is known is handed on."""
    weights = learned_weights(small_network())
    source, first = tmp_path / "source", tmp_path / f"first{ending}"
    source.write_bytes(FILES["caffe"](weights))
    convert_checkpoint(source, first, model=small_network(), **QUIET)
    for other in ENDINGS:
        second = tmp_path / f"second{other}"
        convert_checkpoint(first, second, model=small_network(), **QUIET)
        assert_same(READ_ELSEWHERE[other](second), weights)
        said = metadata_of(second)
        assert said["channel_order"] == "bgr"
        assert (said["source_file"], said["source_naming"]) == (first.name, "keras")


@pytest.mark.peer("safetensors")
def test_safetensors_own_library(tmp_path):
    """The format's own library reads names, shapes, numbers and metadata."""
    from safetensors import safe_open

    weights = drawn_weights(small_network())
    source, out = tmp_path / "source", tmp_path / "out.safetensors"
    source.write_bytes(FILES["torch_zip"](weights))
    converted = convert_checkpoint(source, out, model=small_network(), **QUIET)
    with safe_open(out, "numpy") as file:
        assert file.metadata() == dict(converted.provenance)
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert_same({name: by_layer(arrays)[name] for name in weights}, weights)


@pytest.mark.medium
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_models_in_half_precision(dtype, ending, tmp_path):
    """A model that is given gets the numbers in its own type, and they are what is written."""
    weights = drawn_weights(small_network())
    source, out = tmp_path / "source", tmp_path / f"out{ending}"
    source.write_bytes(FILES["npz"](weights))
    convert_checkpoint(source, out, model=small_network(dtype=dtype), **QUIET)
    rounded = small_network(dtype=dtype)
    load_checkpoint(rounded, source, **QUIET)
    again = small_network()
    load_checkpoint(again, out, **QUIET)
    assert_same(weights_of(again), weights_of(rounded))


IMAGES = np.random.default_rng(0).normal(0, 60, (3, 32, 32, 3)).astype("float32")


@pytest.mark.medium
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_outputs_in_both_data_formats(ending, tmp_path):
    """One line builds a network with the converted weights, which gives what the original gives."""
    source, out = tmp_path / "net.weights.h5", tmp_path / f"out{ending}"
    cifar_file(source)
    convert_checkpoint(source, out, verbose=False)
    before = AlexNet("cifar10_80sec", weights=str(source), data_format="channels_last")
    after = AlexNet("cifar10_80sec", weights=str(out), data_format="channels_last")
    expected = to_numpy(before(IMAGES))
    np.testing.assert_array_equal(to_numpy(after(IMAGES)), expected)
    first = AlexNet("cifar10_80sec", weights=str(out), data_format="channels_first")
    found = run_channels_first(first, IMAGES.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.medium
def test_a_keras_file_is_a_whole_model(tmp_path):
    """`keras.saving.load_model` gives the variant's network, with probabilities."""
    network = cifar_file(tmp_path / "net.weights.h5")
    convert_checkpoint(tmp_path / "net.weights.h5", tmp_path / "out.keras", verbose=False)
    again = keras.saving.load_model(tmp_path / "out.keras")
    assert again.name == "alexnet_cifar10_80sec"
    np.testing.assert_array_equal(to_numpy(again(IMAGES)), to_numpy(network(IMAGES)))


@pytest.mark.medium
def test_conversion_does_not_hang_on_keras_settings(tmp_path):
    """Half precision and channels first, set for whatever else, leave the file as it is."""
    network = cifar_file(tmp_path / "net.weights.h5")
    keras.config.set_dtype_policy("bfloat16")
    keras.config.set_image_data_format("channels_first")
    convert_checkpoint(tmp_path / "net.weights.h5", tmp_path / "out.keras", verbose=False)
    again = keras.saving.load_model(tmp_path / "out.keras")
    assert again.input_shape == (None, 32, 32, 3)
    for mine, theirs in zip(again.get_weights(), network.get_weights(), strict=True):
        assert mine.dtype == "float32"
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    "options",
    [
        {"classes": 3},
        {"input_shape": (32, 32, 1)},
        {"include_top": False},
    ],
    ids=str,
)
def test_networks_of_other_ends(options, tmp_path):
    """Other classes, gray images and networks without a classifier are seen from the file."""
    source, out = tmp_path / "net.weights.h5", tmp_path / "out.safetensors"
    network = cifar_file(source, **options)
    convert_checkpoint(source, out, variant="cifar10_80sec", verbose=False)
    again = AlexNet("cifar10_80sec", weights=str(out), **options)
    for mine, theirs in zip(again.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.medium
@UNTRAINED
@pytest.mark.parametrize("ending", ENDINGS)
def test_networks_with_unshared_weights(ending, tmp_path):
    """Kernels with six axes are written and read as they are."""
    source, out = tmp_path / "net.weights.h5", tmp_path / f"out{ending}"
    network = AlexNet("cifar10_13pct", data_format="channels_last")
    network.save_weights(source)
    convert_checkpoint(source, out, variant="cifar10_13pct", verbose=False)
    again = AlexNet("cifar10_13pct", weights=str(out), data_format="channels_last")
    assert 6 in {array.ndim for array in again.get_weights()}
    for mine, theirs in zip(again.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def owt_arrays():
    """Return random weights with the names and shapes of torchvision's file."""
    rng = np.random.default_rng(0)
    shapes = {
        "features.0": (64, 3, 11, 11),
        "features.3": (192, 64, 5, 5),
        "features.6": (384, 192, 3, 3),
        "features.8": (256, 384, 3, 3),
        "features.10": (256, 256, 3, 3),
        "classifier.1": (4096, 9216),
        "classifier.4": (4096, 4096),
        "classifier.6": (1000, 4096),
    }
    arrays = {}
    for name, shape in shapes.items():
        fan_in = np.prod(shape[1:])
        kernel = rng.standard_normal(shape, "float32")
        kernel *= np.float32(np.sqrt(2 / fan_in))
        arrays[f"{name}.weight"] = kernel
        arrays[f"{name}.bias"] = rng.standard_normal(shape[0], "float32")
    return arrays


@pytest.mark.long
@UNTRAINED
def test_a_full_network(tmp_path):
    """torchvision's network at its full size: the variant is seen, the outputs are the same."""
    arrays = owt_arrays()
    source, out = tmp_path / "alexnet.npz", tmp_path / "alexnet.safetensors"
    with open(source, "wb") as file:
        np.savez(file, **arrays)
    converted = convert_checkpoint(source, out, verbose=False)
    assert converted.provenance["variant"] == "owt"
    with zeros_at_first():
        model = AlexNet("owt", classifier_activation=None, data_format="channels_last")
    load_checkpoint(model, source, verbose=False)
    images = np.random.default_rng(1).normal(size=(2, 224, 224, 3)).astype("float32")
    expected = to_numpy(model(images))
    assert np.abs(expected).max() > 0.1
    for variable in model.weights:
        variable.assign(keras.ops.zeros(variable.shape))
    load_checkpoint(model, out, verbose=False)
    np.testing.assert_array_equal(to_numpy(model(images)), expected)
    written, _ = read_safetensors(out)
    maps = arrays["classifier.1.weight"].reshape(4096, 256, 6, 6)  # units, channels, height, width
    np.testing.assert_array_equal(
        written["fc6.kernel"].reshape(6, 6, 256, 4096)[5, 2, :7], maps[:, :7, 5, 2].T
    )


def test_another_network_than_the_one_that_was_converted(tmp_path):
    """Shapes do not tell these two apart; the converted file does."""
    source, out = tmp_path / "net.weights.h5", tmp_path / "out.weights.h5"
    cifar_file(source, "cifar10_18pct")
    convert_checkpoint(source, out, variant="cifar10_18pct", verbose=False)
    refusal = "variant='cifar10_19pct' for .*, which holds the variant 'cifar10_18pct'"
    with pytest.raises(UserError, match=refusal):
        AlexNet("cifar10_19pct", weights=str(out))
    refusal = "holds the variant 'cifar10_18pct', .*'cifar10_19pct': it has relu1 where .*'off'"
    model = AlexNet("cifar10_19pct")
    with pytest.raises(UserError, match=refusal):
        load_checkpoint(model, out)
    load_checkpoint(model, out, verify="off")
    assert AlexNet(weights=str(out)).name == "alexnet_cifar10_18pct"


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
    weights = learned_weights(small_network())
    source, out = tmp_path / "source", tmp_path / "out.weights.h5"
    source.write_bytes(safetensors_file(WAYS["keras"](weights), __metadata__=lies))
    loaded = load_checkpoint(small_network(), source, verbose=False)
    assert loaded.channel_order is None
    with pytest.raises(CheckpointError, match="does not say what order"):
        load_checkpoint(small_network(), source, channel_order="rgb", **QUIET)
    convert_checkpoint(source, out, model=small_network(), **QUIET)
    said = metadata_of(out)
    assert not {"channel_order", "variant", "checkpoint"} & said.keys()
    assert said["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()


def test_the_account(tmp_path, capsys):
    """What was read and what was written is printed, or not."""
    net, out = tmp_path / "net.weights.h5", tmp_path / "out.safetensors"
    cifar_file(net)
    converted = convert_checkpoint(net, out)
    printed = capsys.readouterr().out
    assert printed == f"{converted}\n"
    assert printed.startswith(f"Loaded 10 variables from {str(net)!r}")
    assert f"Wrote {str(out)!r}, {out.stat().st_size:,} bytes" in printed
    assert "its 10 tensors equal the source's, bit for bit." in printed
    convert_checkpoint(net, out, overwrite=True, verbose=False)
    assert capsys.readouterr().out == ""
