"""Compiled functions: which sizes get one, and how many are kept for many sizes and layers."""

import functools
import gc

import numpy as np
import pytest

from helpers import BACKEND, gradient, to_numpy
from keras_alexnet import LocalResponseNormalization, PCAColorNoise, RandomCropFlip
from keras_alexnet.layers import MaxPooling2D

KEPT = 2  # compiled functions that these tests allow
SIZES = [(1, 2, 3 + count, 8) for count in range(5)]


def compiled_functions():
    """Return how many functions that a backend compiles are new."""
    gc.collect()
    if BACKEND == "tensorflow":
        kinds = (tf.types.experimental.PolymorphicFunction, tf.types.experimental.ConcreteFunction)
    elif BACKEND == "jax":
        kinds = (type(jax.jit(abs)),)
    else:
        kinds = (torch.Tensor,)  # PyTorch compiles nothing here, and keeps nothing
    return sum(issubclass(type(thing), kinds) for thing in gc.get_objects())


if BACKEND == "tensorflow":
    import tensorflow as tf

    from keras_alexnet.operations import programs

    @pytest.fixture
    def few(monkeypatch):
        """Allow a few compiled functions, none of which there is yet."""
        monkeypatch.setattr(programs, "FIRST", KEPT)
        monkeypatch.setattr(programs, "_eager_sizes", set())
        monkeypatch.setattr(programs, "_eager_program", functools.cache(programs._program))

elif BACKEND == "jax":
    import jax

    from keras_alexnet.operations import derivatives

    @pytest.fixture
    def few(monkeypatch):
        """Allow a few compiled functions, none of which there is yet."""
        cache = functools.lru_cache(KEPT)(derivatives._jax_program.__wrapped__)
        monkeypatch.setattr(derivatives, "_jax_program", cache)

else:
    import torch

    @pytest.fixture
    def few():
        """Do nothing: nothing is compiled."""


@pytest.mark.medium
@pytest.mark.parametrize("varied", ["sizes", "constants"])
def test_few_compiled_functions_are_kept(few, varied):
    """Images of many sizes, and layers with many constants, leave a bounded number behind."""
    if varied == "sizes":
        calls = [(LocalResponseNormalization(data_format="channels_last"), size) for size in SIZES]
    else:
        alphas = [0.1, 0.2, 0.3, 0.4, 0.5]
        calls = [(LocalResponseNormalization(alpha=alpha), SIZES[0]) for alpha in alphas]
    gc.collect()
    gc.freeze()  # from here on the collector sees what is new alone, in later tests as well
    counts = []
    for number, (layer, size) in enumerate(calls, 1):
        x = np.ones(size, "float32")
        assert to_numpy(gradient(layer, x, x)).shape == size
        if number in (KEPT + 1, len(calls)):
            counts.append(compiled_functions())
    assert counts[0] == counts[1]


if BACKEND == "tensorflow":

    def test_sizes_that_are_compiled_eagerly(few, monkeypatch):
        """The first of each operation, not too many in all, and each size always or never."""
        monkeypatch.setattr(programs, "MOST", 3)
        x = [tf.zeros((1, 2, count)) for count in range(8)]

        def compiled(operation, *sizes):
            return [programs.is_compiled(operation, x[size]) for size in sizes]

        assert compiled("one", 0, 1, 2, 3, 0, 1, 2) == [True, True, False, False, True, True, False]
        assert compiled("two", 0, 1, 1, 0) == [True, False, False, True]
        assert compiled("three", 5, 5) == [False, False]

    def own_programs(function, *shape):
        """Return how many functions in a graph TensorFlow is to compile with XLA."""
        step = tf.function(function, input_signature=[tf.TensorSpec(shape)], autograph=False)
        definition = step.get_concrete_function().graph.as_graph_def()
        return sum(inner.attr["_XlaMustCompile"].b for inner in definition.library.function)

    @pytest.mark.parametrize(
        "layer",
        [
            LocalResponseNormalization(data_format="channels_last"),
            MaxPooling2D(3, 2, data_format="channels_last"),
            RandomCropFlip(3, 3, data_format="channels_last"),
            PCAColorNoise(data_format="channels_last"),
        ],
        ids=lambda layer: layer.name,
    )
    def test_graphs_are_compiled_where_sizes_are_known(layer):
        """For unknown sizes XLA would compile while the graph runs, for each that comes."""
        assert own_programs(layer, None, 200, 202, 3) == 1
        assert own_programs(layer, None, None, None, 3) == 0

    def test_layers_that_differ_in_numbers_share_a_program(few):
        """It computes each layer's own values: alpha and beta are arguments."""
        x = np.random.default_rng(0).normal(0, 1, (2, 3, 8)).astype("float32")
        before = programs._eager_program.cache_info().misses
        for alpha, beta in [(0.1, 0.6), (0.5, 0.9)]:
            layer = LocalResponseNormalization(1, 2.0, alpha, beta)
            np.testing.assert_allclose(layer(x), x / (2 + alpha * x**2) ** beta, rtol=1e-5)
        assert programs._eager_program.cache_info().misses - before == 1

    def test_no_warning_of_many_tracings(few, caplog):
        """TensorFlow warns of a function that it traces for the fifth time."""
        tf.get_logger().addHandler(caplog.handler)
        for size in range(6):
            programs.run(tf.negative, (), tf.zeros((1, size)))
        tf.get_logger().removeHandler(caplog.handler)
        assert "retracing" not in caplog.text
