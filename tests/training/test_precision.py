"""Training in half precision: the policy of the layers, the scale of the loss, the saved model."""

import csv
import dataclasses

import keras
import numpy as np
import pytest

from helpers import BACKEND, tensor, to_numpy
from keras_alexnet import CoupledSGD, Group
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


def step(optimizer, gradient, weight):
    """Take a step as training does: JAX's is without side effects."""
    if BACKEND != "jax":
        optimizer.apply([gradient], [weight])
        return
    optimizer.build([weight])
    state = [variable.value for variable in optimizer.variables]
    (value,), state = optimizer.stateless_apply(state, [gradient], [weight.value])
    weight.assign(value)
    for variable, value in zip(optimizer.variables, state, strict=True):
        variable.assign(value)


def test_the_optimizer_of_2012_under_a_scaled_loss():
    """Its steps are those without a scale; one that overflows changes nothing but the scale."""
    plain, inner = (CoupledSGD(0.1, groups=(Group(weight_decay=0.01),)) for _ in range(2))
    scaled = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0)
    ours, theirs = (keras.Variable([1.0, -2.0], name="w") for _ in range(2))
    for rate, gradient in ((0.1, [0.5, 0.25]), (0.1, [-1.0, 2.0]), (0.02, [0.5, 0.5])):
        plain.learning_rate = scaled.learning_rate = rate
        step(plain, tensor(gradient, "float32"), theirs)
        step(scaled, 8 * tensor(gradient, "float32"), ours)
        np.testing.assert_allclose(to_numpy(ours), to_numpy(theirs), rtol=1e-6)
    before = to_numpy(ours)
    step(scaled, tensor([np.inf, 1.0], "float32"), ours)
    np.testing.assert_array_equal(to_numpy(ours), before)
    assert float(scaled.dynamic_scale.value) == 4.0
    assert int(inner.iterations.value) == 3


# Small images: TensorFlow's convolutions in float16 take 20 times as long as in float32.
JOB = Job(variant="cifar10_18pct", drawn=10, epochs=2, learning_rate=1e-3, image_size=16)


def losses(folder):
    """Return the loss of each epoch of a run."""
    rows = csv.DictReader((folder / "history.csv").read_text().splitlines())
    return [float(row["loss"]) for row in rows]


@pytest.fixture(scope="module")
def in_float32(tmp_path_factory):
    """The losses of the run in float32."""
    folder = tmp_path_factory.mktemp("float32") / "run"
    quietly(JOB, folder)
    return losses(folder)


@pytest.mark.long
@pytest.mark.eager
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_run(precision, in_float32, tmp_path, monkeypatch):
    """It learns as in float32 up to rounding, goes on, and saves a model of float32."""
    half = dataclasses.replace(JOB, precision=precision)
    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        with pytest.raises(Interrupted):
            quietly(half, tmp_path / "half")
    outcome = quietly(half, tmp_path / "half")
    assert outcome.resumed_at == 1
    np.testing.assert_allclose(losses(tmp_path / "half"), in_float32, rtol=0.05)
    assert losses(tmp_path / "half") != in_float32
    model = keras.saving.load_model(outcome.model_path)
    assert {layer.compute_dtype for layer in model.layers if layer.weights} == {"float32"}
