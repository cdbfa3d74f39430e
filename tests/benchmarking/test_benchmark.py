"""Timings: the figures, what counts as a step, the notebook's lines, the command."""

import csv
import json
import pathlib
import re
import threading
import types

import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import AlexNet, BenchmarkCallback, benchmark
from keras_alexnet.benchmarking import Report, Timings, callback
from keras_alexnet.benchmarking.devices import environment
from keras_alexnet.benchmarking.passes import forward, forward_backward
from keras_alexnet.benchmarking.runner import NOTEBOOK_NAMES, activation_lines
from keras_alexnet.cli import main
from processes import LIMIT

BACKEND = keras.backend.backend()
STEADY = (0.10, 0.11, 0.09, 0.10, 0.10, 0.11, 0.10, 0.09, 0.10, 0.10)


def timings(seconds=STEADY, **options):
    """Return the timings of a step."""
    return Timings("train", 1.0, (0.2,), tuple(seconds), **options)


def small_model(steps_per_execution=1):
    """Return a compiled model of a subclass, with one layer."""

    @keras.saving.register_keras_serializable(package="test_benchmark")
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    model = Model()
    model.compile("sgd", "mse", steps_per_execution=steps_per_execution)
    return model


class Clock(keras.callbacks.Callback):
    """A clock for the `BenchmarkCallback` that comes before it in the list of callbacks.

    Only what the test says takes time: a step takes `step(batch)` seconds, which pass after the
    other callback has noted its beginning. This callback is not `async_safe`, so Keras calls both
    in order, in the thread that trains.
    """

    def __init__(self, patch, step):
        super().__init__()
        self.now = 0.0
        self.step = step
        self.ended = -1  # the last step that has ended
        self.changed = threading.Condition()  # TensorFlow reads batches in a thread of its own
        patch.setattr(callback, "time", types.SimpleNamespace(perf_counter=lambda: self.now))

    def advance(self, seconds):
        """Let some time pass."""
        with self.changed:
            self.now += seconds

    def wait_for_end_of(self, step):
        """Wait until a step has ended."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.ended >= step, LIMIT)

    def on_train_batch_begin(self, batch, logs=None):
        self.advance(self.step(batch))

    def on_train_batch_end(self, batch, logs=None):
        with self.changed:
            self.ended = batch
            self.changed.notify_all()


class SlowBatches(keras.utils.PyDataset):
    """Batches of which each takes a while to come, by a clock that the test moves."""

    AHEAD = 3  # batches that may be read before a step needs them, however long it is held up

    def __init__(self, clock, count, seconds):
        super().__init__()
        self.clock = clock
        self.count = count
        self.seconds = seconds

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        self.clock.wait_for_end_of(number - self.AHEAD)
        self.clock.advance(self.seconds)
        return np.ones((8, 4), "float32"), np.ones((8, 1), "float32")


@pytest.mark.backend_free
def test_figures_are_numpys():
    """Mean, deviation, median and percentiles equal NumPy's."""
    seconds = np.random.default_rng(0).gamma(5, 0.02, 37)
    found = timings(seconds, images=32)
    assert found.mean == pytest.approx(np.mean(seconds))
    assert found.deviation == pytest.approx(np.std(seconds))
    assert found.median == pytest.approx(np.median(seconds))
    for share in (0.0, 0.1, 0.25, 0.9, 1.0):
        assert found.percentile(share) == pytest.approx(np.quantile(seconds, share))
    assert found.images_per_second == pytest.approx(32 / np.median(seconds))
    assert timings().images_per_second is None


@pytest.mark.backend_free
def test_a_wide_spread_is_said():
    """Steady steps give no warning; noise, drift and few steps each give one in words."""
    assert timings().warnings() == []
    (noisy,) = timings((0.1, 0.2) * 10).warnings()
    assert "half of the steps lie" in noisy and "Quote the median" in noisy
    assert any(
        "slower than the first" in text for text in timings((0.1,) * 10 + (0.2,) * 10).warnings()
    )
    assert any(
        "faster than the first" in text for text in timings((0.2,) * 10 + (0.1,) * 10).warnings()
    )
    assert timings((0.1,) * 4).warnings() == ["train: only 4 steps were measured."]


@pytest.mark.backend_free
def test_drift_is_said_from_ten_steps_on():
    """Halves of fewer than five steps say nothing of it, and fewer than ten are said to be few."""
    few = timings((0.1,) * 4 + (0.12,) * 5).warnings()
    assert few[0] == "train: only 9 steps were measured."
    assert not any("second half" in text for text in few)
    (text,) = [text for text in timings((0.1,) * 5 + (0.12,) * 5).warnings() if "second" in text]
    assert text.startswith("train: the second half of the steps was 20 % slower than the first.")
    assert timings((0.1,) * 5 + (0.105,) * 5).warnings() == []


