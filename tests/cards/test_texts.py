"""Model cards as texts and sentences: whole, and where entries are not valid."""

import dataclasses
import inspect
import json

import pytest

from keras_alexnet import ModelCard, get_variant
from keras_alexnet.cards.alexnet_model import AlexNetModel
from keras_alexnet.cards.records import Source, Training
from keras_alexnet.cards.texts import from_texts, to_texts

FULL = ModelCard(
    variant="bvlc",
    input_size=227,
    pixels=get_variant("bvlc").pixels,
    channel_order="bgr",
    class_names=("caf\udce9", "a, b", "$"),
    training=Training("bvlc", 3, 16, 0.01, 7, 80, 20, "ab" * 32),
    checkpoint="bvlc_caffe",
    licence="as is",
    source=Source("net.caffemodel", "cd" * 32, "caffe", "caffe"),
    changes="Two changes. Or three.",
    keras_alexnet_version="0.1.0",
    keras_version="3.15.1",
)


@pytest.mark.backend_free
def test_old_keras_saves_the_layers():
    """Keras up to 3.14 leaves them out of the files of a class whose constructor names arguments.

    It compares the named arguments with those of its own decorated constructor, which has none.
    """
    found = inspect.getfullargspec(AlexNetModel.__init__)
    assert (found.args, found.varargs, found.varkw) == (["self"], "args", "kwargs")


@pytest.mark.backend_free
def test_texts_hold_a_whole_card():
    """What is written is read back, field by field, and every field is there to be lost."""
    texts = to_texts(FULL)
    assert from_texts(texts) == FULL
    assert all(text.encode("utf-8") for text in texts.values())
    assert to_texts(ModelCard()) == {}
    for field in dataclasses.fields(ModelCard):
        card = dataclasses.replace(FULL, **{field.name: None})
        if field.name == "variant":  # the pixels need it
            card = dataclasses.replace(card, pixels=None, input_size=None)
        elif field.name == "input_size":
            card = dataclasses.replace(card, pixels=None)
        assert from_texts(to_texts(card)) == card


@pytest.mark.backend_free
def test_a_card_in_sentences():
    """What is recorded, and no more."""
    assert str(ModelCard()) == "The variant is not recorded."
    card = dataclasses.replace(FULL, class_names=tuple("abcdefg"))
    assert str(card) == (
        "The variant 'bvlc'. It takes images of 227 x 227. Its 7 classes are a, b, c, d, e and "
        "others. It was trained by the recipe 'bvlc' for 3 epochs on 80 images; 20 were held out. "
        "The weights are those of 'bvlc_caffe'. They were converted from 'net.caffemodel'. "
        "Licence: as is."
    )


PIXELS = json.loads(to_texts(FULL)["pixels"])


NONSENSE = {
    "variant": ["alexnet", "../paper", ""],
    "checkpoint": ["bvlc", "x" * 100_000],
    "channel_order": ["grb", "RGB"],
    "class_names": [
        "cat",
        "[1, 2]",
        json.dumps(["\x1b[2J"]),
        '{"a": 1}',
        '[""]',
        "[" * 100_000,
        "null",
    ],
    "training": ["[]", "{}", '{"epochs": true}', json.dumps({**vars(FULL.training), "seed": "x"})],
    "input_size": ["-1", "0", "1e3", "9" * 30],
    "licence": ["two\nlines", "\x1b[2J", ""],
    "keras_version": ["\x00"],
    "pixels": [
        "[]",
        *(
            json.dumps({**PIXELS, name: value})
            for name, value in [
                ("mean", [1, 2]),
                ("mean", [1, 2, float("nan")]),
                ("std", [1, 0, 1]),
                ("scale", float("inf")),
                ("scale", 10**400),
                ("resizing", "crop"),
                ("order", "gbr"),
                ("base", 2.5),
                ("input_size", None),
            ]
        ),
    ],
}


@pytest.mark.backend_free
@pytest.mark.parametrize("name", NONSENSE)
def test_what_is_not_valid_counts_as_not_there(name):
    """Files from anywhere can say anything; no entry takes the others with it."""
    texts = to_texts(FULL)
    field = {"pixels": "pixels", "input_size": "input_size"}.get(name, name)
    for text in NONSENSE[name]:
        found = from_texts({**texts, name: text})
        if name == "input_size":  # the pixels hold it
            assert found == FULL
        else:
            assert getattr(found, field) is None, text
            assert found.class_names == FULL.class_names or name == "class_names"
