"""`ReduceOnPlateau`: the rates after each epoch, by hand and after a stop."""

import math

import keras
import numpy as np
import pytest

from keras_alexnet import ReduceOnPlateau, paper_optimizer
from keras_alexnet.errors import UserError


def one_layer():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(paper_optimizer(0.01), "mse")
    return model


def rates_of_keras_class(figures, past=(), **options):
    """Return the rates after each epoch whose validation loss is given."""
    model, callback = one_layer(), ReduceOnPlateau("val_loss", **options)
    callback.set_model(model)
    if past:
        figures_so_far, rates_so_far = past
        model.optimizer.learning_rate = rates_so_far[-1]
        before = [0.01, *rates_so_far[:-1]]  # a run keeps the rate that an epoch began with
        callback.resume({"val_loss": figures_so_far, "learning_rate": before})
    callback.on_train_begin()
    rates = []
    for epoch, figure in enumerate(figures):
        logs = {"val_loss": figure}
        callback.on_epoch_end(epoch, logs)
        rates.append(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))
    return rates


def rates_by_hand(figures, factor=0.1, times=3, patience=5, min_delta=1e-4):
    """The heuristic: a smaller rate after so many epochs that are no better than the best."""
    rate, best, waited, rates = 0.01, math.inf, 0, []
    for figure in figures:
        if figure < best - min_delta:
            best, waited = figure, 0
        else:
            waited += 1
        if waited == patience:
            waited = 0
            if times:
                rate, times = rate * factor, times - 1
        rates.append(rate)
    return rates


def figures_of(seed, count=60):
    """Return validation losses that fall, and then no longer do."""
    noise = np.random.default_rng(seed).normal(scale=0.05, size=count)
    return [float(x) for x in 1 + np.exp(-np.arange(count) / 5) + noise]


@pytest.mark.parametrize("options", [{}, {"factor": 0.5, "times": 1, "patience": 2}])
@pytest.mark.parametrize("seed", range(3))
def test_the_rate_falls_on_a_plateau_and_not_too_often(seed, options):
    figures = figures_of(seed)
    expected = rates_by_hand(figures, **options)
    assert len(set(expected)) == options.get("times", 3) + 1  # the case has all reductions in it
    np.testing.assert_allclose(rates_of_keras_class(figures, **options), expected, rtol=1e-5)


@pytest.mark.parametrize("cut", [1, 13, 20, 31, 59])
def test_a_plateau_is_known_again_after_a_stop(cut):
    """Stopped after any epoch, the run that goes on reduces when the other would have."""
    figures = figures_of(1)
    whole = rates_of_keras_class(figures)
    rest = rates_of_keras_class(figures[cut:], past=(figures[:cut], whole[:cut]))
    np.testing.assert_allclose(rest, whole[cut:], rtol=1e-5)


def test_forgetting_the_plateau_would_show():
    """Without the history the reductions come later: the test above can fail."""
    figures = figures_of(1)
    whole = rates_of_keras_class(figures)
    assert any(rates_of_keras_class(figures[cut:]) != whole[cut:] for cut in (13, 20, 31))


@pytest.mark.eager
def test_in_fit_the_accuracy_is_what_counts():
    """The default monitor: a higher accuracy is better."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, "softmax")])
    model.compile(paper_optimizer(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = np.zeros((4, 1)), np.array([0, 0, 0, 1])
    rates = model.fit(
        x, y, epochs=8, verbose=0, validation_data=(x, y), callbacks=[ReduceOnPlateau(patience=2)]
    ).history["learning_rate"]
    # the first epoch is the best, then two without better ones for each reduction
    np.testing.assert_allclose(rates[1::2], [0.01, 0.001, 0.0001, 0.00001], rtol=1e-4)


@pytest.mark.parametrize("times", [0, 1.5])
def test_wrong_times(times):
    with pytest.raises(UserError, match=f"times={times}.*reduced the rate three times"):
        ReduceOnPlateau(times=times)
