"""What recipes and fit watch while training: the plateau, the colour noise, a loss that is flat."""

import math
import random
import re
import warnings

import keras
import numpy as np
import pytest

from keras_alexnet import (
    AlexNet,
    FlatLossWarning,
    PCAColorNoise,
    ReduceOnPlateau,
    get_recipe,
    paper_optimizer,
)
from keras_alexnet.errors import UserError
from keras_alexnet.recipes.color_noise import ColorNoiseSteps
from keras_alexnet.recipes.records import Steps


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


@pytest.mark.medium
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


@pytest.mark.medium
@pytest.mark.parametrize("nested", [False, True])
def test_colour_noise_ends_in_the_middle_of_training(nested):
    """Black images have a loss as long as there is noise, in the compiled step as well."""
    noise = PCAColorNoise(0.1, "lighting", seed=1, data_format="channels_last")
    first = keras.Sequential([keras.Input((2, 2, 3)), noise]) if nested else noise
    model = keras.Sequential(
        [
            keras.Input((2, 2, 3)),
            first,
            keras.layers.GlobalAveragePooling2D(data_format="channels_last"),
            keras.layers.Dense(3, kernel_initializer="identity", use_bias=False),
        ]
    )
    model.compile(keras.optimizers.SGD(0.0), "mse")
    steps = ColorNoiseSteps(Steps((0.1, 0.02, 0.0), (0, 0.5, 0.75), "share"), epochs=4)
    x, y = np.zeros((64, 2, 2, 3)), np.zeros((64, 3))
    losses = model.fit(x, y, epochs=4, verbose=0, callbacks=[steps]).history["loss"]
    assert losses[0] / losses[2] == pytest.approx(25, rel=0.5)
    assert losses[1] / losses[2] == pytest.approx(25, rel=0.5)
    assert losses[3] == 0


def test_the_noise_of_2012_ends_after_67_epochs():
    (callback,) = get_recipe("source2012").callbacks()
    assert [callback.strength(epoch) for epoch in (0, 66, 67, 90)] == [0.1, 0.1, 0.0, 0.0]
    (callback,) = get_recipe("source2012").stretched(10).callbacks()
    assert [callback.strength(epoch) for epoch in (7, 8)] == [0.1, 0.0]


def test_most_recipes_need_no_callback():
    assert get_recipe("cifar10_18pct").callbacks() == []


def ten_classes(**options):
    """Return a compiled softmax layer on four features."""
    layer = keras.layers.Dense(10, "softmax", kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((10,)), layer])
    model.compile("sgd", "sparse_categorical_crossentropy", **options)
    return model


LABELS = np.arange(400) % 10
TELLING = np.eye(10, dtype="float32")[LABELS]
NOTHING = np.zeros_like(TELLING)


class InOrder(keras.callbacks.Callback):
    """Is not `async_safe`: with it Keras calls all callbacks one step after the other.

    Otherwise it calls them from several threads, and these may overtake each other.
    """

    def on_train_batch_end(self, batch, logs=None):
        pass


def said(x, y=LABELS, model=None, epochs=1, more=(), **options):
    """Train in steps of four, and return what the callback says."""
    texts = []
    model = model or ten_classes()
    watch = FlatLossWarning(say=texts.append, **options)
    callbacks = [watch, *more]
    model.fit(x, y, batch_size=4, epochs=epochs, verbose=0, shuffle=False, callbacks=callbacks)
    assert [watch.message] == (texts or [None])
    return texts


def steps_in(text):
    """Return after how many steps a text says that the loss was flat."""
    return int(re.match(r"The loss is still 2\.303 after (\d+) steps\. That is ln\(10\)", text)[1])


@pytest.mark.medium
def test_a_net_that_stalls_is_told():
    (text,) = said(NOTHING, steps=60, more=[InOrder()])
    assert steps_in(text) == 60
    for remedy in ("initialization='robust'", "than 0.01", "range", "labels"):
        assert remedy in text


def test_a_net_that_stalls_is_told_by_threads_in_any_order():
    """Whichever of the 100 steps the callback is told of first, it speaks once."""
    (text,) = said(NOTHING, steps=60)
    assert 60 <= steps_in(text) <= 100


