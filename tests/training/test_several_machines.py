"""The examples for several machines: two processes have the losses of one, and outlive a kill."""

import contextlib
import os
import pathlib
import re
import signal
import socket

import keras
import pytest
from PIL import Image

import processes
from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.training.history import read_rows

BACKEND = keras.backend.backend()
NAMES = {
    "jax": "examples/several_machines_jax.py",
    "torch": "examples/several_machines_torch.py",
}
SCRIPT = pathlib.Path(__file__).parent.parent.parent / NAMES.get(BACKEND, "")
SETTINGS = ("--variant", "cifar10_19pct", "--batch-size", "8")  # a network without draws


@pytest.fixture
def photos(tmp_path):
    """Return a folder of 20 small images: two batches an epoch, and four that wait."""
    images, labels = drawn_images(20, seed=1, size=32)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = tmp_path / "photos" / f"class {label}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    return tmp_path / "photos"


def free_port():
    """Return the number of a port that no process listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def losses(folder):
    """Return the losses of all epochs."""
    rows = read_rows(str(folder / "history.csv"))
    assert [row["epoch"] for row in rows] == [*range(1, len(rows) + 1)]
    return [row["loss"] for row in rows]


def check_whole(folder, photos, of_one):
    """One process alone has the losses of the folder, and both saved once."""
    expected = losses(folder)
    settings = ("--output", of_one, "--epochs", str(len(expected)))
    code, _, errors = processes.run(SCRIPT, photos, *SETTINGS, *settings)
    assert code == 0, errors
    assert losses(of_one) == pytest.approx(expected, rel=1e-4)  # 1e-5 in one epoch of twelve
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["history.csv", "model.keras", f"state-{len(expected):05}.npz"]


if BACKEND in NAMES:

    def test_a_batch_that_does_not_fit(photos):
        """It is refused before a model is built."""
        code, _, errors = processes.run(SCRIPT, photos, "--batch-size", "21")
        assert code == 1 and "--batch-size must be a multiple of the processes" in errors


if BACKEND == "jax":

    @contextlib.contextmanager
    def two(photos, output, epochs):
        """Start the two processes of a run."""
        run = (SCRIPT, photos, *SETTINGS, "--output", output, "--epochs", str(epochs))
        run = (*run, "--coordinator", f"127.0.0.1:{free_port()}", "--processes", "2")
        with (
            processes.copied(*run, "--process", "1") as second,
            processes.copied(*run, "--process", "0") as first,
        ):
            yield first, second

    @pytest.mark.long
    def test_jax(photos, tmp_path):
        """The second process is killed; both start again and go on."""
        with two(photos, tmp_path / "two", 1000) as (first, second):
            first.wait_for("Epoch 3/1000")
            second.end(signal.SIGKILL)
            code, _, _ = first.end()
            assert code != 0
        done = len(losses(tmp_path / "two"))
        with two(photos, tmp_path / "two", done + 1) as (first, second):
            for process in (first, second):
                code, _, errors = process.end()
                assert code == 0, errors
        assert len(losses(tmp_path / "two")) == done + 1 >= 3
        check_whole(tmp_path / "two", photos, tmp_path / "one")


if BACKEND == "torch":

    @pytest.mark.long
    def test_torchrun(photos, tmp_path):
        """torchrun starts both processes again after one is killed, and they go on."""
        torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
        torchrun = (*torchrun, "--max-restarts", "1")
        settings = (*SETTINGS, "--output", str(tmp_path / "two"), "--epochs", "12")
        run = (*torchrun, str(SCRIPT), str(photos), *settings)
        environment = {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
        with processes.started(*run, env={**os.environ, **environment}) as process:
            line = process.wait_for("Process 1 of 2")
            process.wait_for("Epoch 2/12")
            os.kill(int(re.search(r"PID (\d+)", line)[1]), signal.SIGKILL)
            code, printed, errors = process.end()
        assert code == 0, errors
        assert re.search(r"Process 1 of 2, PID \d+, after epoch [1-9]", printed)
        check_whole(tmp_path / "two", photos, tmp_path / "one")