@pytest.mark.backend_free
def test_all_figures_are_kept():
    """The dict has the raw times, and under each name the figure that is computed from them."""
    found = timings(images=32, waits=(0.01,) * 10)
    kept = found.to_dict()
    assert (kept["first"], kept["warm_up"], kept["seconds"]) == (1.0, (0.2,), STEADY)
    assert kept["p10"] == pytest.approx(np.quantile(STEADY, 0.1)) != kept["p90"]
    assert kept["p90"] == pytest.approx(np.quantile(STEADY, 0.9))
    for name in ("mean", "deviation", "median", "images_per_second", "input_share"):
        assert kept[name] == getattr(found, name)
    assert kept["warnings"] == []


@pytest.mark.backend_free
def test_input_share():
    """What was waited for the input is a share of the time."""
    assert timings((0.1,) * 10, waits=(0.05,) * 10).input_share == pytest.approx(0.5)
    assert timings().input_share is None


def test_steps_are_counted_as_they_are(monkeypatch):
    """First step, warm-up, full and partial batches of several epochs are kept apart."""
    timer = BenchmarkCallback(batch_size=8, images=20, warm_up=2, verbose=False)
    durations = iter([9.0, *[0.25] * 14])
    clock = Clock(monkeypatch, lambda batch: next(durations))
    x, y = np.ones((20, 4), "float32"), np.ones((20, 1), "float32")
    small_model().fit(x, y, batch_size=8, epochs=5, verbose=0, callbacks=[timer, clock])
    report = timer.report()["train"]
    # Three steps an epoch, the last with 4 images: 10 full ones, of which 1 is first and 2 warm up.
    assert (len(report.warm_up), len(report.seconds), len(report.partial)) == (2, 7, 5)
    assert report.images == 8
    assert (report.first, report.warm_up, report.median) == (9.0, (0.25, 0.25), 0.25)


