"""Training runs without output, and runs that are interrupted."""

import importlib.util
import shutil

import pytest

from keras_alexnet.training.lock import LOCK
from keras_alexnet.training.run import run
from keras_alexnet.training.state import RunState


def quietly(job, output, say=lambda text: None, **options):
    """Run a job without progress and, as if matplotlib were not installed, without pictures."""
    find = importlib.util.find_spec
    with pytest.MonkeyPatch.context() as patch:
        hidden = lambda name: None if name == "matplotlib" else find(name)  # noqa: E731
        patch.setattr(importlib.util, "find_spec", hidden)
        return run(job, str(output), verbose=False, say=say, **options)


def interrupted_after(epochs, monkeypatch, error=KeyboardInterrupt):
    """Let the next run be interrupted when it begins the epoch after this many."""
    begin = RunState.on_epoch_begin

    def stop(self, epoch, logs=None):
        if epoch == epochs:
            raise error
        begin(self, epoch, logs)

    monkeypatch.setattr(RunState, "on_epoch_begin", stop)


def copied_after(epochs, copy, monkeypatch):
    """Let the next run copy its folder when it begins the epoch after this many.

    The copy is what the run would leave if it were interrupted there.
    """
    begin = RunState.on_epoch_begin

    def keep(self, epoch, logs=None):
        if epoch == epochs:
            shutil.copytree(self.folder, copy, ignore=shutil.ignore_patterns(LOCK))
        begin(self, epoch, logs)

    monkeypatch.setattr(RunState, "on_epoch_begin", keep)
