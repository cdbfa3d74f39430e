"""`fit` by a recipe: its numbers, its schedule, an interruption, a flat loss."""

import csv
import json
import re

import keras
import numpy as np
import pytest

from keras_alexnet.cli import main
from keras_alexnet.errors import Interrupted, UserError
from keras_alexnet.training.flat_loss import FlatLossWarning
from keras_alexnet.training.job import Job, build_model
from runs import copied_after, interrupted_after, quietly


def small(recipe, **settings):
    """Return a job of six epochs on 16 drawn images, in two steps each."""
    chosen = {"variant": "cifar10_19pct", "epochs": 6, "batch_size": 8, "drawn": 20, **settings}
    return Job.of(recipe, **chosen)


def rates(folder):
    rows = csv.DictReader((folder / "history.csv").read_text().splitlines())
    return [float(row["learning_rate"]) for row in rows]


@pytest.mark.backend_free
def test_a_recipe_has_its_own_defaults():
    """Each can be overridden; without a recipe all is as before."""
    job = Job.of("bvlc")
    assert (job.variant, job.epochs, job.batch_size, job.learning_rate) == ("bvlc", 90, 256, 0.01)
    job = Job.of("bvlc", epochs=10, batch_size=32, learning_rate=0.02, variant="owt")
    assert (job.variant, job.epochs, job.batch_size, job.learning_rate) == ("owt", 10, 32, 0.02)
    assert job.adapted_recipe().learning_rate.values[:2] == pytest.approx((0.02, 0.002))
    assert Job.of(epochs=2) == Job(epochs=2)
    with pytest.raises(UserError, match="Did you mean 'caffenet'"):
        Job.of("cafenet")


@pytest.mark.medium
def test_the_model_is_compiled_with_it():
    """Steps in proportion to the job's epochs, and the recipe's colour noise."""
    optimizer = build_model(small("cifar10_18pct", epochs=7), 10, steps_per_epoch=20).optimizer
    assert optimizer.get_config()["learning_rate"]["config"]["boundaries"] == [119, 129]
    assert optimizer.group("fc10/kernel").weight_decay == 1.0
    model = build_model(Job.of("owt", variant="paper", image_size=67), 10)
    assert model.optimizer.velocity == "without_rate"
    assert not [layer for layer in model.layers if "noise" in layer.name]


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["paper", "owt_origin"])
@pytest.mark.eager
def test_a_stopped_run_goes_on_by_its_recipe(recipe, tmp_path, monkeypatch):
    """Steps by the validation error; steps by the clock, with a momentum that starts anew."""
    job = small(recipe, learning_rate=1e-3, batch_size=16)
    with monkeypatch.context() as patch:
        copied_after(4, tmp_path / "parts", patch)
        quietly(job, tmp_path / "whole")
    assert quietly(job, tmp_path / "parts").resumed_at == 4
    assert rates(tmp_path / "parts") == rates(tmp_path / "whole")
    assert len(set(rates(tmp_path / "whole"))) > 1
    whole, parts = (
        keras.saving.load_model(tmp_path / name / "model.keras") for name in ("whole", "parts")
    )
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert json.loads((tmp_path / "parts" / "job.json").read_text())["recipe"] == recipe


@pytest.mark.medium
@pytest.mark.eager
def test_a_recipe_is_not_gone_on_with_otherwise(tmp_path, monkeypatch):
    """Another recipe, none, or other epochs, by which its steps would move."""
    job = small("cifar10_18pct")
    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        with pytest.raises(Interrupted):
            quietly(job, tmp_path / "run")
    for other, words in (
        (small("cifar10_19pct"), "recipe was 'cifar10_18pct' and is 'cifar10_19pct'"),
        (small(None, learning_rate=1e-3), "recipe was 'cifar10_18pct' and is None"),
        (small("cifar10_18pct", epochs=8), "epochs was 6 and is 8"),
    ):
        with pytest.raises(UserError, match=words):
            quietly(other, tmp_path / "run")


@pytest.mark.long
def test_a_flat_loss_is_told_and_kept(tmp_path, monkeypatch):
    """Among the results, and in words meanwhile; here after a tenth of the 300 steps of a run."""
    waits = []

    def sooner(steps, say):
        waits.append(steps)
        return FlatLossWarning(steps // 10, window=10, say=say)

    monkeypatch.setattr("keras_alexnet.training.epochs.FlatLossWarning", sooner)
    job = small("cifar10_19pct", batch_size=1, drawn=40, epochs=1, learning_rate=1e-9)
    job = Job(**{**vars(job), "initialization": "published"})
    texts = []
    outcome = quietly(job, tmp_path / "run", say=texts.append)
    # Keras calls from several threads at once, and so it may be told of a later step first: of any
    # up to the last one, which is the 32nd.
    steps = int(re.match(r"The loss is still 2\.303 after (\d+) steps", outcome.warning)[1])
    assert waits == [300] and 30 <= steps <= 32
    assert f"\n{outcome.warning}" in texts
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["warning"] == outcome.warning


@pytest.mark.long
@pytest.mark.eager
def test_the_command_line(tmp_path, monkeypatch, capsys):
    """The recipe is named, what is given overrides it, and a wrong name is a user's mistake."""
    monkeypatch.chdir(tmp_path)
    settings = ["--epochs", "2", "--batch-size", "64", "--seed", "3"]
    assert main(["fit", "--recipe", "cifar10_80sec", *settings, "--quick"]) == 0
    assert "By the recipe of CIFAR-10, 26 % test error" in capsys.readouterr().out
    job = json.loads((tmp_path / "alexnet-fit" / "job.json").read_text())
    assert (job["recipe"], job["variant"]) == ("cifar10_80sec", "cifar10_80sec")
    assert (job["batch_size"], job["learning_rate"], job["seed"]) == (64, 0.001, 3)
    assert main(["fit", "--recipe", "lenet"]) == 2
    assert "Received recipe='lenet', which is not known. The recipes" in capsys.readouterr().err
