"""Training in half precision: the policy of the layers, the scale of the loss, the saved model."""

import csv

import keras
import numpy as np
import pytest

from keras_alexnet.errors import Interrupted
from keras_alexnet.training.job import Job, build_model
from runs import interrupted_after, quietly


@pytest.mark.medium
@pytest.mark.parametrize("recipe", [None, "cifar10_80sec"])
def test_float16_scales_the_loss(recipe):
    """By Keras's rule, which follows the policy of the model."""
    job = Job.of(recipe, variant="cifar10_18pct", precision="mixed_float16")
    model = build_model(job, 3)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert model.get_layer("conv1").compute_dtype == "float16"
    assert model.get_layer("conv1").kernel.dtype == "float32"


@pytest.mark.long
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_run(precision, tmp_path, monkeypatch):
    """It learns as in float32 up to rounding, goes on, and saves a model of float32."""
    job = {"variant": "cifar10_18pct", "drawn": 10, "epochs": 3, "learning_rate": 1e-3}
    quietly(Job(**job), tmp_path / "float32")
    half = Job(**job, precision=precision)
    with monkeypatch.context() as patch:
        interrupted_after(2, patch)
        with pytest.raises(Interrupted):
            quietly(half, tmp_path / "half")
    outcome = quietly(half, tmp_path / "half")
    assert outcome.resumed_at == 2
    losses = []
    for name in ("float32", "half"):
        rows = csv.DictReader((tmp_path / name / "history.csv").read_text().splitlines())
        losses.append([float(row["loss"]) for row in rows])
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.05)
    assert losses[1] != losses[0]
    model = keras.saving.load_model(outcome.model_path)
    assert {layer.compute_dtype for layer in model.layers if layer.weights} == {"float32"}
