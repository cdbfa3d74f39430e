"""The mark `backend_free` is checked: in such a test every use of a tensor library raises."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_alexnet import AlexNet, LocalResponseNormalization
from keras_alexnet.layers import MaxPooling2D

LAYER = keras.layers.Dense(1)
MODEL = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
X = np.ones((1, 1), "float32")

USES = {
    "function": lambda: keras.ops.add(1, 2),
    "function of a submodule": lambda: keras.ops.nn.relu(X),
    "function that a model traces": lambda: keras.ops.square(keras.KerasTensor((1,))),
    "variable": lambda: keras.Variable(0.0),
    "layer": lambda: keras.layers.Dense(1),
    "call of a layer": lambda: LAYER(X),
    "layer of this package": lambda: LocalResponseNormalization(),
    "another": lambda: MaxPooling2D(2),
    "call of a model": lambda: MODEL(X),
    "network": lambda: AlexNet("cifar10_19pct"),
}


@pytest.mark.backend_free
@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_a_use_raises(use):
    """The message names the call, and says what to do."""
    with pytest.raises(AssertionError, match=r"Received a call of \w.*Remove the mark"):
        use()


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_without_the_mark_it_does_not(use):
    """All that was replaced is in its place again, and gives a result."""
    assert use() is not None


# A module with the names of Keras that are replaced; the import of Keras takes 5 s.
STAND_IN = """
from types import SimpleNamespace as Names

class Operation:
    __init__ = __call__ = lambda self: None

Variable, layers, ops = Operation, Names(Layer=Operation), Names(zeros=print)
ops.image = ops.linalg = ops.nn = ops.numpy = Names()
"""


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("use", "name"),
    [("keras.ops.zeros(1)", "keras.ops.zeros"), ("keras.layers.Layer()", "Operation.__init__")],
)
def test_a_use_raises_in_another_process(use, name, tmp_path, monkeypatch):
    """A process that such a test starts is checked too, as soon as it imports Keras."""
    (tmp_path / "keras.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", f"{os.environ['PYTHONPATH']}{os.pathsep}{tmp_path}")
    code = f"import keras; print('begun'); {use}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "begun\n")
    assert f"Received a call of {name}" in done.stderr
