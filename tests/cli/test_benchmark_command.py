"""`keras-alexnet benchmark`: the table, JSON, and the comparison of backends."""

import json
import re
import subprocess
import sys

import pytest

import processes
from keras_alexnet.benchmarking import compare
from keras_alexnet.cli import main
from timed_steps import BACKEND, SMALL


@pytest.mark.medium
def test_the_command_prints_and_saves(capsys, tmp_path):
    """Activations, the notebook's lines, the table, and the file."""
    path = str(tmp_path / "times.csv")
    assert main([*SMALL, "--save", path]) == 0
    out = capsys.readouterr().out
    assert out.startswith("conv1   [2, 32, 32, 32]\n")
    assert "Forward-backward across 3 steps" in out
    assert f"backend {BACKEND}" in out
    assert f"Wrote {path}" in out


def test_the_command_gives_json(capsys):
    """`--json` prints the report and nothing else."""
    assert main([*SMALL, "--json"]) == 0
    names = [one["name"] for one in json.loads(capsys.readouterr().out)["timings"]]
    assert names == ["Forward", "Forward-backward"]


@pytest.mark.long
def test_compare_runs_the_installed_backends(capsys, monkeypatch):
    """Fresh processes, one table, the best marked; a mode that fails is told.

    That one is a process of its own, which ends before it imports Keras; the other is copied.
    """
    start = subprocess.run

    def start_or_copy(command, env, **options):
        if "nosuch" in command:
            return start(command, env=env, **options)
        assert command[:3] == [sys.executable, "-m", "keras_alexnet"]
        assert env["KERAS_BACKEND"] == BACKEND
        return subprocess.CompletedProcess(command, *processes.run(*command[1:], environment=env))

    monkeypatch.setattr(compare.subprocess, "run", start_or_copy)
    monkeypatch.setattr(
        compare, "MODES", {BACKEND: ("auto", "nosuch"), "absent_backend": ("auto",)}
    )
    assert main([*SMALL, "--compare"]) == 0
    out = capsys.readouterr().out
    assert "absent_backend is not installed." in out
    assert re.search(rf"{BACKEND} +\w+ +\* [\d.]+ +\* [\d.]+", out)
    assert re.search(rf"{BACKEND}, nosuch failed: .*Received --mode='nosuch'", out)
