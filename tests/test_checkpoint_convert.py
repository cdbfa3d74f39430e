"""Conversion: every format that is read to every format that is written, and nothing by halves."""

import dataclasses
import hashlib
import json
import resource
import struct
import zipfile

import h5py
import keras
import numpy as np
import pytest

import keras_alexnet
from helpers import run_channels_first, to_numpy
from keras_alexnet import AlexNet, convert_checkpoint, evaluation_preprocessor, load_checkpoint
from keras_alexnet.checkpoints import converting, table
from keras_alexnet.checkpoints.errors import CheckpointError
from keras_alexnet.checkpoints.networks import networks_of
from keras_alexnet.checkpoints.reading import open_checkpoint
from keras_alexnet.checkpoints.reading.arrays import MemoryArray
from keras_alexnet.checkpoints.reading.sniffing import FORMATS
from keras_alexnet.checkpoints.writing import WRITTEN_FORMATS, WrittenFormat
from keras_alexnet.errors import UserError
from made_checkpoints import WAYS, drawn_weights, learned_weights, small_network, weights_of
from weight_files import FILES, safetensors

UNTRAINED = pytest.mark.filterwarnings("ignore:(?s).*look untrained:UserWarning")
ENDINGS = [row.ending for row in WRITTEN_FORMATS]
QUIET = {"verify": "off", "verbose": False}


def assert_same(weights, expected):
    """Check that weights by layer are the same bit for bit."""
    assert weights.keys() == expected.keys()
    for name, pair in expected.items():
        for mine, theirs in zip(weights[name], pair, strict=True):
            assert mine.dtype == theirs.dtype == "float32"
            np.testing.assert_array_equal(mine.view("u4"), theirs.view("u4"), err_msg=name)


def read_safetensors(path):
    """Return the arrays and the metadata of a safetensors file, by the format's own words."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__")
    arrays, data = {}, content[8 + length :]
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32"
        arrays[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
    return arrays, metadata


def metadata_of(path):
    """Return what a converted file says about itself, read with each format's own library."""
    if path.suffix == ".safetensors":
        return read_safetensors(path)[1]
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("keras_alexnet.json"))
    with h5py.File(path) as file:
        return {name: bytes(value).decode() for name, value in file.attrs.items()}


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


def test_every_format_is_converted():
    """The formats of the test below are all that hold weights."""
    assert {row.name for row in FORMATS} - {"caffe_mean"} == FILES.keys()
    assert READ_ELSEWHERE.keys() == set(ENDINGS)


@pytest.mark.parametrize("form", FILES)
def test_round_trips(form, tmp_path):
    """What is read from the converted file is what is read from the source, bit for bit."""
    weights = drawn_weights(small_network())
    weights["conv1"][0].flat[:2] = -0.0, 1e-42  # a sign, and a number below the usual range
    source = tmp_path / "source"
    FILES[form](source, weights)
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


@pytest.mark.parametrize("ending", ENDINGS)
def test_from_one_converted_file_to_the_next(ending, tmp_path):
    """Converting what was converted changes nothing, and what is known is handed on."""
    weights = learned_weights(small_network())
    source, first = tmp_path / "source", tmp_path / f"first{ending}"
    FILES["caffe"](source, weights)
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
    FILES["torch_zip"](source, weights)
    converted = convert_checkpoint(source, out, model=small_network(), **QUIET)
    with safe_open(out, "numpy") as file:
        assert file.metadata() == dict(converted.provenance)
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert_same({name: by_layer(arrays)[name] for name in weights}, weights)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_models_in_half_precision(dtype, ending, tmp_path):
    """A model that is given gets the numbers in its own type, and they are what is written."""
    weights = drawn_weights(small_network())
    source, out = tmp_path / "source", tmp_path / f"out{ending}"
    FILES["npz"](source, weights)
    convert_checkpoint(source, out, model=small_network(dtype=dtype), **QUIET)
    rounded = small_network(dtype=dtype)
    load_checkpoint(rounded, source, **QUIET)
    again = small_network()
    load_checkpoint(again, out, **QUIET)
    assert_same(weights_of(again), weights_of(rounded))