@pytest.mark.medium
def test_a_net_that_learns_is_not():
    """It has the same loss at first: the mean is of the last steps, not of all."""
    model = ten_classes()
    model.optimizer.learning_rate = 0.5
    assert said(TELLING, model=model, steps=90, window=10) == []
    assert said(TELLING, model=model, steps=5) == []


@pytest.mark.medium
def test_it_counts_on_over_epochs():
    """With epochs of 10 steps and 35 to wait for, it speaks once, in the fourth."""
    few = slice(40)
    (text,) = said(NOTHING[few], LABELS[few], epochs=6, steps=35, window=20, more=[InOrder()])
    assert steps_in(text) == 35
    assert said(NOTHING[few], LABELS[few], epochs=3, steps=35) == []


@pytest.mark.medium
def test_steps_per_execution():
    """Keras reports several steps at once."""
    torch = keras.backend.backend() == "torch"  # where Keras reports each step
    model = ten_classes() if torch else ten_classes(steps_per_execution=8)
    (text,) = said(NOTHING, model=model, steps=50, more=[InOrder()])
    assert steps_in(text) == (50 if torch else 56)


def test_reports_in_any_order():
    """Keras's threads for callbacks may overtake each other; the mean is right all the same."""
    texts = []
    watch = FlatLossWarning(steps=200, window=100, say=texts.append)
    watch.set_model(ten_classes())
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    order = list(range(200))
    random.Random(0).shuffle(order)
    order.remove(199)
    for batch in [*order, 199]:  # the loss is 4 for a hundred steps and then ln(10)
        done = batch + 1
        mean = 4.0 if done <= 100 else (400 + (done - 100) * math.log(10)) / done
        watch.on_train_batch_end(batch, {"loss": mean})
    assert len(texts) == 1
    assert texts[0].startswith("The loss is still 2.303 after 200 steps")


@pytest.mark.long
def test_by_default_it_is_a_warning_and_waits_for_300_steps():
    x, y = np.tile(NOTHING, (3, 1)), np.tile(LABELS, 3)
    with pytest.warns(UserWarning, match=r"still 2\.303 after 300 steps"):
        ten_classes().fit(
            x, y, batch_size=4, verbose=0, shuffle=False, callbacks=[FlatLossWarning()]
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        ten_classes().fit(
            x, y, batch_size=5, verbose=0, shuffle=False, callbacks=[FlatLossWarning()]
        )


def test_one_output_is_two_classes():
    model = keras.Sequential(
        [keras.Input((10,)), keras.layers.Dense(1, "sigmoid", kernel_initializer="zeros")]
    )
    model.compile("sgd", "binary_crossentropy")
    (text,) = said(NOTHING, LABELS % 2, model=model, steps=60)
    assert "still 0.693" in text and "ln(2)" in text


@pytest.mark.long
@pytest.mark.initial_values
def test_the_published_values_stall_and_the_robust_ones_do_not():
    """A real network on a few blobs: what the callback is for."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    x = (rng.normal(size=(200, 32, 32, 3)) + 2 * y[:, None, None, None]).astype("float32")
    texts = {}
    for kind in ("published", "robust"):
        keras.utils.set_random_seed(0)
        model = AlexNet("cifar10_19pct", classes=2, initialization=kind)
        model.compile(paper_optimizer(0.001), "sparse_categorical_crossentropy")
        texts[kind] = said(x, y, model=model, steps=50, window=10)
    assert "ln(2)" in texts["published"][0]
    assert texts["robust"] == []


def test_a_model_of_unknown_classes():
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.Dense(2)])
    watch = FlatLossWarning()
    watch.set_model(model)
    with pytest.raises(UserError, match=r"\(None, None, 2\).*FlatLossWarning\(classes=10\)"):
        watch.on_train_begin()


def test_it_leaves_dispatch_asynchronous():
    """Keras dispatches steps ahead with it as without it."""
    watched = keras.callbacks.CallbackList([FlatLossWarning()])
    plain = keras.callbacks.CallbackList([])
    assert watched._async_train == plain._async_train
