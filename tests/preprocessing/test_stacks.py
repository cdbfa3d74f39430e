"""The stacks in front of each network, against the published constants and their own sentences."""

import dataclasses
import re

import keras
import numpy as np
import pytest
from PIL import Image

from coordinates import coordinate_images, read_places
from helpers import to_numpy
from keras_alexnet import (
    evaluation_preprocessor,
    get_variant,
    list_variants,
    preprocess_input,
    training_preprocessor,
)
from keras_alexnet.preprocessing import Preprocessor
from keras_alexnet.published.lookup import get_checkpoint, list_checkpoints
from published_pixels import PUBLISHED, SOURCE2012, photos, published, without_antialiasing

VARIANTS = list_variants()

FAMILIES = ("paper", "bvlc", "owt", "slim_v2", "cifar10_18pct")  # one variant of each
UNCUT = ("cifar10_18pct", "cifar10_19pct", "cifar10_80sec")  # whose images are their input


@pytest.mark.backend_free
def test_every_variant_is_published():
    """No variant stands without figures to compare with."""
    assert list(PUBLISHED) == VARIANTS


@pytest.mark.parametrize("name", VARIANTS)
def test_constants(name):
    """Central crop, range, mean, divisor and order of both stacks, to float32's rounding."""
    base, size = PUBLISHED[name][:2]
    images = photos(base, base)
    offset = (base - size) // 2
    cut = images[:, offset : offset + size, offset : offset + size]
    expected = published(name, cut)
    assert size == get_variant(name).input_size
    for stack in (
        evaluation_preprocessor(name, data_format="channels_last"),
        training_preprocessor(name, data_format="channels_last"),
    ):
        np.testing.assert_allclose(to_numpy(stack(images, training=False)), expected, atol=1e-4)
    np.testing.assert_allclose(preprocess_input(cut, name, "channels_last"), expected, atol=1e-4)


SENTENCE = {
    "shorter": r"resizes the shorter side to (\d+) and keeps the central square",
    "warp": r"resizes images to (\d+) x (\d+) whatever their ratio, without antialiasing",
    "centre": r"cuts the central (\d+) x (\d+)",
    "random": r"cuts (\d+) x (\d+) out of each image, while training at random"
    r"(, mirrored half the time)?, otherwise the centre",
    "noise": r"while training adds colour noise of up to ([\d.]+) standard deviation along "
    r"the principal axes, one draw for each image(?: and divides by ([\d.]+))?",
    "pixels": r"(?:multiplies by ([\d.]+), )?subtracts R ([\d.]+) G ([\d.]+) B ([\d.]+)"
    r"(?:, divides by R ([\d.]+) G ([\d.]+) B ([\d.]+))?(, reverses the channels to BGR)?",
}


def parsed(sentence):
    """Return (kind, groups) for each part of a sentence, all of which must be understood."""
    head, body = sentence.split(": ", 1)
    assert head == "Takes RGB images of 0 to 255"
    assert body.endswith(".")
    parts = []
    for part in body[:-1].split("; "):
        matches = {kind: re.fullmatch(pattern, part) for kind, pattern in SENTENCE.items()}
        ((kind, match),) = [(kind, match) for kind, match in matches.items() if match]
        parts.append((kind, match.groups()))
    return parts


def followed(sentence, image):
    """Do to an image, with Pillow and NumPy, what a sentence says of inference."""
    for kind, groups in parsed(sentence):
        if kind in ("shorter", "warp"):
            size = int(groups[0])
            rows, columns = image.shape[:2]
            scale = size / min(rows, columns)
            if kind == "shorter":
                sides = int(columns * scale), int(rows * scale)
                image = Image.fromarray(image).resize(sides, Image.Resampling.BILINEAR)
                image = central(np.asarray(image), size, size)
            else:
                image = without_antialiasing(image, size, size)
        elif kind in ("centre", "random"):
            image = central(image, int(groups[0]), int(groups[1]))
        elif kind == "pixels":
            factor, *figures, reverse = groups
            numbers = [float(figure) for figure in figures if figure]
            image = image * float(factor or 1) - numbers[:3]
            image = image / (numbers[3:] or 1)
            image = image[..., ::-1] if reverse else image
    return image


def central(image, height, width):
    """Cut the central window of an image whose surplus is even."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


@pytest.mark.parametrize("name", VARIANTS)
def test_sentences_are_true_of_inference(name):
    """Whoever follows the sentence gets the stack's output, within a grey level of resizing."""
    smooth = np.linspace(0, 255, 270)[:, None, None] * np.linspace(0.2, 1, 355)[:, None]
    image = (smooth * [1, 0.7, 0.4]).astype("uint8")
    level = PUBLISHED[name][4] / min(PUBLISHED[name][3])
    for make in (evaluation_preprocessor, training_preprocessor):
        stack = make(name, data_format="channels_last")
        found = to_numpy(stack(image, training=False))
        expected = followed(str(stack), image)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1.01 * level)
        assert np.abs(found - expected).mean() < 0.5 * level
    assert len(parsed(str(evaluation_preprocessor(name)))) == 2 + (name not in UNCUT)


