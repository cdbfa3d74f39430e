"""Converted files as whole networks: types, data formats, sizes and classes."""

import keras
import numpy as np
import pytest

from conversions import ENDINGS, QUIET, UNTRAINED, assert_same, cifar_file, read_safetensors
from helpers import run_channels_first, to_numpy, zeros_at_first
from keras_alexnet import AlexNet, convert_checkpoint, load_checkpoint
from keras_alexnet.errors import UserError
from made_networks import drawn_weights, small_network, weights_of
from weight_files import FILES


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
    # To draw 60 million numbers takes a second. The length of the repeated block is prime, so that
    # no row or column of a kernel equals another.
    block = rng.standard_normal(1_000_003, "float32")
    arrays = {}
    for name, shape in shapes.items():
        fan_in = np.prod(shape[1:])
        arrays[f"{name}.weight"] = np.resize(block * np.float32(np.sqrt(2 / fan_in)), shape)
        block = np.roll(block, 1)  # each layer has values of its own
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
