"""TensorFlow as the tests have it: what is drawn, and a step that makes its own variables."""

import pathlib
import re

import keras
import numpy as np
import pytest

import tensorflow_graphs
from helpers import to_numpy
from keras_alexnet import LocalResponseNormalization, paper_optimizer
from keras_alexnet.layers import DownscaledDropout
from keras_alexnet.training.padding import PaddedLoss

ROOT = pathlib.Path(__file__).parent.parent.parent
FOLDERS = ("keras_alexnet", "tests", "examples")


def _drawn(seed):
    """Return what is drawn in each way that the package, Keras or a test draws in."""
    keras.utils.set_random_seed(seed)
    number = keras.random.normal((), seed=keras.random.SeedGenerator())
    order = keras.random.shuffle(keras.ops.arange(50), seed=keras.random.SeedGenerator())
    drawn = [keras.ops.convert_to_numpy(values) for values in (number, order)]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        shuffled = tf.data.Dataset.range(50).shuffle(50)
        mapped = tf.data.Dataset.from_tensors(tf.range(50)).map(tf.random.shuffle)
        drawn += [np.array(list(shuffled)), next(iter(mapped)).numpy()]
    return drawn


def test_what_is_drawn_follows_from_the_seed():
    """It is the same after the same seed, as often as it is set, and another after another."""
    first, other, again = _drawn(1), _drawn(2), _drawn(1)
    for values, different, same in zip(first, other, again, strict=True):
        np.testing.assert_array_equal(values, same)
        assert not np.array_equal(values, different)


@pytest.mark.backend_free
def test_nothing_draws_outside_a_graph_from_a_seed_of_its_own():
    """TensorFlow's operations that do would go on where the test before ended."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    drawing = re.compile(r"\btf\.random\.(?!shuffle\)|stateless|set_seed)\w+\(")
    assert [path.name for path in files if drawing.search(path.read_text("utf-8"))] == []


if keras.backend.backend() == "tensorflow":
    NOISE = np.random.default_rng(0).normal(size=(16, 8, 8, 3)).astype("float32")

    def _fitted():
        """Return the history and the variables of a training in three steps an epoch."""
        keras.utils.set_random_seed(0)
        layers = [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, data_format="channels_last", name="conv"),
            LocalResponseNormalization(data_format="channels_last"),
            keras.layers.Flatten(),
            DownscaledDropout(0.5, name="drop"),
            keras.layers.Dense(10, "softmax", name="dense"),
        ]
        model = keras.Sequential(layers, name="net")
        loss = PaddedLoss("sparse_categorical_crossentropy")
        model.compile(paper_optimizer(0.01), loss, weighted_metrics=["accuracy"])
        labels = np.arange(16) % 10
        history = model.fit(NOISE, labels, batch_size=6, epochs=2, shuffle=False, verbose=0).history
        variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        return history, [(value.path, to_numpy(value)) for value in variables]

    @pytest.mark.medium
    def test_a_step_that_makes_its_variables():
        """Training as for users, who trace the first step twice, gives what it gives here."""
        history, variables = _fitted()
        with tensorflow_graphs.as_for_users():
            of_users, theirs = _fitted()
        for name, values in history.items():
            np.testing.assert_allclose(values, of_users[name], rtol=1e-4, err_msg=name)
        for (path, value), (their_path, their_value) in zip(variables, theirs, strict=True):
            assert path.split("/")[1:] == their_path.split("/")[1:]
            np.testing.assert_allclose(value, their_value, rtol=1e-4, atol=1e-6, err_msg=path)
