"""`FlatLossWarning` in `fit`: after how many steps it speaks, and when it does not."""

import math
import random
import re
import warnings

import keras
import numpy as np
import pytest

from keras_alexnet import AlexNet, FlatLossWarning, paper_optimizer
from keras_alexnet.errors import UserError


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
