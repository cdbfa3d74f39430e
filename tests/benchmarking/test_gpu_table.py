"""`gpu.py`: its sides and its minutes, here with functions that need no tensor library."""

import argparse
import importlib

import pytest

from benchmark_sides import peers_folder

ROW = "owt train bfloat16"
NETWORKS = """
import time
import numpy as np

def outputs(job, batch):
    return np.full((batch, 2), 3.0)

def ours_jax(net, job, batch):
    return outputs(job, batch), lambda: None

def ours_torch(net, job, batch, compiled):
    return outputs(job, batch) * {factor}, lambda: None

def plain(net, job, batch, compiled, channels_last):
    if compiled:
        {compiled}
    return outputs(job, batch), lambda: None

def curve(net, job, batch):
    return np.array([[float(size) for size in job.split()[1].split(",")]]), lambda: None
"""

pytestmark = pytest.mark.backend_free


@pytest.fixture
def gpu(tmp_path, monkeypatch):
    """The script, and a function that writes what its sides do."""
    peers = peers_folder(tmp_path, monkeypatch)
    found = importlib.import_module("gpu")
    monkeypatch.setattr(found, "installed", lambda backend: True)

    def write(factor=1, compiled="pass"):
        code = NETWORKS.format(factor=factor, compiled=compiled)
        (peers / "gpu_networks.py").write_text(code, encoding="utf-8")

    write()
    found.write = write
    return found


def records(gpu, title, minutes=2.0, sides=None):
    """Run the script for one row; return its records, `None` for a row that was left out."""
    settings = {"batch_size": 4, "rounds": 2, "quick": False, "net": None, "batches": [1, 16]}
    asked = argparse.Namespace(rows=[title], minutes=minutes, sides=sides, **settings)
    return gpu.run(asked)["rows"].get(title)


def by_side(gpu, *sides):
    """Return the records of the row of a training step by their sides."""
    return {record["side"]: record for record in records(gpu, ROW, sides=sides)}


def test_sides_beside_each_other(gpu):
    """Milliseconds, images per second, and the best peer's share; each step is taken in turn."""
    sides = ["ours, JAX", "PyTorch", "PyTorch compiled"]
    found = by_side(gpu, *sides)
    assert list(found) == sides
    ours, *peers = found.values()
    assert ours["images_per_second"] == pytest.approx(4 / ours["ms"] * 1000)
    assert ours["of_best_peer"] == pytest.approx(ours["ms"] / min(peer["ms"] for peer in peers))
    assert not any("of_best_peer" in peer for peer in peers)


def test_sides_that_cannot_be_measured(gpu, monkeypatch, capfd):
    """Other outputs, an error, a backend that is absent: each is named, and the others go on."""
    gpu.write(factor=1.5, compiled="1 / 0")
    sides = ["ours, JAX", "ours, PyTorch", "PyTorch", "PyTorch compiled"]
    found = by_side(gpu, *sides)
    assert "ms" in found["ours, JAX"] and "ms" in found["PyTorch"]
    assert found["ours, PyTorch"]["trouble"] == "its outputs differ by 5.0e-01"
    assert "ended early, with exit code 1" in found["PyTorch compiled"]["trouble"]
    assert "ZeroDivisionError" in capfd.readouterr().err
    monkeypatch.setattr(gpu, "installed", lambda backend: backend != "jax")
    found = by_side(gpu, *sides[:1])
    assert found["ours, JAX"] == {"side": "ours, JAX", "case": "", "trouble": "not installed"}


def test_the_minutes_are_kept(gpu, monkeypatch, capsys):
    """A side that is not ready in time is left out, and so is a row for which no time is left."""
    gpu.write(compiled="time.sleep(60)")
    monkeypatch.setattr(gpu, "PATIENCE", 1.0)
    found = by_side(gpu, "PyTorch", "PyTorch compiled")
    assert "did not answer in time" in found["PyTorch compiled"]["trouble"]
    assert records(gpu, ROW, minutes=0.5) is None
    assert "left out: 30 seconds were left" in capsys.readouterr().out


def test_curves(gpu):
    """Sizes of batches take turns; the memory of each comes from the side."""
    found = records(gpu, "curve of owt train")
    assert [record["case"] for record in found] == ["batch 1", "batch 16"]
    assert [record["gigabytes"] for record in found] == [1.0, 16.0]
    for record, size in zip(found, (1, 16), strict=True):
        assert record["images_per_second"] == pytest.approx(1000 * size / record["ms"])


def test_how_long_the_device_waits(gpu):
    """The part of a step of `fit` beyond the same step on images that lie on the device."""
    rows = importlib.import_module("peers.gpu_rows")
    row = next(row for row in rows.ROWS if row.group == "fit")
    sides = [gpu.Absent(name, None) for name in ("ours, JAX, fit", "ours, JAX, on the device")]
    found = list(gpu.lines(row, sides, {sides[0].name: [0.008], sides[1].name: [0.006]}, 128))
    assert found[0]["waits"] == pytest.approx(0.25)
    assert gpu.sentence(found[0]).endswith("16,000 images/s the device waits 25 %")
    assert "waits" not in found[1]