@pytest.mark.parametrize("name", FAMILIES)
def test_sentences_are_true_of_training(name):
    """Random or not, mirrored or not, as the sentence says; windows out of the base it says."""
    stack = training_preprocessor(name, color_noise=0, seed=3, data_format="channels_last")
    parts = dict(parsed(str(stack)))
    base = int(parts.get("shorter", parts.get("warp"))[0])
    images = np.repeat(coordinate_images(1, base, base), 24, axis=0)
    _, _, mean, std, factor, blue_first = PUBLISHED[name]
    pixels = (to_numpy(stack(images, training=True)) * std + mean) / factor
    pixels = np.round(pixels[..., ::-1] if blue_first else pixels).astype("uint8")
    pixels[..., 2] = np.arange(24)[:, None, None]  # the images are one, which the reader is to take
    places = read_places(pixels)
    assert ("random" in parts) == (len(set(places.tops)) > 1) == (len(set(places.lefts)) > 1)
    assert ("random" in parts and bool(parts["random"][2])) == places.mirrored.any()
    assert "noise" not in parts


@pytest.mark.medium
@pytest.mark.parametrize(
    ("name", "strength"), [("paper", None), ("paper", 0.5), ("owt", 0.1), ("bvlc", None)]
)
def test_sentences_are_true_of_noise(name, strength):
    """The strongest deviation over many gray images is the one in the sentence, or there is none.

    The bound is five standard errors of a deviation, sqrt(1 / 2n).
    """
    count = 2000
    stack = training_preprocessor(
        name, image_size=4, color_noise=strength, seed=3, data_format="channels_last"
    )
    parts = dict(parsed(str(stack)))
    size = stack.layers[0].size
    gray = np.full((count, size, size, 3), 128, "uint8")
    found = to_numpy(stack(gray, training=True))[:, 0, 0]
    drawn = found * (PUBLISHED[name][3]) / PUBLISHED[name][4]
    deviation = np.sqrt(np.linalg.eigvalsh(np.cov(drawn.T)).max())
    if "noise" not in parts:
        assert deviation == 0
        assert name == "bvlc"
        return
    said, divisor = (float(number or 1) for number in parts["noise"])
    assert deviation * divisor == pytest.approx(said, rel=5 * np.sqrt(1 / 2 / count) + 5e-3)
    expected = published(name, np.full(3, 128)) / divisor
    error = 5 * deviation * PUBLISHED[name][4] / np.array(PUBLISHED[name][3]) / np.sqrt(count)
    assert (np.abs(found.mean(axis=0) - expected) < error).all()


def test_noise_of_the_2012_networks_only():
    """By default the colour noise is the paper's, and stands where its division belongs."""
    for name in VARIANTS:
        kinds = [kind for kind, _ in parsed(str(training_preprocessor(name)))]
        assert ("noise" in kinds) == (PUBLISHED[name] is SOURCE2012), name
    for name, order in (("paper", ["pixels", "noise"]), ("owt", ["noise", "pixels"])):
        stack = training_preprocessor(name, color_noise=0.1)
        assert [kind for kind, _ in parsed(str(stack))][-2:] == order


@pytest.mark.medium
def test_smaller_windows():
    """`image_size` keeps the proportion of base and window: 256 to 224."""
    stack = training_preprocessor("paper", image_size=112, data_format="channels_last")
    assert dict(parsed(str(stack)))["shorter"] == ("128",)
    assert stack(photos(150, 200), training=True).shape == (2, 112, 112, 3)


def test_own_means():
    """Three numbers or a mean image, of which the central part is subtracted."""
    images = photos(256, 256)
    stack = evaluation_preprocessor("paper", mean=(1, 2, 3), data_format="channels_last")
    cut = images[:, 16:240, 16:240].astype("float32")
    np.testing.assert_allclose(to_numpy(stack(images)), cut - [1, 2, 3], atol=1e-4)
    mean = np.random.default_rng(1).uniform(0, 255, (256, 256, 3)).astype("float32")
    stack = evaluation_preprocessor("paper", mean=mean, data_format="channels_last")
    np.testing.assert_allclose(to_numpy(stack(images)), cut - mean[16:240, 16:240], atol=1e-4)
    assert "subtracts a mean image of 256 x 256" in str(stack)


def test_seed():
    """A seed fixes windows and noise; no seed does not."""
    images = photos(256, 256)

    def made(seed):
        return to_numpy(training_preprocessor("paper", seed=seed)(images, training=True))

    np.testing.assert_array_equal(made(3), made(3))
    assert (made(3) != made(4)).any()
    assert (made(None) != made(None)).any()


@pytest.mark.medium
def test_channels_first():
    """Both stacks do the same with the channels first."""
    images = photos(270, 300)
    for name in ("bvlc", "paper"):
        last = training_preprocessor(name, seed=3, data_format="channels_last")
        first = training_preprocessor(name, seed=3, data_format="channels_first")
        for training in (True, False):
            found = to_numpy(first(images.transpose(0, 3, 1, 2), training=training))
            expected = to_numpy(last(images, training=training))
            np.testing.assert_allclose(found.transpose(0, 2, 3, 1), expected, atol=1e-4)


