"""`describe`: the figures, the table, JSON and the picture."""

import json
import pathlib

import keras
import pytest

from helpers import zeros_at_first
from keras_alexnet import AlexNet, describe


@pytest.fixture(scope="session")
def paper():
    """The description of the paper's network."""
    with zeros_at_first():
        return describe(AlexNet("paper"))


@pytest.mark.medium
def test_what_is_said_of_alexnet_can_be_read_off(paper):
    """60 million parameters, 650,000 neurons, every convolution around or below 1 %."""
    assert round(paper.parameters, -6) == 61_000_000
    assert round(paper.neurons, -4) == 660_000
    shares = {row.name: paper.share(row) for row in paper.layers if row.name.startswith("conv")}
    assert len(shares) == 5
    assert max(shares.values()) == shares["conv3"] == pytest.approx(0.0145, abs=1e-4)


def test_table_shows_every_layer_and_the_totals(paper):
    """The text has a line per layer with its figures, and the totals."""
    lines = {line.split()[0]: line.split() for line in str(paper).splitlines() if line.strip()}
    conv2 = " ".join(lines["conv2"])
    assert conv2 == "conv2 Conv2D 27 x 27 x 256 307,456 0.50 % 186,624 223,948,800"
    assert " ".join(lines["total"]) == "total 60,965,224 100.00 % 659,272 724,406,816"
    assert all(row.name in lines for row in paper.layers)


def test_json_has_the_same_figures(paper):
    """The JSON is complete and made of plain numbers."""
    figures = json.loads(paper.to_json())
    assert figures["parameters"] == 60_965_224
    assert figures["input_shape"] == [224, 224, 3]
    conv1 = next(row for row in figures["layers"] if row["name"] == "conv1")
    assert conv1 == {
        "name": "conv1",
        "kind": "Conv2D",
        "output_shape": [55, 55, 96],
        "parameters": 34_944,
        "neurons": 290_400,
        "multiply_adds": 105_415_200,
        "share": 34_944 / 60_965_224,
    }


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_picture_is_drawn(paper, tmp_path, ending):
    """The picture is a file of the format that its ending names, with the layers in it."""
    path = paper.plot(tmp_path / f"paper.{ending}")
    content = pathlib.Path(path).read_bytes()
    if ending == "svg":
        assert b"<svg" in content and b"60,965,224" in content
    else:
        from PIL import Image

        with Image.open(path) as picture:
            assert min(picture.size) > 400
    assert [entry.name for entry in tmp_path.iterdir()] == [f"paper.{ending}"]


def test_picture_of_unknown_format(paper, tmp_path):
    """A wrong ending is answered, and leaves no file."""
    with pytest.raises(ValueError, match=r"paper\.xyz.*format.*\.png, \.svg or \.pdf"):
        paper.plot(tmp_path / "paper.xyz")
    assert list(tmp_path.iterdir()) == []


def test_unknown_sizes_are_left_open():
    """Without image sizes the parameters are known, neurons and multiply-adds are not."""
    description = describe(AlexNet("bvlc", include_top=False))
    assert description.parameters == 2_334_080
    assert description.neurons is description.multiply_adds is None
    assert "? x ? x 256" in str(description)


def test_picture_of_two_calls(tmp_path, drawn):
    """Both calls of a layer have their bars."""
    dense = keras.layers.Dense(4, name="same")
    inputs = keras.Input((4,))
    describe(keras.Model(inputs, dense(dense(inputs)))).plot(tmp_path / "two.svg")
    labels = [label.get_text() for label in drawn[0].axes[0].get_yticklabels()]
    assert labels == ["same", "same"]
    assert [len(axis.patches) for axis in drawn[0].axes] == [2, 2, 2]


@pytest.mark.parametrize("wrong", ["paper", keras.Sequential([keras.layers.Dense(3)])])
def test_only_built_models(wrong):
    """Anything but a model with known shapes is refused with what to pass instead."""
    with pytest.raises(ValueError, match=r"built `keras\.Model` with known shapes.*AlexNet"):
        describe(wrong)
