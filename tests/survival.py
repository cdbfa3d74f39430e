"""Kill `keras-alexnet fit` with SIGKILL at random points, and go on each time.

    python tests/survival.py --kills 20 --late 5

A run that is killed that often must end with the weights of one that is not, bit for bit, and with
the same history; each kill may lose the epoch that was being trained and no other. The late kills
come between the moment at which the model has its name and the end, where results and pictures are
written: the same command must finish the run. `test_run_folder.py` has a short form of them.
"""

import argparse
import csv
import json
import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import keras
import numpy as np
from PIL import Image

from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.training.state import RunState

# As `python -m keras_alexnet` does it, with operations that give the same bits every time; and with
# no file larger than so many bytes, which is what a full disk is to a process.
FIT = """
import os, resource, sys
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line has it
import keras
if int(sys.argv[1]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    tf.config.experimental.enable_op_determinism()
from keras_alexnet.cli import main
sys.exit(main(["fit", "images", *sys.argv[2:]]))
"""
SETTINGS = ["--variant", "cifar10_18pct", "--batch-size", "16", "--learning-rate", "0.001"]


def draw_images(folder: pathlib.Path, count: int) -> None:
    """Write drawn images as images/class/number.png."""
    images, labels = drawn_images(count, size=32)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / "images" / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.png")


class Fit:
    """A process that trains, and how far it has come."""

    def __init__(self, folder: pathlib.Path, output: str, epochs: int, largest_file: int = 0):
        words = [*SETTINGS, "--epochs", str(epochs), "--output", output]
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", FIT, str(largest_file), *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.epoch, self.resumed_at = 0, 0  # that it is in, that it went on from
        self.begun = threading.Semaphore(0)  # one for every epoch
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            if match := re.match(r"Epoch (\d+)/", line):
                self.epoch = int(match[1])
                self.begun.release()
            elif match := re.match(r"Going on after epoch (\d+)", line):
                self.resumed_at = int(match[1])
        self.begun.release(10_000)  # it has ended

    def kill(self, epochs: int, seconds: float) -> None:
        """Kill it so long after it has begun so many epochs; none: after it was started."""
        for _ in range(epochs):
            self.begun.acquire()
        time.sleep(seconds)
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def kill_after(self, path: pathlib.Path, seconds: float) -> None:
        """Kill it so long after it has renamed a new file to a path."""
        before = inode(path)
        while inode(path) == before and self.process.poll() is None:
            time.sleep(0.001)
        time.sleep(seconds)
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what it said on the standard error."""
        errors = self.process.stderr.read()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode, errors


def inode(path: pathlib.Path) -> int | None:
    """Return the number of a file, another for each new one that was renamed to its path."""
    return path.stat().st_ino if path.exists() else None


def is_finished(folder: pathlib.Path) -> bool:
    """Return whether a run says that it is finished."""
    settings = folder / "job.json"
    return settings.exists() and json.loads(settings.read_text())["finished"]


def trained(folder: pathlib.Path, output: str, epochs: int) -> list[np.ndarray]:
    """Train to the end, from where an interrupted run stands, and return the weights."""
    if not is_finished(folder / output):
        code, errors = Fit(folder, output, epochs).end()
        assert code == 0, errors
    assert is_finished(folder / output)
    model = keras.saving.load_model(folder / output / "model.keras", compile=False)
    return [np.array(weights) for weights in model.get_weights()]


def history(folder: pathlib.Path, output: str) -> list[dict]:
    """Return the rows of a run's history, less the seconds, which differ."""
    with open(folder / output / "history.csv", newline="") as file:
        return [{key: row[key] for key in row if key != "seconds"} for row in csv.DictReader(file)]


def kill_and_compare(folder, epochs: int, points, late=(), say=lambda text: None) -> int:
    """Kill a run at each of the points, finish it, and hold it against one left in peace.

    A point is a number of epochs that the process has begun, and how long after that to kill it, in
    seconds for no epochs, else as a share of the time that an epoch takes. A late one is a share of
    the time from the renaming of the model to the end.

    Returns:
        How many of the processes were killed before their end.
    """
    expected = trained(folder, "whole", epochs)
    with open(folder / "whole" / "history.csv", newline="") as file:
        an_epoch = statistics.median(float(row["seconds"]) for row in csv.DictReader(file))
    the_end = sum(
        sign * (folder / "whole" / name).stat().st_mtime
        for sign, name in ((1, "job.json"), (-1, "model.keras"))
    )
    killed = 0
    for number, (begun, delay) in enumerate(points, start=1):
        before = RunState(str(folder / "killed")).epochs_done()
        fit = Fit(folder, "killed", epochs)
        fit.kill(begun, delay * (an_epoch if begun else 1))
        done = RunState(str(folder / "killed")).epochs_done()
        if is_finished(folder / "killed"):
            say(f"{number}: the run had ended")
            break
        killed += fit.process.returncode == -signal.SIGKILL
        # "Epoch n" is printed when n - 1 are done: no more than the nth may be lost.
        assert done >= max(before, fit.epoch - 1), (before, fit.epoch, done)
        assert fit.resumed_at in (0, before), (before, fit.resumed_at)
        say(f"{number}: killed in epoch {fit.epoch or before + 1}, {done} are kept")
    for number, share in enumerate(late, start=1):
        fit = Fit(folder, "killed", epochs)
        fit.kill_after(folder / "killed" / "model.keras", share * the_end)
        if is_finished(folder / "killed"):
            say(f"late {number}: the run had ended")
            break
        killed += fit.process.returncode == -signal.SIGKILL
        there = ", ".join(sorted(path.name for path in (folder / "killed").glob("*.??*")))
        say(f"late {number}: killed {share * the_end:.2f} s after the model was there; {there}")
    found = trained(folder, "killed", epochs)
    assert len(found) == len(expected)
    for weights, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(weights, wanted)
    assert history(folder, "killed") == history(folder, "whole")
    assert set(os.listdir(folder / "killed")) == set(os.listdir(folder / "whole"))
    return killed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--late", type=int, default=5, help="kills at the end of the run")
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the points of the kills")
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    # One in five while the process still starts, the others in its first epochs.
    points = [
        (0, draw.uniform(0, 8)) if draw.random() < 0.2 else (draw.randint(1, 4), draw.random())
        for _ in range(arguments.kills)
    ]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        draw_images(folder, arguments.images)
        late = [draw.random() for _ in range(arguments.late)]
        killed = kill_and_compare(
            folder, arguments.epochs, points, late, lambda text: print(text, flush=True)
        )
    seconds = f"{time.perf_counter() - start:.0f} s"
    print(f"Killed {killed} times: weights and history of a run left in peace, in {seconds}.")


if __name__ == "__main__":
    main()