@pytest.mark.medium
def test_config():
    """A stack made from another's config does and says the same."""
    stack = training_preprocessor("paper", image_size=28, data_format="channels_last")
    again = Preprocessor.from_config(stack.get_config())
    images = photos(40, 50)
    assert str(again) == str(stack) == stack.sentence()
    found, expected = again(images, training=True), stack(images, training=True)
    np.testing.assert_array_equal(to_numpy(found), to_numpy(expected))


@pytest.mark.medium
def test_in_a_model(tmp_path):
    """In a functional model the layers stand by name, and a file keeps them and their streams."""
    inputs = keras.Input((40, 50, 3), dtype="uint8")
    stack = training_preprocessor("paper", image_size=28, seed=1, data_format="channels_last")
    model = keras.Model(inputs, stack(inputs))
    assert [layer.name for layer in model.layers[1:]] == [layer.name for layer in stack.layers]
    assert model.output_shape == (None, 28, 28, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = photos(40, 50)
    expected = model.predict(images, verbose=0)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), expected)
    np.testing.assert_allclose(to_numpy(stack(images, training=False)), expected, atol=1)
    np.testing.assert_array_equal(
        to_numpy(loaded(images, training=True)), to_numpy(model(images, training=True))
    )


def test_in_a_sequential_model(tmp_path):
    """As the first layer of a sequential model it is saved and loaded as well."""
    stack = training_preprocessor("owt", image_size=28, seed=1, data_format="channels_last")
    model = keras.Sequential([keras.Input((40, 50, 3), dtype="uint8"), stack])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = photos(40, 50)
    expected = model.predict(images, verbose=0)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), expected)
    assert str(loaded.layers[0]) == str(stack)


@pytest.mark.parametrize("kind", ["functional", "sequential"])
def test_a_model_that_is_called_does_not_augment(kind, tmp_path):
    """`model(x)` is inference as `predict` is, saved or not; training must be asked for."""
    stack = training_preprocessor("paper", image_size=28, seed=1, data_format="channels_last")
    inputs = keras.Input((40, 50, 3), dtype="uint8")
    if kind == "functional":
        model = keras.Model(inputs, stack(inputs))
    else:
        model = keras.Sequential([inputs, stack])
    model.save(tmp_path / "model.keras")
    images = photos(40, 50)
    for each in (model, keras.saving.load_model(tmp_path / "model.keras")):
        expected = each.predict(images, verbose=0)
        np.testing.assert_allclose(to_numpy(each(images)), expected, atol=1)
        np.testing.assert_allclose(to_numpy(each(images, training=False)), expected, atol=1)
        assert np.abs(to_numpy(each(images, training=True)) - expected).max() > 10


@pytest.mark.medium
def test_training_steps_augment():
    """A training step draws anew each time, an evaluation step never does."""
    stack = training_preprocessor("paper", image_size=28, seed=1, data_format="channels_last")
    inputs = keras.Input((40, 50, 3), dtype="uint8")
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(stack(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.0), "mae")
    images, labels = photos(40, 50), np.zeros((len(photos(40, 50)), 1))
    assert len({float(model.train_on_batch(images, labels)) for _ in range(3)}) == 3
    assert len({float(model.test_on_batch(images, labels)) for _ in range(3)}) == 1


@pytest.mark.parametrize("name", list_checkpoints())
def test_checkpoints(name):
    """A published checkpoint has the stacks of its variant and pixels, by name or by record."""
    checkpoint = get_checkpoint(name)
    assert checkpoint.pixels == get_variant(checkpoint.variant).pixels  # as it is so far
    for make in (evaluation_preprocessor, training_preprocessor):
        assert str(make(name)) == str(make(checkpoint)) == str(make(checkpoint.variant))
    images = photos(4, 4)
    np.testing.assert_array_equal(
        preprocess_input(images, name), preprocess_input(images, checkpoint.variant)
    )


def test_pixels_are_the_checkpoints():
    """Where a checkpoint was trained with other pixels than its variant, they are its own."""
    other = dataclasses.replace(get_variant("owt").pixels, mean=(1, 2, 3), std=(1, 1, 1), scale=1)
    checkpoint = dataclasses.replace(get_checkpoint("owt_torchvision"), pixels=other)
    assert "subtracts R 1 G 2 B 3" in str(evaluation_preprocessor(checkpoint))


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("name", "meant"), [("bvcl", "bvlc"), ("owt_torchvison", "owt_torchvision"), (3, "one of")]
)
def test_unknown_name(name, meant):
    """The error has all names, and the nearest."""
    for make in (
        evaluation_preprocessor,
        training_preprocessor,
        lambda name: preprocess_input(photos(8, 8), name),
    ):
        with pytest.raises(ValueError, match=rf"{name}.*names are: paper, .*bvlc_onnx.*{meant}"):
            make(name)
