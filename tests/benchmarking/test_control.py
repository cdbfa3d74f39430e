"""`control.py`: the recipe of `cifar10_18pct` here and in plain PyTorch, as its program has it."""

import csv
import importlib
import pathlib

import numpy as np
import pytest

EXAMPLES = pathlib.Path(__file__).parent.parent.parent / "examples/benchmarks"
EPOCHS = 14  # so many are a tenth of the recipe: the rate falls after the 12th, and after the 13th

pytestmark = pytest.mark.peer("torch")


@pytest.fixture
def control(monkeypatch):
    """The script, as a module."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.syspath_prepend(EXAMPLES.parent)
    return importlib.import_module("control")


@pytest.fixture
def data(control):
    """Drawn images and labels."""
    images, labels = control.drawn()[0]
    return images[::4], labels[::4]


@pytest.mark.long
def test_both_sides_learn_alike(control, data):
    """From the same weights: in each step the same loss, and the same change of all weights."""
    sides = control.plain(data[0], EPOCHS, 0), control.Ours(data[0], EPOCHS, 0)
    found = list(control.differences(*sides, [data] * EPOCHS))
    assert sides[1].done == sides[0].done == EPOCHS
    assert sides[0].rate() == 1e-5
    np.testing.assert_array_less(found[0], (1e-6, 1e-3))
    np.testing.assert_array_less(found[9], (1e-5, 1e-3))
    np.testing.assert_array_less(found[-1], (1e-4, 2e-3))


@pytest.mark.initial_values
def test_initial_values_are_published(control, data):
    """On both sides; the seed decides."""
    for make in (control.Ours, control.plain):
        first, again, other = (control.weights(make(data[0], 2, seed)) for seed in (0, 0, 1))
        for layer, deviation in (("conv1", 1e-4), ("conv2", 0.01), ("conv3", 0.01), ("fc10", 0.01)):
            kernel = first[f"{layer}/kernel"]
            assert kernel.std() == pytest.approx(deviation, rel=0.05)
            assert np.abs(kernel).max() > 2.5 * deviation  # not cut off
            assert not first[f"{layer}/bias"].any()
            np.testing.assert_array_equal(kernel, again[f"{layer}/kernel"])
            assert (kernel != other[f"{layer}/kernel"]).any()


def test_it_goes_on_where_it_was_stopped(control, data, tmp_path):
    """After any epoch, and after one whose line was written without its state."""
    run = data, data, 3, 0
    control.train(control.plain(data[0], 3, 0), *run, tmp_path / "whole")
    stopped = control.plain(data[0], 3, 0)
    stopped.epoch = interrupted(stopped.epoch, after=2)
    with pytest.raises(KeyboardInterrupt):
        control.train(stopped, *run, tmp_path / "stopped")
    table = tmp_path / "stopped" / "3_0_pytorch.csv"
    assert len(table.read_text().splitlines()) == 1 + 2
    with open(table, "a", encoding="utf-8") as file:
        file.write("0,PyTorch,3,9.0000,99.00\n")
    control.train(control.plain(data[0], 3, 0), *run, tmp_path / "stopped")
    whole = (tmp_path / "whole" / table.name).read_text()
    assert table.read_text() == whole
    rows = list(csv.DictReader(whole.splitlines()))
    assert [(row["seed"], row["side"], row["epoch"]) for row in rows] == [
        ("0", "PyTorch", str(epoch)) for epoch in (1, 2, 3)
    ]


def interrupted(epoch, after):
    """Return a method that an interruption ends when it is called once too often."""
    calls = iter([epoch] * after)

    def run(*data):
        try:
            return next(calls)(*data)
        except StopIteration:
            raise KeyboardInterrupt from None

    return run


def test_the_summary_has_runs_that_ended(control, tmp_path, capsys):
    """Means over the seeds of each side; unfinished runs do not count."""
    for seed, epoch, error in ((0, 2, 20.0), (1, 2, 22.0), (2, 1, 90.0)):
        row = dict(zip(control.COLUMNS, (seed, "PyTorch", epoch, 1.0, error), strict=True))
        control.write([row], tmp_path / f"2_{seed}_pytorch.csv")
    control.summarize(tmp_path, 2)
    expected = "PyTorch, 2 epochs: 21.00 % (20.00, 22.00; standard deviation 1.41)\n"
    assert capsys.readouterr().out == expected
