"""`steps.py`: sides in processes of their own, here with functions that need no tensor library."""

import importlib

import numpy as np
import pytest

from benchmark_sides import peers_folder

NETWORKS = """
import numpy as np

def ours(net, job, batch, compiled):
    outputs = np.full((batch, 2), len(net) + compiled * {difference})
    return outputs, lambda: {step}

side = ours
"""
NAMES = ["ours, TensorFlow, CIFAR", "ours, TensorFlow XLA, CIFAR"]

pytestmark = pytest.mark.backend_free


@pytest.fixture
def sides(tmp_path, monkeypatch):
    """The module with the sides, and a function that writes the networks that they run."""
    peers = peers_folder(tmp_path, monkeypatch)

    def write(difference=0, step="None"):
        code = NETWORKS.format(difference=difference, step=step)
        (peers / "cifar_sides.py").write_text(code, encoding="utf-8")

    return importlib.import_module("steps"), write


def test_they_take_turns(sides):
    """Each says its outputs once, and times three steps in each round, of which two count."""
    steps, write = sides
    write(step="open('log', 'a').write(net + '\\n')")
    found = steps.time_row("five5", "train", 4, NAMES, rounds=2)
    assert [side.name for side in found] == NAMES
    assert [(len(side.seconds), len(side.spent)) for side in found] == [(4, 4)] * 2
    assert all(0 < seconds < 60 for side in found for seconds in side.seconds)
    assert (steps.HERE / "log").read_text().split() == ["five5"] * 2 * (2 + 2 * 3)


def test_processor_time_is_that_of_all_threads(sides, capsys):
    """A step that waits takes time and no processor."""
    steps, write = sides
    write(step="__import__('time').sleep(0.05)")
    found = steps.time_row("five5", "train", 4, NAMES[:1], rounds=1)
    assert max(found[0].spent) < 0.04 < min(found[0].seconds)
    steps.print_row("five5-train", found)
    title, line = capsys.readouterr().out.splitlines()
    assert title == "five5-train" and line.startswith(f"  {NAMES[0]} ")
    assert " 1.00 x " in line and " processor " in line


def test_other_outputs_end_it(sides):
    """Sides that compute something else are not compared."""
    steps, write = sides
    write(difference=1)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        steps.time_row("five5", "train", 4, NAMES, rounds=1)


def test_a_side_that_ends_early_is_named(sides, capfd):
    """With its exit code."""
    steps, write = sides
    write(step="1 / 0")
    with pytest.raises(SystemExit, match=f"{NAMES[0]} ended early, with exit code 1"):
        steps.time_row("five5", "train", 4, NAMES[:1], rounds=1)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_what_a_side_says_first(sides):
    """The outputs of the first two images."""
    steps, write = sides
    write()
    side = steps.Side(NAMES[0], "five5", "train", 4)
    side.end()
    np.testing.assert_array_equal(side.outputs, np.full((2, 2), 5))
    assert side.process.returncode is not None
