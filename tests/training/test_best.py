"""The epoch with the lowest held-out loss, and the end when that no longer falls."""

import csv
import dataclasses
import json
import os

import keras
import numpy as np
import pytest

from keras_alexnet import get_model_card
from keras_alexnet.errors import Interrupted, UserError
from keras_alexnet.training.best import BestWeights, best_epoch, is_over
from keras_alexnet.training.images import load_images
from keras_alexnet.training.job import Job, build_model
from keras_alexnet.training.network import compile_model
from keras_alexnet.training.state import RunState
from runs import copied_after, quietly

pytestmark = pytest.mark.eager

# A rate at which the held-out loss of a few images soon rises: a step an epoch.
JOB = Job(
    variant="cifar10_18pct",
    drawn=20,
    epochs=6,
    batch_size=16,
    learning_rate=2e-3,
    schedule="constant",
    augmentation=False,
    best=True,
)


def held_out_losses(folder):
    rows = csv.DictReader((folder / "history.csv").read_text().splitlines())
    return [float(row["val_loss"]) for row in rows]


def loss_of(folder):
    """Return the held-out loss of the model in a folder."""
    model = keras.saving.load_model(folder / "model.keras")
    batches = load_images(JOB).held_out
    images, labels = (np.concatenate(part) for part in zip(*batches, strict=True))
    probabilities = model.predict(images, verbose=0)
    return -np.mean(np.log(probabilities[np.arange(len(labels)), labels]))


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("losses", "best", "over"),
    [
        ([], 0, False),
        ([2.0], 1, False),
        ([2.0, 1.0, 1.0], 2, False),
        ([2.0, 1.0, 1.0, 1.5], 2, True),
        ([2.0, float("nan"), float("inf")], 1, True),
        ([float("nan")], 0, False),
        ([float("nan")] * 2, 0, True),
    ],
)
def test_rules(losses, best, over):
    """The first of the lowest; over after two epochs without a lower one."""
    assert best_epoch({"val_loss": losses}) == best
    assert is_over({"val_loss": losses}, 2) == over
    assert not is_over({"val_loss": losses}, None)


@pytest.mark.long
def test_the_model_is_that_of_the_best_epoch(tmp_path, monkeypatch):
    """After an interruption as well; results and card say which epoch it is."""
    with monkeypatch.context() as patch:
        for epoch in range(1, JOB.epochs):
            copied_after(epoch, tmp_path / f"after {epoch}", patch)
        outcome = quietly(JOB, tmp_path / "whole")
    losses = held_out_losses(tmp_path / "whole")
    assert len(losses) == 6 and min(losses) < losses[-1]
    assert loss_of(tmp_path / "whole") == pytest.approx(min(losses), rel=1e-4)
    best = 1 + int(np.argmin(losses))
    assert outcome.best_epoch == best and outcome.epochs == 6
    assert json.loads((tmp_path / "whole" / "results.json").read_text())["best_epoch"] == best
    training = get_model_card(outcome.model_path).training
    assert (training.epochs, training.best_epoch) == (6, best)
    files = [f"best-{best:05}.weights.h5", "state-00006.npz"]
    assert sorted(p.name for p in (tmp_path / "whole").glob("*-0*")) == files
    parts = tmp_path / f"after {best}"
    with pytest.raises(UserError, match="best was True and is False"):
        quietly(dataclasses.replace(JOB, best=False), parts)
    assert quietly(JOB, parts).best_epoch == best
    assert loss_of(parts) == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.long
def test_a_run_ends_early(tmp_path, monkeypatch):
    """As Keras's own callback says; a run that is killed then trains no further."""
    job = dataclasses.replace(JOB, early_stopping=2, epochs=20, schedule="cosine")
    said = []
    with monkeypatch.context() as patch:
        patch.setattr(BestWeights, "restore", interrupt)
        with pytest.raises(Interrupted, match="are kept"):
            quietly(job, tmp_path / "run", say=said.append)
    losses = held_out_losses(tmp_path / "run")
    watch, history = keras.callbacks.EarlyStopping(patience=2), []
    watch.set_model(keras.Sequential())
    watch.on_train_begin()
    for epoch, loss in enumerate(losses):
        history.append(watch.stopped_epoch)
        watch.on_epoch_end(epoch, {"val_loss": loss})
    assert not any(history) and watch.stopped_epoch == len(losses) - 1
    text = f"Stopped after epoch {len(losses)}: the held-out loss has not fallen for 2 epochs."
    assert said[-1] == text
    outcome = quietly(job, tmp_path / "run")
    assert outcome.epochs == outcome.resumed_at == len(losses) < 20
    assert loss_of(tmp_path / "run") == pytest.approx(min(losses), rel=1e-4)
    assert not list((tmp_path / "run").glob("*-0*"))  # no epoch can follow


def interrupt(*arguments):
    raise KeyboardInterrupt


@pytest.mark.medium
def test_a_full_disk_loses_no_epoch(tmp_path, monkeypatch):
    """The weights of the best epoch so far stay, and so does its state."""

    def fail(self, epoch, logs=None):
        if epoch == 1:
            monkeypatch.setattr(keras.Model, "save_weights", full)
        save(self, epoch, {"val_loss": 1.0 - epoch})

    def full(self, path):
        raise OSError(28, os.strerror(28))

    save = BestWeights.on_epoch_end
    with monkeypatch.context() as patch:
        patch.setattr(BestWeights, "on_epoch_end", fail)
        patch.setattr(RunState, "history", property(lambda self: history_of(self)))
        with pytest.raises(UserError, match=r"Could not write .*best-00002\.weights\.h5'"):
            quietly(JOB, tmp_path / "run")
    names = sorted(path.name for path in (tmp_path / "run").glob("*-0*"))
    assert names == ["best-00001.weights.h5", "state-00001.npz"]


def history_of(state):
    return {"val_loss": [1.0 - epoch for epoch in range(len(state.rows))]}


@pytest.mark.medium
def test_weights_fit_in_every_phase(tmp_path):
    """Those that were saved while layers were frozen come back when all are trained."""
    job = dataclasses.replace(JOB, freeze="conv1-conv2", unfreeze_after=1)
    model, state = build_model(job, 10), RunState(str(tmp_path))
    best, expected = BestWeights(state), model.get_weights()
    best.set_model(model)
    model.optimizer.build(model.trainable_variables)
    best.on_epoch_end(0, {"val_loss": 1.0})
    state.rows = [{"epoch": 1, "val_loss": 1.0}]
    compile_model(model, job, job.phases()[1], steps_per_epoch=1)
    model.optimizer.build(model.trainable_variables)
    model.set_weights([0 * values for values in expected])
    assert best.restore(model) == 1
    for found, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    size = (tmp_path / "best-00001.weights.h5").stat().st_size
    assert size < 1.5 * sum(values.nbytes for values in expected)  # no moments of Adam


@pytest.mark.medium
def test_a_lost_file_is_named(tmp_path):
    state = RunState(str(tmp_path))
    state.rows = [{"epoch": 1, "val_loss": 1.0}]
    with pytest.raises(UserError, match=r"best-00001\.weights\.h5' of the best epoch cannot be"):
        BestWeights(state).restore(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