def cifar_file(path, variant="cifar10_80sec", **options):
    """Save a network with weights that look learned; return it."""
    network = AlexNet(variant, data_format="channels_last", **options)
    kernel, bias = network.get_layer("conv1").get_weights()
    filters = learned_weights(small_network())["conv1"][0][:5, :5, : kernel.shape[2]]
    network.get_layer("conv1").set_weights([filters, bias])
    network.save_weights(path)
    return network


IMAGES = np.random.default_rng(0).normal(0, 60, (3, 32, 32, 3)).astype("float32")


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


def test_a_keras_file_is_a_whole_model(tmp_path):
    """`keras.saving.load_model` gives the variant's network, with probabilities."""
    network = cifar_file(tmp_path / "net.weights.h5")
    convert_checkpoint(tmp_path / "net.weights.h5", tmp_path / "out.keras", verbose=False)
    again = keras.saving.load_model(tmp_path / "out.keras")
    assert again.name == "alexnet_cifar10_80sec"
    np.testing.assert_array_equal(to_numpy(again(IMAGES)), to_numpy(network(IMAGES)))


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


@UNTRAINED
def test_a_full_network(tmp_path):
    """torchvision's network at its full size: the variant is seen, the outputs are the same."""
    arrays = owt_arrays()
    source, out = tmp_path / "alexnet.npz", tmp_path / "alexnet.safetensors"
    with open(source, "wb") as file:
        np.savez(file, **arrays)
    converted = convert_checkpoint(source, out, verbose=False)
    assert converted.provenance["variant"] == "owt"
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


# Which network it is.

TOWERS = {"paper", "source2012", "bvlc", "caffenet"}
SAME_SHAPES = {  # worked out by hand from the sources' tables
    "paper": TOWERS,
    "source2012_half": {"source2012_half"},
    "owt": {"owt", "cuda_convnet2", "notebook"},
    "slim_v2": {"slim_v2"},
    "ungrouped": {"ungrouped"},
    "cifar10_18pct": {"cifar10_18pct", "cifar10_19pct"},
    "cifar10_80sec": {"cifar10_80sec"},
}
CONVS = {  # filters, side of the kernel, channels of a group
    "paper": [(96, 11, 3), (256, 5, 48), (384, 3, 256), (384, 3, 192), (256, 3, 192)],
    "source2012_half": [(48, 11, 3), (128, 5, 48), (192, 3, 128), (192, 3, 192), (256, 3, 192)],
    "owt": [(64, 11, 3), (192, 5, 64), (384, 3, 192), (256, 3, 384), (256, 3, 256)],
    "slim_v2": [(64, 11, 3), (192, 5, 64), (384, 3, 192), (384, 3, 384), (256, 3, 384)],
    "ungrouped": [(96, 11, 3), (256, 5, 96), (384, 3, 256), (384, 3, 384), (256, 3, 384)],
    "cifar10_18pct": [(32, 5, 3), (32, 5, 32), (64, 5, 32)],
    "cifar10_80sec": [(32, 5, 3), (32, 5, 32), (64, 5, 32)],
}
DENSE = {
    **{name: [("fc6", 9216, 4096), ("fc7", 4096, 4096), ("fc8", 4096, 1000)] for name in CONVS},
    "slim_v2": [("fc6", 6400, 4096), ("fc7", 4096, 4096), ("fc8", 4096, 1000)],
    "cifar10_18pct": [("fc10", 1024, 10)],
    "cifar10_80sec": [("fc64", 1024, 64), ("fc10", 64, 10)],
}


def empty(shape):
    """Return an array that takes no memory."""
    return np.broadcast_to(np.float32(0), shape)


def weights_like(variant, top=True):
    """Return kernels and biases of the shapes of a variant, by layer, in Keras's layout."""
    weights = {
        f"conv{number}": (empty((side, side, channels, filters)), empty(filters))
        for number, (filters, side, channels) in enumerate(CONVS[variant], 1)
    }
    for name, rows, units in DENSE[variant] if top else ():
        weights[name] = empty((rows, units)), empty(units)
    return weights


