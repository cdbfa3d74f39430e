"""`benchmark`: its report, its passes and the notebook's lines."""

import csv
import json
import pathlib
import re

import keras
import numpy as np
import pytest

from helpers import to_numpy, zeros_at_first
from keras_alexnet import AlexNet, benchmark, startup
from keras_alexnet.benchmarking import Report
from keras_alexnet.benchmarking.environment import environment
from keras_alexnet.benchmarking.passes import forward, forward_backward
from keras_alexnet.benchmarking.runner import NOTEBOOK_NAMES, activation_lines
from timed_steps import BACKEND, STEADY, timings


def test_reports_are_kept(tmp_path):
    """JSON holds everything, CSV the raw times; another ending is refused."""
    report = Report((timings(images=32, waits=(0.0,) * 10),), {"backend": BACKEND}, {"host": 2**30})
    kept = json.loads(pathlib.Path(report.save(tmp_path / "report.json")).read_text())
    assert kept["timings"][0]["seconds"] == list(STEADY)
    assert kept["environment"] == {"backend": BACKEND}
    table = pathlib.Path(report.save(tmp_path / "report.csv")).read_text()
    rows = list(csv.DictReader(table.splitlines()))
    assert [float(row["seconds"]) for row in rows if row["kind"] == "measured"] == list(STEADY)
    assert [row["kind"] for row in rows[:2]] == ["first", "warm_up"]
    with pytest.raises(ValueError, match=r"must end in \.json or \.csv"):
        report.save(tmp_path / "report.txt")
    assert "peak memory: host 1,024 MiB" in str(report)
    assert re.search(r"train +1,000.0 +100.0 +100.0 ", str(report))


@pytest.mark.parametrize(
    ("given", "expected"),
    [("0", "off"), ("1", "on"), ("True", "on"), (None, "chosen by TensorFlow")],
)
def test_a_report_says_whether_tensorflow_was_to_use_onednn(given, expected, monkeypatch):
    """On the others there is no such thing."""
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if given is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", given)
    found = environment().get("oneDNN")
    assert found == (expected if BACKEND == "tensorflow" else None)


@pytest.mark.parametrize("kept", [True, False])
def test_a_report_says_whether_freed_memory_is_kept(kept, monkeypatch):
    """The command line keeps it, and a program whose time is compared with its may not."""
    monkeypatch.setattr(startup, "memory_is_kept", kept)
    assert environment().get("freed memory") == ("kept by keras-alexnet" if kept else None)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_report_says_in_which_type_the_layers_compute(dtype):
    """Keras gives a functional model the policy float32, whatever that of its layers is."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype=dtype)])
    outer = keras.Sequential([keras.Input((3,)), keras.layers.Rescaling(2.0), model])
    assert environment(outer)["dtype"] == dtype


@pytest.mark.parametrize("compiled", [True, False] if BACKEND == "tensorflow" else [None])
def test_passes_compute_what_they_say(compiled):
    """Outputs are the model's; gradients those of half the squared sum, worked out by hand."""
    compiled = BACKEND == "jax" if compiled is None else compiled
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, activation="tanh")])
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    kernel, bias = model.get_weights()
    outputs = np.tanh(x @ kernel + bias)
    found = keras.ops.convert_to_numpy(forward(model, x, compiled)())
    np.testing.assert_allclose(found, outputs, rtol=1e-5, atol=1e-6)
    inner = outputs * (1 - outputs**2)
    gradients = forward_backward(model, x, compiled)()
    found = [keras.ops.convert_to_numpy(gradient) for gradient in gradients]
    np.testing.assert_allclose(found[0], x.T @ inner, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[1], inner.sum(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.get_weights()[0], kernel)


LINE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}: "


@pytest.mark.medium
def test_a_backend_without_gradients_is_timed_forward(monkeypatch):
    """And the report says so: of each backend that Keras has, and of those that it will have."""
    model = AlexNet("cifar10_19pct", input_shape=(16, 16, 3))
    x = np.random.default_rng(0).normal(0, 1, (2, 16, 16, 3)).astype("float32")
    expected = to_numpy(model(x))
    monkeypatch.setattr(keras.backend, "backend", lambda: "otherbackend")
    np.testing.assert_allclose(forward(model, x)(), expected, atol=1e-6)
    report = benchmark(model, batch_size=2, num_batches=2, burn_in=1, compiled=True)
    assert [timings.name for timings in report.timings] == ["Forward"]
    assert report.environment["compile mode"] == "otherbackend"
    assert report.environment["otherbackend version"] == "unknown"
    assert "device" not in report.memory
    with pytest.raises(ValueError, match="backward pass on the backend 'otherbackend'"):
        forward_backward(model, x)
    said = "not timed, because the package computes no gradients on otherbackend"
    assert report.environment["backward pass"] == said
    assert said in " ".join(str(report).split())


def test_the_notebooks_lines():
    """A line every ten steps and the two closing ones, with the deviation written out."""
    said = []
    model = AlexNet("cifar10_19pct")
    report = benchmark(model, 2, num_batches=21, burn_in=2, say=said.append)
    assert len(said) == 8
    for lines, name in ((said[:4], "Forward"), (said[4:], "Forward-backward")):
        for line, step in zip(lines, (0, 10, 20), strict=False):
            assert re.fullmatch(LINE + rf"step {step}, duration=\d+\.\d{{3}}", line)
        closing = rf"{name} across 21 steps, (\d+\.\d{{3}}) \+/- \d+\.\d{{3}} sec / batch"
        match = re.fullmatch(LINE + closing, lines[3])
        assert float(match[1]) == pytest.approx(report[name].mean, abs=6e-4)
        assert (len(report[name].warm_up), len(report[name].seconds)) == (1, 21)


@pytest.mark.long
def test_the_notebooks_table_of_activations():
    """The shapes that the notebook prints, its last line mended."""
    with zeros_at_first():
        model = AlexNet("notebook")
    assert activation_lines(model, 32, NOTEBOOK_NAMES) == [
        "conv1   [32, 56, 56, 64]",
        "pool1   [32, 27, 27, 64]",
        "conv2   [32, 27, 27, 192]",
        "pool2   [32, 13, 13, 192]",
        "conv3   [32, 13, 13, 384]",
        "conv4   [32, 13, 13, 256]",
        "conv5   [32, 13, 13, 256]",
        "pool5   [32, 6, 6, 256]",
        "fat1   [32, 4096]",
        "fat2   [32, 4096]",
        "fat3   [32, 1000]",
    ]


@pytest.mark.parametrize("argument", ["batch_size", "num_batches", "burn_in"])
def test_wrong_counts_are_told(argument):
    """Counts are whole numbers of at least 1."""
    with pytest.raises(ValueError, match=rf"Received {argument}=0\. .*at least 1"):
        benchmark(AlexNet("cifar10_19pct"), **{argument: 0})


def test_an_unknown_size_is_told():
    """Images of unknown size cannot be made."""
    model = AlexNet("cifar10_19pct", include_top=False)
    with pytest.raises(ValueError, match=r"The size of the images must be known"):
        benchmark(model)
