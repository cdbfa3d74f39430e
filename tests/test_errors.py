"""What every error says: what was received, what is expected, what to do."""

import ast
import copy
import pathlib
import pickle
import re

import keras
import pytest

import keras_alexnet
from keras_alexnet import RandomCropFlip
from keras_alexnet.errors import UserError
from keras_alexnet.formats.errors import CheckpointError

PACKAGE = pathlib.Path(keras_alexnet.__file__).parent
SENTENCES = ("Received beta=-1.", "`beta` must be positive.", "The paper has 0.75.")
PARTS = {"UserError": {3}, "CheckpointError": {2, 3}}  # a checkpoint's remedy has a default


@pytest.mark.backend_free
@pytest.mark.parametrize("kind", [UserError, CheckpointError])
def test_parts_survive(kind):
    """Copies, and other processes, have the three sentences."""
    error = kind(*SENTENCES)
    for other in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (other.received, other.expected, other.remedy) == SENTENCES
        assert str(other) == " ".join(SENTENCES)
    assert str(error.about("Tensor 'x':")) == "Tensor 'x': " + " ".join(SENTENCES)


@pytest.mark.backend_free
def test_every_error_has_its_parts():
    """One text for all would say no remedy."""
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in PARTS:
                count = len(node.args) + len(node.keywords)
                starred = any(isinstance(argument, ast.Starred) for argument in node.args)
                if not starred and count not in PARTS[ast.unparse(node.func)]:
                    wrong.append(f"{path.name}:{node.lineno}")
    assert wrong == []


def test_a_layer_raises_it_in_a_model():
    """Keras makes it anew, with the layer's name in its text; its type stays."""
    layer = RandomCropFlip(8, 8, name="crop", data_format="channels_last")
    with pytest.raises(UserError, match="RandomCropFlip") as raised:
        layer(keras.ops.zeros((1, 4, 4, 3)))
    assert re.search("Received images.*4 x 4.*8.*Enlarge", raised.value.received)
