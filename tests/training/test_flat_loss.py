"""The warning of a flat loss: it judges the cross-entropy over classes alone."""

import math
import re

import keras
import numpy as np
import pytest

from keras_alexnet import FlatLossWarning
from keras_alexnet.training.padding import PaddedLoss

LN = math.log(10)
CROSS_ENTROPY = "sparse_categorical_crossentropy"


def model_of(*units, loss=CROSS_ENTROPY, decay=None, activation="softmax", form=list, **options):
    """Return a compiled model with a dense output for each number of units."""
    inputs = keras.Input((5,))
    outputs = {
        name: keras.layers.Dense(
            count, activation, kernel_initializer="ones", kernel_regularizer=decay, name=name
        )(inputs)
        for name, count in zip(("one", "two"), units, strict=False)
    }
    outputs = list(outputs.values()) if form is list else outputs
    model = keras.Model(inputs, outputs if len(units) > 1 else outputs[0])
    model.compile("sgd", loss, **options)
    return model


def said(model, figures, penalties=0.0, **options):
    """Return what is said where an epoch of 20 steps has these figures in each."""
    texts = []
    watch = FlatLossWarning(steps=20, window=10, say=texts.append, **options)
    watch.set_model(model)
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    for batch in range(20):
        watch.on_train_batch_end(batch, figures)
    if penalties:
        assert texts == []  # it waits for the weights
    watch.on_epoch_end(0, figures)
    assert watch.message == (texts[0] if texts else None)
    return texts


@pytest.mark.parametrize(
    "loss",
    [
        "categorical_crossentropy",
        "CategoricalCrossentropy",
        "crossentropy",
        keras.losses.categorical_crossentropy,
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        [CROSS_ENTROPY],
        PaddedLoss(CROSS_ENTROPY),
        PaddedLoss(keras.losses.CategoricalCrossentropy()),
    ],
)
def test_losses_that_are_cross_entropies(loss):
    """By whatever name: guessing scores ln(10), another value is none of guessing."""
    assert len(said(model_of(10, loss=loss), {"loss": LN})) == 1
    assert said(model_of(10, loss=loss), {"loss": LN * 1.02}) == []


def test_how_many_classes_there_are():
    """The shape says it unless it is told; the tolerance is a share of what guessing scores."""
    assert len(said(model_of(2), {"loss": math.log(2)})) == 1
    assert len(said(model_of(10), {"loss": math.log(4)}, classes=4)) == 1
    one = model_of(1, loss="binary_crossentropy", activation="sigmoid")
    for classes in (None, 2):
        assert len(said(one, {"loss": math.log(2)}, classes=classes)) == 1
    maps = keras.Sequential([keras.Input((3, 5)), keras.layers.Dense(10)])
    maps.compile("sgd", CROSS_ENTROPY)
    assert len(said(maps, {"loss": LN}, classes=10)) == 1
    assert len(said(model_of(10), {"loss": LN + 0.02})) == 1


def test_many_classes_are_given_more_steps():
    """Five for each class, of the output that has the most."""
    watch = FlatLossWarning(say=lambda text: None)
    watch.set_model(model_of(2, 100))
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    for batch in range(500):
        assert watch.message is None
        watch.on_train_batch_end(batch, {"two_loss": math.log(100)})
    assert "after 500 steps" in watch.message


@pytest.mark.parametrize(
    "loss",
    [
        "mse",
        "binary_crossentropy",
        keras.losses.CategoricalFocalCrossentropy(),
        keras.losses.CategoricalCrossentropy(reduction="sum"),
        [CROSS_ENTROPY, "mse"],
    ],
)
def test_losses_that_are_none(loss):
    """A mean squared error may well be 2.303: it says nothing of guessing."""
    assert said(model_of(10, loss=loss), {"loss": LN}) == []


def test_a_metric_is_watched_before_the_loss():
    """It is a cross-entropy, and neither penalized nor weighted, whatever the loss is."""
    for loss in ("mse", CROSS_ENTROPY):
        model = model_of(10, loss=loss, decay="l2")
        for name in ("categorical_crossentropy", CROSS_ENTROPY):
            (text,) = said(model, {"loss": 9.0, name: LN})
            assert text.startswith("The loss is still 2.303 after 20 steps. That is ln(10)")
            assert said(model, {"loss": LN, name: 1.0}) == []


def test_weights_of_loss_and_images_are_divided_by():
    """Guessing scores ln(n) times both; another network with that loss does not guess."""
    for weight in (0.5, [0.5]):
        model = model_of(10, loss_weights=weight)
        (text,) = said(model, {"loss": 0.5 * 3 * LN}, mean_weight=3.0)
        assert text.startswith("The cross-entropy is still 2.303")
        assert said(model, {"loss": LN}, mean_weight=3.0) == []
    mean = keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")
    assert len(said(model_of(10, loss=mean), {"loss": LN}, mean_weight=3.0)) == 1


