"""TensorFlow's optimizer of graphs, off in the other tests, leaves a network's results alone."""

import keras
import numpy as np
import pytest

import tensorflow_graphs
from helpers import to_numpy
from keras_alexnet import AlexNet

if keras.backend.backend() == "tensorflow":

    @pytest.fixture
    def optimized():
        """Graphs that are optimized, as users have them."""
        with tensorflow_graphs.as_for_users():
            yield

    def results(model, x, labels):
        """Return the loss of a step of training, and predictions and weights after it."""
        loss = np.asarray(model.train_on_batch(x, labels))
        return [loss, to_numpy(model.predict_on_batch(x)), *model.get_weights()]

    @pytest.mark.medium
    @pytest.mark.usefixtures("optimized")
    @pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
    @pytest.mark.parametrize("variant", ["cifar10_11pct", "cifar10_18pct"])
    def test_graphs_compute_what_operations_do(variant, data_format):
        """Predictions and a step of training are those of the same operations one by one."""
        model = AlexNet(variant, data_format=data_format, initialization="robust")
        shape = (4, *model.input_shape[1:])
        x, labels = np.random.default_rng(0).normal(size=shape).astype("float32"), np.arange(4)
        start, found = model.get_weights(), []
        for eagerly in (False, True):
            model.set_weights(start)
            model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=eagerly)
            found.append(results(model, x, labels))
        assert any(np.any(old != new) for old, new in zip(start, found[0][2:], strict=True))
        for graph, one_by_one in zip(*found, strict=True):
            np.testing.assert_allclose(graph, one_by_one, rtol=1e-4, atol=1e-6)
