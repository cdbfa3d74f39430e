"""`TrainingCurve`: the points of a training, and those of one that goes on."""

import keras
import numpy as np
import pytest

from keras_alexnet.training.curve import TrainingCurve

VALUES = np.sqrt(np.arange(1.0, 41.0))[:, None]  # the squared errors of a model that answers 0


def trained(curve, first_epoch=0, epochs=1, values=VALUES):
    """Train a model that answers 0 and learns nothing, one image a step."""
    layer = keras.layers.Dense(1, kernel_initializer="zeros", use_bias=False)
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    options = {"batch_size": 1, "shuffle": False, "verbose": 0, "callbacks": [curve]}
    model.fit(values, values, initial_epoch=first_epoch, epochs=epochs, **options)
    return curve.points


def test_points_are_means_over_twentieths_of_an_epoch(tmp_path):
    """Of 40 steps each point is the mean of two, at the middle between their ends."""
    points = trained(TrainingCurve(str(tmp_path / "curve.csv")), epochs=2)
    means = np.arange(1, 41).reshape(20, 2).mean(axis=1)
    np.testing.assert_allclose(points["loss"], [*means, *means], rtol=1e-4)
    np.testing.assert_allclose(points["epoch"], (np.arange(40) + 0.5) / 20)


@pytest.mark.parametrize("steps", [1, 3, 33])
def test_any_number_of_steps_has_its_points(steps, tmp_path):
    """An epoch has a point for every step, at most 20; their means make up that of the epoch."""
    points = trained(TrainingCurve(str(tmp_path / "curve.csv")), values=VALUES[:steps])
    assert len(points["loss"]) == min(steps, 20)
    bounds = [0.0]
    for middle in points["epoch"]:
        bounds.append(2 * middle - bounds[-1])
    assert bounds[-1] == pytest.approx(1)
    mean = np.dot(np.diff(bounds), points["loss"])
    assert mean == pytest.approx(np.arange(1, steps + 1).mean(), rel=1e-4)


def test_a_run_that_goes_on_keeps_the_points_of_the_epochs_done(tmp_path):
    """Its table is that of a run without a stop; a point of an epoch that is not done is left."""
    path = tmp_path / "curve.csv"
    trained(TrainingCurve(str(path)), epochs=3)
    whole = path.read_bytes()
    curve = TrainingCurve(str(path))
    curve.resume(2)
    assert len(curve.points["epoch"]) == 40
    trained(curve, first_epoch=2, epochs=3)
    assert path.read_bytes() == whole


def test_a_second_fit_adds_its_points(tmp_path):
    """A run in two phases, with a `fit` for each, has one curve."""
    whole = trained(TrainingCurve(str(tmp_path / "whole.csv")), epochs=2)
    curve = TrainingCurve(str(tmp_path / "curve.csv"))
    trained(curve)
    assert trained(curve, first_epoch=1, epochs=2) == whole


def test_a_curve_without_a_file_begins_anew(tmp_path):
    """A run of an older version left none; a damaged one is refused by name."""
    curve = TrainingCurve(str(tmp_path / "curve.csv"))
    curve.resume(2)
    assert curve.points == {}
    (tmp_path / "curve.csv").write_text("epoch,loss\n0.5,low\n")
    with pytest.raises(ValueError, match=r"curve\.csv' cannot be read: .*'low'.*Restore it"):
        curve.resume(2)