def test_penalties_are_subtracted():
    """50 kernel values of 1 with an L2 of 0.02 add 1 to the loss, which alone is not guessing."""
    model = model_of(10, decay=keras.regularizers.L2(0.02))
    (text,) = said(model, {"loss": LN + 1}, penalties=1.0)
    assert text.startswith("The cross-entropy is still 2.303 after 20 steps")
    assert said(model, {"loss": LN}, penalties=1.0) == []
    model.trainable = False  # Keras penalizes what is trained
    assert len(said(model, {"loss": LN})) == 1


@pytest.mark.parametrize("form", [list, dict])
def test_outputs_are_told_apart(form):
    """Each classifier has a loss of its own in the logs, without penalties; both are named."""
    model = model_of(10, 4, form=form, decay="l2", loss_weights={"one": 0.5, "two": 1.0})
    flat = {"loss": 9.0, "one_loss": LN, "two_loss": math.log(4)}
    (text,) = said(model, flat)
    first, second = text.split("\n")
    assert first.startswith("The loss of the output 'one' is still 2.303 after 20 steps")
    assert second.startswith("The loss of the output 'two' is still 1.386") and "ln(4)" in second
    (text,) = said(model, {**flat, "two_loss": 0.3})
    assert "'one'" in text and "'two'" not in text
    assert said(model, {"loss": LN, "one_loss": 0.1, "two_loss": 0.3}) == []


def test_other_outputs_are_left_alone():
    """Beside a classifier, a regression with a loss of 2.303; one output without any loss."""
    model = model_of(10, 1, loss=[CROSS_ENTROPY, "mse"])
    assert said(model, {"loss": 9.0, "one_loss": 1.0, "two_loss": LN}) == []
    (text,) = said(model, {"loss": 9.0, "one_loss": LN, "two_loss": math.log(2)})
    assert "'one'" in text and "'two'" not in text
    model = model_of(10, 4, loss=[None, CROSS_ENTROPY], loss_weights=[None, 2.0])
    (text,) = said(model, {"loss": 2 * math.log(4)})
    assert text.startswith("The cross-entropy of the output 'two' is still 1.386")
    model = model_of(10, 4, loss=[None, CROSS_ENTROPY], decay=keras.regularizers.L2(0.1))
    figures = {"loss": math.log(4) + 7, f"one_{CROSS_ENTROPY}": LN}  # 70 kernel values of 1
    assert len(said(model, figures, penalties=7.0)[0].split("\n")) == 2


def test_a_metric_that_cannot_be_saved_stops_nothing():
    """Keras cannot say what such a model was compiled with."""

    class Odd(keras.metrics.Mean):
        def get_config(self):
            raise NotImplementedError

    assert len(said(model_of(10, metrics=[Odd()]), {"loss": LN})) == 1


def fitted(model, **options):
    """Train where there is nothing to learn, and return what is said."""
    texts = []
    watch = FlatLossWarning(steps=20, window=10, say=texts.append, **options.pop("watch", {}))
    labels = np.tile(np.arange(10), 10)
    y = [labels] * len(model.outputs) if len(model.outputs) > 1 else labels
    x = np.zeros((100, 5), "float32")
    model.fit(x, y, batch_size=4, verbose=0, shuffle=False, callbacks=[watch], **options)
    return texts


@pytest.mark.medium
def test_in_fit_penalties_are_those_of_the_weights():
    """50 kernel values of 1 with an L2 of 0.02 add 1, and fall by 0.08 % in each step."""
    model = model_of(10, decay=keras.regularizers.L2(0.02))
    (text,) = fitted(model)
    assert re.match(r"The cross-entropy is still 2\.30\d after 25 steps", text)


@pytest.mark.medium
def test_in_fit_class_weights_are_seen_with_a_metric_or_told():
    """The loss is three times ln(10)."""
    weights = {"class_weight": dict.fromkeys(range(10), 3.0)}
    assert fitted(model_of(10), **weights) == []
    assert len(fitted(model_of(10), watch={"mean_weight": 3.0}, **weights)) == 1
    assert len(fitted(model_of(10, metrics=[CROSS_ENTROPY]), **weights)) == 1


@pytest.mark.medium
def test_in_fit_keras_names_outputs_and_metrics_so():
    """Two outputs, one with a metric of another name than its loss."""
    losses = [CROSS_ENTROPY] * 2
    model = model_of(10, 10, loss=losses, loss_weights=[3.0, 0.5], metrics=[[CROSS_ENTROPY], []])
    (text,) = fitted(model)
    assert re.findall(r"loss of the output '(\w+)' is still 2\.30\d", text) == ["one", "two"]
