"""Progress on the error stream; the output has nothing but the result."""

import json
import sys
import threading

import numpy as np
import pytest
from PIL import Image

import processes
from keras_alexnet.cli import describe, heartbeat, main
from keras_alexnet.evaluation.measuring import measure
from keras_alexnet.progress import position, report
from keras_alexnet.training.job import Job
from keras_alexnet.training.run import run


class Heard:
    """An error stream that knows when it has been told something twice."""

    def __init__(self):
        self.lines = []
        self.twice = threading.Event()

    def write(self, text):
        """Keep what is said of the time."""
        self.lines += [text] if "so far" in text else []
        if len(self.lines) == 2:
            self.twice.set()

    def flush(self):
        """Do nothing."""


@pytest.mark.backend_free
@pytest.mark.parametrize("done", [None, 340])
def test_a_long_command_says_how_far_it_is(done, monkeypatch, capsys):
    """Every interval again, on the error stream alone."""
    heard = Heard()

    def slow(arguments):
        if done:
            report(done, 2000, "batches", "epoch 2 of 10")
        assert heard.twice.wait(60)

    monkeypatch.setattr("keras_alexnet.progress._position", "")
    monkeypatch.setenv(heartbeat.VARIABLE, "0.01")
    monkeypatch.setattr(describe, "run", slow)
    monkeypatch.setattr(sys, "stderr", heard)
    threads = threading.active_count()
    assert main(["describe", "paper"]) == 0
    assert threading.active_count() == threads
    assert capsys.readouterr().out == ""
    where = "epoch 2 of 10, 340 of 2,000 batches" if done else "at work"
    assert heard.lines[0] == f"keras-alexnet describe: {where}, 0 s so far"


@pytest.mark.backend_free
def test_a_terminal_with_a_bar_needs_none(monkeypatch):
    """There the bar says it; with `--json` there is no bar."""
    begun = []
    monkeypatch.setattr(
        "keras_alexnet.cli.say_progress", lambda name: begun.append(name) or _Block()
    )
    monkeypatch.setattr(describe, "run", lambda arguments: 0)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    main(["describe", "paper"])
    assert begun == []
    main(["describe", "paper", "--json"])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    main(["describe", "paper"])
    assert begun == ["describe"] * 2


class _Block:
    """A block of `with` that does nothing."""

    def __enter__(self):
        """Begin."""

    def __exit__(self, *_):
        """End."""


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("text", "seconds"), [(None, 30), ("0", 0), ("300", 300), ("inf", 30), ("-1", 30), ("x", 30)]
)
def test_the_interval(text, seconds, monkeypatch):
    """Half a minute, unless the variable says a number of seconds."""
    if text is None:
        monkeypatch.delenv(heartbeat.VARIABLE)
    else:
        monkeypatch.setenv(heartbeat.VARIABLE, text)
    assert heartbeat._interval() == seconds


class Constant:
    """A model that takes everything for the first class."""

    name = "constant"

    def predict_on_batch(self, images):
        """Return the same scores for all images."""
        return np.tile([0.9, 0.1], (len(images), 1))


def test_what_is_measured_is_reported():
    """Without a bar as well."""
    measure(Constant(), (np.zeros((5, 2)), [0] * 5), ["a", "b"], batch_size=2, progress=False)
    assert position() == "3 of 3 batches measured"


@pytest.mark.backend_free
def test_what_is_checked_is_reported(tmp_path):
    """Images, of how many."""
    for number in range(3):
        Image.new("L", (8, 8)).save(tmp_path / f"{number}.png")
    assert main(["check-images", str(tmp_path)]) == 0
    assert position() == "3 of 3 images"


@pytest.mark.long
@pytest.mark.eager
def test_fit_reports_its_epochs(tmp_path, monkeypatch):
    """Every batch of every epoch, and of the held-out images."""
    texts = []

    def note(*arguments):
        report(*arguments)
        texts.append(position())

    monkeypatch.setattr("keras_alexnet.training.epoch_progress.report", note)
    job = Job(variant="cifar10_19pct", drawn=20, batch_size=8, epochs=2)
    run(job, str(tmp_path / "run"), verbose=False, say=lambda text: None)
    # On JAX and PyTorch Keras calls back from threads, in any order within an epoch.
    for epoch in (1, 2):
        trained = {f"epoch {epoch} of 2, {count} of 2 batches" for count in (0, 1, 2)}
        assert {*trained, f"epoch {epoch} of 2, 1 batches measured"} <= set(texts)


@pytest.mark.long
def test_fit_as_json_in_a_process(tmp_path):
    """The output is the result alone, while the error stream says how far the training is."""
    fit = ["fit", "--variant", "cifar10_19pct", "--quick", "--json"]
    often = {heartbeat.VARIABLE: "0.05"}
    process = ("-m", "keras_alexnet", *fit)
    code, output, errors = processes.run(*process, folder=tmp_path, environment=often)
    assert code == 0, errors
    assert json.loads(output)["images"] == 40
    assert "keras-alexnet fit: epoch 1 of 1, " in errors
