"""The sentences of the stacks: whoever follows them computes the same."""

import re

import numpy as np
import pytest
from PIL import Image

from coordinates import coordinate_images, read_places
from helpers import to_numpy
from keras_alexnet import evaluation_preprocessor, list_variants, training_preprocessor
from published_pixels import PUBLISHED, SOURCE2012, photos, published, without_antialiasing

VARIANTS = list_variants()


FAMILIES = ("paper", "bvlc", "owt", "slim_v2", "cifar10_18pct")  # one variant of each


UNCUT = [name for name, (side, crop, *_) in PUBLISHED.items() if side == crop]  # no window


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
