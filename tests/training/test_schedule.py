"""The schedule of Adam's rate: its values, the default, and a run that is interrupted."""

import csv

import keras
import numpy as np
import pytest

from keras_alexnet.training.job import Job, build_model
from keras_alexnet.training.schedule import learning_rate
from runs import copied_after, quietly

SMALL = Job(variant="cifar10_19pct", epochs=4, batch_size=8, drawn=20, learning_rate=1e-3)


def formula(peak, steps, rising):
    """Return the rate of every step: a straight line from 0, then half a cosine to 0."""
    fall = np.arange(steps - rising) / (steps - rising)
    return np.concatenate(
        [peak * np.arange(rising) / max(rising, 1), peak * np.cos(fall * np.pi / 2) ** 2]
    )


@pytest.mark.parametrize(("steps", "share", "rising"), [(30, 0.1, 3), (9, 0.1, 0), (1, 0.9, 0)])
def test_the_values_are_those_of_the_formula(steps, share, rising):
    """Each step has its rate, and none is left for a step after the last."""
    rate = learning_rate("cosine", 0.4, steps, share)
    values = [float(keras.ops.convert_to_numpy(rate(step))) for step in range(steps + 1)]
    np.testing.assert_allclose(values[:-1], formula(0.4, steps, rising), rtol=1e-5, atol=1e-8)
    assert values[-1] == pytest.approx(0, abs=1e-7)


@pytest.mark.backend_free
def test_a_constant_rate_is_a_number():
    assert learning_rate("constant", 0.4, 10, 0.0) == 0.4


def test_a_run_without_recipe_has_it(monkeypatch):
    """The schedule spans all steps of all epochs."""
    optimizer = build_model(SMALL, 10, steps_per_epoch=5).optimizer
    rates = []
    for step in (0, 1, 2, 11):
        optimizer.iterations.assign(step)
        rates.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    np.testing.assert_allclose(rates, [0, 0.5e-3, 1e-3, 0.5e-3], rtol=1e-5)


@pytest.mark.long
@pytest.mark.eager
def test_an_interrupted_run_goes_on_at_its_step(tmp_path, monkeypatch):
    """Rates and weights are those of a whole run, and the state, which is of no more use, goes."""
    with monkeypatch.context() as patch:
        copied_after(2, tmp_path / "parts", patch)
        quietly(SMALL, tmp_path / "whole")
    outcome = quietly(SMALL, tmp_path / "parts")
    assert outcome.resumed_at == 2
    assert outcome.state_path is None and not list((tmp_path / "parts").glob("state*"))
    expected = formula(1e-3, 8, rising=0)[::2]  # two steps an epoch
    for name in ("whole", "parts"):
        rows = csv.DictReader((tmp_path / name / "history.csv").read_text().splitlines())
        rates = [float(row["learning_rate"]) for row in rows]
        np.testing.assert_allclose(rates, expected, rtol=1e-5)
    whole, parts = (
        keras.saving.load_model(tmp_path / name / "model.keras") for name in ("whole", "parts")
    )
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
