"""The list of ImageNet classes, and `decode_predictions` against that of `keras.applications`."""

import hashlib
import json
import socket

import keras
import numpy as np
import pytest

from helpers import tensor
from keras_alexnet import decode_predictions, predictions
from keras_alexnet.published.imagenet import difference_from_keras, imagenet_classes


def class_index(changes=()):
    """Return the list as Keras's file has it, with other pairs for some classes."""
    pairs = {str(number): list(pair) for number, pair in enumerate(imagenet_classes())}
    return json.dumps({**pairs, **dict(changes)})


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder where Keras keeps its files; what was compared before is forgotten."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    predictions._compare_with_keras.cache_clear()
    (tmp_path / "models").mkdir()
    yield tmp_path / "models" / "imagenet_class_index.json"
    predictions._compare_with_keras.cache_clear()


@pytest.mark.backend_free
def test_the_list_is_keras_own():
    """Written as Keras's file, the list has the digest that Keras's source states for it."""
    text = class_index()
    assert len(text) == 35_363
    assert hashlib.md5(text.encode()).hexdigest() == "c2c37ea517e94d9795004a39431a14cb"


@pytest.mark.backend_free
def test_the_list_is_sorted():
    """The order of the classes is that of their identifiers, each once."""
    identifiers = [identifier for identifier, _ in imagenet_classes()]
    assert identifiers == sorted(set(identifiers))
    assert len(identifiers) == 1000


def test_it_decodes_as_keras_does(monkeypatch):
    """On scores without ties the result is that of `keras.applications`, types included."""
    index = json.loads(class_index())  # in place of the one that Keras would download
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", index)
    preds = np.random.default_rng(0).normal(size=(3, 1000)).astype("float32")
    theirs = keras.applications.imagenet_utils.decode_predictions(preds, top=7)
    ours = decode_predictions(preds, top=7)
    assert ours == theirs
    assert [[type(part) for part in row] for row in ours[0]] == [
        [type(part) for part in row] for row in theirs[0]
    ]


def test_it_needs_no_network(home, monkeypatch):
    """Without Keras's file and with sockets that fail, it works, and leaves no file."""
    monkeypatch.setattr(socket, "socket", None)
    ((first, *_),) = decode_predictions(np.eye(1, 1000, 999))
    assert first == ("n15075141", "toilet_tissue", 1.0)
    assert not home.exists()


def test_tensors_ties_and_large_top():
    """A tensor is taken; of equal scores the lower class comes first; 2000 means all."""
    scores = np.zeros((1, 1000), "float32")
    scores[0, 7] = 1
    (row,) = decode_predictions(tensor(scores), top=2000)
    assert len(row) == 1000
    assert [name for _, name, _ in row[:3]] == ["cock", "tench", "goldfish"]
    assert decode_predictions(np.zeros((0, 1000))) == []


@pytest.mark.parametrize(
    ("preds", "top", "message"),
    [
        (np.zeros((1, 10)), 5, r"shape \(1, 10\)\. .*\(batch, 1000\)\. .*names of another"),
        (np.zeros(1000), 5, r"shape \(1000,\)\. .*preds\[None\]"),
        (np.zeros((1, 1000)), 0, r"top=0\. .*at least 1"),
        (np.zeros((1, 1000)), 2.5, r"top=2\.5\. .*whole number"),
        (np.full((1, 1000), np.nan), 5, "1000 scores of NaN among 1000"),
    ],
)
def test_mistakes(preds, top, message):
    """Other shapes, counts and NaN are refused in words."""
    with pytest.raises(ValueError, match=message):
        decode_predictions(preds, top)


DIFFERENCES = [
    (class_index({"3": ["n0", "seven"]}), r"has \('n0', 'seven'\) for class 3, which is n01491361"),
    (class_index({"3": ["n0", "x"], "9": ["n1", "y"]}), "_tiger_shark, and 1 more"),
    (class_index({"3": ["n0", "\x1b" + "x" * 1000]}), r"has \('n0', '\\x1bx{88} for class 3"),
    ("[1, 2", "is not a class index of 1000 classes"),
    ("[]", "is not a class index of 1000 classes"),
    ('{"0": ["n01440764", "tench"]}', "is not a class index of 1000 classes"),
    ('{"0": 3}', "is not a class index of 1000 classes"),
]


@pytest.mark.parametrize(("text", "message"), DIFFERENCES)
def test_a_list_of_keras_that_differs_is_told_once(home, text, message):
    """What Keras has is compared; a difference is a warning, the first time, and ours is used."""
    home.write_text(text)
    scores = np.eye(1, 1000, 3)
    with pytest.warns(UserWarning, match=f"{message}.*Remove the file"):
        ((first, *_),) = decode_predictions(scores)
    assert first[:2] == ("n01491361", "tiger_shark")
    decode_predictions(scores)  # a second warning would be an error here


@pytest.mark.backend_free
def test_the_same_list_is_no_difference(home):
    """Nothing is said of a file that is the same, or is not there."""
    assert difference_from_keras() == ""
    home.write_text(class_index())
    assert difference_from_keras() == ""
