"""The records of the epochs: JSON lines, TensorBoard, and a logger that is not installed."""

import csv
import dataclasses
import importlib.util
import json

import keras
import pytest

from keras_alexnet.errors import Interrupted, UserError
from keras_alexnet.training import loggers
from keras_alexnet.training.job import Job
from keras_alexnet.training.loggers import JsonLines
from keras_alexnet.training.state import RunState
from runs import interrupted_after, quietly

JOB = Job(variant="cifar10_19pct", drawn=20, epochs=3)


@pytest.mark.medium
@pytest.mark.eager
def test_json_lines_are_the_history(tmp_path, monkeypatch):
    """Of the epochs before an interruption as well, and if it was another log before."""
    with monkeypatch.context() as patch:
        interrupted_after(1, patch)
        with pytest.raises(Interrupted):
            quietly(dataclasses.replace(JOB, log="csv"), tmp_path / "run")
    quietly(dataclasses.replace(JOB, log="jsonl"), tmp_path / "run")
    lines = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    rows = csv.DictReader((tmp_path / "run" / "history.csv").read_text().splitlines())
    expected = [{name: float(figure) for name, figure in row.items()} for row in rows]
    assert [json.loads(line) for line in lines] == expected
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]


def test_what_is_not_finite_is_null(tmp_path):
    """As JSON has no NaN."""
    state = RunState(str(tmp_path))
    state.rows = [{"epoch": 1, "loss": float("nan")}]
    JsonLines(state).on_epoch_end(0)
    assert (tmp_path / "history.jsonl").read_text() == '{"epoch": 1, "loss": null}\n'


@pytest.mark.medium
def test_tensorboard_is_that_of_keras(tmp_path, monkeypatch):
    """It gets the folder and the figures of each epoch."""
    seen = []

    class Stand(keras.callbacks.Callback):
        def __init__(self, folder, **options):
            super().__init__()
            seen.append(folder)

        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, "val_loss" in logs))

    monkeypatch.setattr(loggers.keras.callbacks, "TensorBoard", Stand)
    monkeypatch.setattr("keras_alexnet.training.epochs.check_logger", lambda log: None)
    quietly(dataclasses.replace(JOB, log="tensorboard"), tmp_path / "run")
    assert seen == [str(tmp_path / "run" / "tensorboard"), (0, True), (1, True), (2, True)]


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    """With the command that installs it, and nothing is left."""
    find = importlib.util.find_spec
    hidden = lambda name: None if name == "tensorboard" else find(name)  # noqa: E731
    monkeypatch.setattr(loggers.importlib.util, "find_spec", hidden)
    with pytest.raises(UserError, match=r"tensorboard cannot .* `pip install tensorboard`"):
        quietly(dataclasses.replace(JOB, log="tensorboard"), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