def numbered(weights):
    """Return weights as Keras's files have them: layers numbered by class."""
    seen, found = {"conv2d": 0, "dense": 0}, {}
    for layer, pair in weights.items():
        kind = "conv2d" if layer.startswith("conv") else "dense"
        name = f"{kind}_{seen[kind]}" if seen[kind] else kind
        seen[kind] += 1
        for number, array in enumerate(pair):
            found[f"layers/{name}/vars/{number}"] = array
    return found


def candidates(arrays):
    """Return the networks that a file of these arrays can be of, those that are known here."""
    known = set().union(*SAME_SHAPES.values())
    return known & set(networks_of({name: MemoryArray(a) for name, a in arrays.items()}))


@pytest.mark.parametrize("way", [WAYS["keras"], numbered], ids=["named", "numbered"])
@pytest.mark.parametrize("variant", SAME_SHAPES)
def test_networks_of_own_files(variant, way):
    """Our own names tell layers and shapes; all networks that have these are meant."""
    assert candidates(way(weights_like(variant))) == SAME_SHAPES[variant]
    convs = candidates(way(weights_like(variant, top=False)))
    cifar = {"cifar10_18pct", "cifar10_19pct", "cifar10_80sec"}
    assert convs == (cifar if "cifar" in variant else SAME_SHAPES[variant])


@pytest.mark.parametrize(
    ("way", "shapes", "expected"),
    [
        ("caffe", "paper", {"bvlc", "caffenet"}),
        ("toronto", "paper", {"bvlc", "caffenet"}),
        ("onnx_zoo", "paper", {"bvlc", "caffenet"}),
        ("two_towers", "paper", TOWERS),
        ("imgclsmob_torch", "ungrouped", {"ungrouped"}),
        ("imgclsmob_torch", "owt", {"owt"}),
        ("imgclsmob_tf2", "ungrouped", {"ungrouped"}),
        ("paddle", "owt", {"owt"}),
        ("torchvision", "owt", {"owt"}),
        ("torchvision", "slim_v2", set()),
        ("caffe", "owt", set()),
    ],
)
def test_networks_of_other_programs(way, shapes, expected):
    """Names of a program's layers tell more than shapes: what it has had networks of."""
    arrays = WAYS[way](weights_like(shapes, top=False))
    assert candidates(arrays) == expected


def test_an_ambiguous_file_names_the_candidates(tmp_path):
    """Where several networks have these shapes, they are named, and nothing is written."""
    source, out = tmp_path / "net.weights.h5", tmp_path / "out.keras"
    cifar_file(source, "cifar10_19pct")
    with pytest.raises(
        CheckpointError,
        match=r"net\.weights\.h5' are.*'cifar10_18pct' \(CIFAR-10, 18 %.*, 'cifar10_19pct' \(.*"
        r"compute differently\. Pass variant='cifar10_18pct', say",
    ):
        convert_checkpoint(source, out, **QUIET)
    assert names(tmp_path) == [source.name]
    convert_checkpoint(source, out, variant="cifar10_19pct", **QUIET)
    assert metadata_of(out)["variant"] == "cifar10_19pct"
    convert_checkpoint(out, tmp_path / "next.weights.h5", **QUIET)  # that file tells it


