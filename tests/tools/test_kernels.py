"""Seeds that leave TensorFlow's kernels: whatever is drawn in the tests still follows from them."""

import pathlib
import re

import keras
import numpy as np
import pytest

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