@pytest.mark.medium
def test_steps_per_execution_is_divided_by(monkeypatch):
    """A batch's time is its part of an execution of several (Keras has no such on PyTorch)."""
    batches = 1 if BACKEND == "torch" else 5
    timer = BenchmarkCallback(batch_size=8, warm_up=1, verbose=False)
    clock = Clock(monkeypatch, lambda batch: 1.25)
    x, y = np.ones((160, 4), "float32"), np.ones((160, 1), "float32")
    model = small_model(steps_per_execution=batches)
    model.fit(x, y, batch_size=8, epochs=3, verbose=0, callbacks=[timer, clock])
    train = timer.report()["train"]
    assert train.first == 1.25
    assert train.warm_up == (1.25 / batches,)
    assert train.seconds == (1.25 / batches,) * (60 // batches - 2)


@pytest.mark.parametrize(("images", "partial"), [(104, ()), (103, (0.9, 0.9)), (96, (0.9, 0.9))])
def test_an_execution_with_a_partial_batch_is_left_out(images, partial, monkeypatch):
    """Of 13 batches in executions of 5, the last has 3, of which one may have fewer images."""
    now = 0.0
    monkeypatch.setattr(callback, "time", types.SimpleNamespace(perf_counter=lambda: now))
    timer = BenchmarkCallback(batch_size=8, images=images, warm_up=0, verbose=False)
    timer.set_model(small_model())
    timer.on_train_begin()
    for epoch in range(2):
        for begun, ended, seconds in ((0, 4, 2.0), (5, 9, 1.0), (10, 12, 0.9)):
            now += 0.25  # until the batches are there; of an epoch's first ones it counts nowhere
            timer.on_train_batch_begin(begun)
            now += seconds - 0.25 * (begun > 0)
            timer.on_train_batch_end(ended)
        timer.on_epoch_end(epoch)
        now += 60.0
    train = timer.report()["train"]
    last = () if partial else (0.9 / 3,)
    assert train.first == pytest.approx(2.0)
    assert train.seconds == pytest.approx((1.0 / 5, *last, 2.0 / 5, 1.0 / 5, *last))
    assert train.partial == pytest.approx(partial)
    if BACKEND == "torch":
        waits = (0.25 / 5, *(() if partial else (0.25 / 3,)))
        assert train.waits == pytest.approx((*waits, 0.0, *waits))


@pytest.mark.medium
def test_slow_input_is_told_where_it_can_be(monkeypatch):
    """Where batches come late, the device waits for most of the time."""
    timer = BenchmarkCallback(warm_up=1, verbose=False)
    clock = Clock(monkeypatch, lambda batch: 0.01)
    data = SlowBatches(clock, 20, 0.03)
    small_model().fit(data, shuffle=False, verbose=0, callbacks=[timer, clock])
    train = timer.report()["train"]
    # 18 steps are measured. All but AHEAD of their batches were made meanwhile.
    assert sum(train.seconds) >= 18 * 0.01 + (18 - data.AHEAD) * 0.03 - 1e-9
    if BACKEND == "torch":
        assert train.input_share == pytest.approx(0.75)
    else:
        assert train.waits is None


@pytest.mark.medium
def test_evaluate_and_predict_are_timed(capsys):
    """Both report at their end; validation inside `fit` is timed as well."""
    model = small_model()
    x, y = np.ones((80, 4), "float32"), np.ones((80, 1), "float32")
    timer = BenchmarkCallback(batch_size=8)
    model.fit(x, y, batch_size=8, validation_data=(x, y), verbose=0, callbacks=[timer])
    assert [one.name for one in timer.report().timings] == ["train", "test"]
    assert capsys.readouterr().out.count("ms per batch") == 1
    timer = BenchmarkCallback(batch_size=8)
    model.evaluate(x, y, batch_size=8, verbose=0, callbacks=[timer])
    model.predict(x, batch_size=8, verbose=0, callbacks=[timer])
    assert [one.name for one in timer.report().timings] == ["test", "predict"]
    assert capsys.readouterr().out.count("ms per batch") == 2


def test_dispatch_stays_asynchronous():
    """With this callback alone Keras goes on dispatching steps ahead, where it does at all."""
    timer = BenchmarkCallback(verbose=False)
    plain = keras.callbacks.CallbackList([], model=small_model())
    timed = keras.callbacks.CallbackList([timer], model=small_model())
    assert timed._async_train == plain._async_train
    assert timed._async_predict == plain._async_predict


@pytest.mark.medium
def test_training_is_the_same_with_it():
    """The weights do not depend on being timed."""
    x, y = np.random.default_rng(0).normal(size=(64, 4)), np.ones((64, 1))
    ends = []
    for callbacks in ([], [BenchmarkCallback(verbose=False)]):
        keras.utils.set_random_seed(0)
        model = small_model()
        model.fit(x, y, epochs=2, verbose=0, callbacks=callbacks)
        ends.append(model.get_weights()[0])
    np.testing.assert_array_equal(*ends)


def test_too_few_steps_are_said():
    """A report of nothing is an error."""
    timer = BenchmarkCallback(verbose=False)
    with pytest.raises(ValueError, match=r"No steps have been timed\. More than 4 were expected"):
        timer.report()


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
    with pytest.raises(ValueError, match=r"written as \.json or \.csv"):
        report.save(tmp_path / "report.txt")
    assert "peak memory: host 1,024 MiB" in str(report)
    assert re.search(r"train +1,000.0 +100.0 +100.0 ", str(report))


def test_the_callback_writes_its_report(tmp_path):
    """`path` is written when training ends."""
    x, y = np.ones((80, 4), "float32"), np.ones((80, 1), "float32")
    timer = BenchmarkCallback(batch_size=8, path=tmp_path / "times.json", verbose=False)
    small_model().fit(x, y, batch_size=8, verbose=0, callbacks=[timer])
    assert json.loads((tmp_path / "times.json").read_text())["environment"]["backend"] == BACKEND


@pytest.mark.parametrize(
    ("given", "expected"),
    [("0", "off"), ("1", "on"), ("True", "on"), (None, "as TensorFlow chooses")],
)
def test_a_report_says_whether_tensorflow_was_to_use_onednn(given, expected, monkeypatch):
    """On the others there is no such thing."""
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if given is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", given)
    found = environment().get("oneDNN")
    assert found == (expected if BACKEND == "tensorflow" else None)


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
    said = "not timed: the package computes no gradients on otherbackend"
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
    assert activation_lines(AlexNet("notebook"), 32, NOTEBOOK_NAMES) == [
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


SMALL = ["benchmark", "--variant", "cifar10_19pct", "--batch-size", "2", "--batches", "3"]
SMALL += ["--burn-in", "1"]


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
    """Fresh processes, one table, the best marked; a mode that fails is told."""
    from keras_alexnet.benchmarking import compare

    monkeypatch.setattr(
        compare, "MODES", {BACKEND: ("auto", "nosuch"), "absent_backend": ("auto",)}
    )
    assert main([*SMALL, "--compare"]) == 0
    out = capsys.readouterr().out
    assert "absent_backend is not installed." in out
    assert re.search(rf"{BACKEND} +\w+ +\* [\d.]+ +\* [\d.]+", out)
    assert re.search(rf"{BACKEND}, nosuch failed: .*invalid choice: 'nosuch'", out)