def test_another_network_than_the_one_that_was_converted(tmp_path):
    """Shapes do not tell these two apart; the converted file does."""
    source, out = tmp_path / "net.weights.h5", tmp_path / "out.weights.h5"
    cifar_file(source, "cifar10_18pct")
    convert_checkpoint(source, out, variant="cifar10_18pct", verbose=False)
    with pytest.warns(UserWarning, match="otherwise than 'cifar10_18pct', it has relu1 where"):
        AlexNet("cifar10_19pct", weights=str(out))
    AlexNet("cifar10_18pct", weights=str(out))


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
    monkeypatch.setattr(table, "CHECKPOINTS", {"tiny": row})
    return path


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("by_name", [True, False])
def test_provenance(by_name, ending, published, tmp_path):
    """The file says what it is made of; a copy of a published file is known by its hash."""
    copy, out = tmp_path / "renamed.h5", tmp_path / f"out{ending}"
    copy.write_bytes(published.read_bytes())
    converted = convert_checkpoint("tiny" if by_name else copy, out, verbose=False)
    said = metadata_of(out)
    assert said == converted.provenance
    pixels = json.loads(said.pop("pixels"))
    assert said == {
        "keras_alexnet_version": keras_alexnet.__version__,
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
        "variant",
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
    FILES["caffe"](path, weights)
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
    source.write_bytes(safetensors(WAYS["keras"](weights), lies))
    loaded = load_checkpoint(small_network(), source, verbose=False)
    assert loaded.channel_order is None
    with pytest.raises(CheckpointError, match="does not say what order"):
        load_checkpoint(small_network(), source, channel_order="rgb", **QUIET)
    convert_checkpoint(source, out, model=small_network(), **QUIET)
    said = metadata_of(out)
    assert not {"channel_order", "variant", "checkpoint"} & said.keys()
    assert said["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()


# What goes wrong.


def names(folder):
    """Return the names of all that is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def net(tmp_path):
    """A file of weights, alone in a folder."""
    source = tmp_path / "net.weights.h5"
    cifar_file(source)
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
    monkeypatch.setattr(converting, "open_checkpoint", None)
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
    monkeypatch.setattr(converting, "check_same", lambda source, path: out.write_text("another's"))
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
    FILES["caffe"](source, drawn_weights(small_network()))
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
    found = "is damaged: its CRC-32" if ending == ".keras" else "it has other numbers in fc7's bias"
    message = rf"is not what was read from '.*source': .*{found}.*Nothing was kept"
    with pytest.raises(CheckpointError, match=message):
        convert_checkpoint(source, out, model=small_network(), **QUIET)
    assert names(tmp_path) == [source.name]


BROKEN = {
    "a page": (lambda content: b"<html>", "web page"),
    "nothing": (lambda content: b"", "empty"),
    "half": (lambda content: content[: len(content) // 2], r"cannot be read as|ends early"),
}


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
    "nobody's": (None, r"was not loaded\. The file holds the tensors 'x'\. Names and shapes"),
}


@pytest.mark.parametrize("kind", MISFITS)
def test_sources_that_do_not_fit(kind, tmp_path):
    """What does not fit is said as it is when a file is loaded."""
    changes, message = MISFITS[kind]
    arrays = WAYS["keras"](drawn_weights(small_network()))
    arrays = {"x": np.ones(3)} if changes is None else changed(**changes)(arrays)
    source = tmp_path / "source.npz"
    np.savez(source, **arrays)
    with pytest.raises(CheckpointError, match=rf"source\.npz' {message}"):
        convert_checkpoint(source, tmp_path / "out.keras", model=small_network(), **QUIET)
    assert names(tmp_path) == [source.name]


def test_nobodys_network(tmp_path):
    """Tensors that are none of the networks' are not taken for one of them."""
    source = tmp_path / "source.npz"
    np.savez(source, **WAYS["torchvision"](drawn_weights(small_network())))
    with pytest.raises(CheckpointError, match=r"none of the networks.*paper, source2012.*Build a"):
        convert_checkpoint(source, tmp_path / "out.keras", **QUIET)


def test_a_model_of_other_classes(tmp_path):
    """A layer that would keep its initial values is no conversion."""
    source = tmp_path / "source"
    FILES["caffe"](source, drawn_weights(small_network()))
    with pytest.raises(CheckpointError, match=r"fc8, the file's is for 5 classes.*as many classes"):
        convert_checkpoint(source, tmp_path / "o.keras", model=small_network(classes=3), **QUIET)
    assert names(tmp_path) == [source.name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "alexnet"}, "variant='alexnet', which is not known"),
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
    assert caught[0].filename == __file__
    assert out.exists()


def test_the_account(net, tmp_path, capsys):
    """What was read and what was written is printed, or not."""
    out = tmp_path / "out.safetensors"
    converted = convert_checkpoint(net, out)
    printed = capsys.readouterr().out
    assert printed == f"{converted}\n"
    assert printed.startswith(f"Loaded 10 variables from {str(net)!r}")
    assert f"Wrote {str(out)!r}, {out.stat().st_size:,} bytes" in printed
    assert "its 10 tensors equal the source's, bit for bit." in printed
    convert_checkpoint(net, out, overwrite=True, verbose=False)
    assert capsys.readouterr().out == ""
