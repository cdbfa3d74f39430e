"""Time whole networks against the same networks elsewhere, with the same weights.

Each side runs in a process of its own; they take turns of three steps, of which the last two
count. The outputs for the same images are compared first. What a row times: `train`, one step of
`compile` and `fit` with momentum, by Keras's SGD if the side names no optimizer; `forward`, the
probabilities of a batch; `forward-backward`, the gradient of half the squared outputs. Medians, how
many times as long the others take, and the processor time of all threads.

    python examples/benchmarks/steps.py                # every row
    python examples/benchmarks/steps.py paper-train    # one
    python examples/benchmarks/steps.py owt-train --batch-size 128 --sides "ours, JAX" PyTorch
    python examples/benchmarks/steps.py owt-train --sides "ours, TensorFlow with oneDNN" \\
        "ours, TensorFlow without oneDNN"
    python examples/benchmarks/steps.py owt-train --sides "ours, TensorFlow" \\
        "ours, TensorFlow, CoupledSGD"
    python examples/benchmarks/steps.py owt-train --sides "ours, JAX" "ours, JAX, memory kept"

On a machine with a GPU, JAX and PyTorch take it.
"""

import argparse
import json
import os
import pathlib
import select
import statistics
import subprocess
import sys
import time

import numpy as np

from peers import worker

HERE = pathlib.Path(__file__).parent
OURS = ("ours, TensorFlow", "ours, TensorFlow XLA", "ours, JAX", "ours, PyTorch")
TORCH = ("PyTorch", "PyTorch, channels last", "PyTorch compiled", "PyTorch compiled, channels last")
KERAS = ("plain Keras, TensorFlow", "plain Keras, TensorFlow XLA")
ROWS = {  # name: (network, job, batch, sides)
    "paper-train": ("paper", "train", 32, (*OURS, *KERAS, *TORCH)),
    "paper-forward": ("paper", "forward", 32, (*OURS, *TORCH, "OpenCV")),
    "notebook-forward": ("notebook", "forward", 32, (*OURS, "TF1 program")),
    "notebook-forward-backward": ("notebook", "forward-backward", 32, (*OURS, "TF1 program")),
    "owt-train": ("owt", "train", 32, (*OURS, *TORCH[:2])),
    "owt-forward": ("owt", "forward", 32, (*OURS, *TORCH[:2])),
    "owt-single": ("owt", "forward", 1, (*OURS, *TORCH[:2])),
}


class Side:
    """A process that waits to be told how many steps to time."""

    def __init__(self, name: str, net: str, job: str, batch: int, wait: bool = True):
        self.name, self.seconds, self.spent = name, [], []
        command = [sys.executable, "-m", "peers.worker", name, net, job, str(batch)]
        pipe = subprocess.PIPE
        environment = {**os.environ, **worker.name_and_environment(name)[1]}
        self.process = subprocess.Popen(
            command, cwd=HERE, env=environment, stdin=pipe, stdout=pipe, text=True
        )
        if wait:
            self.ready()

    def ready(self, until: float | None = None) -> None:
        """Wait until the side is built, at most until `time.monotonic()` is this."""
        self.outputs = np.array(self.answer(until))

    def answer(self, until: float | None = None):
        """Return what the process says next."""
        if until is not None:
            left = max(0.0, until - time.monotonic())
            if not select.select([self.process.stdout], [], [], left)[0]:
                raise SystemExit(f"{self.name} did not answer in time")
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended early, with exit code {self.process.wait()}")
        return json.loads(line)

    def ask(self, steps: int) -> None:
        """Have it time some steps; `answer` waits for them."""
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()

    def run(self, steps: int, until: float | None = None) -> list[float]:
        """Time some steps; `processor` has their processor time."""
        self.ask(steps)
        times, self.processor = self.answer(until)
        return times

    def end(self) -> None:
        """End the process, and close its pipes."""
        self.process.kill()
        self.process.communicate()


class SideHere:
    """A side in this process, whose backend is Keras's: for `--quick`, which compares nothing."""

    def __init__(self, name: str, net: str, job: str, batch: int, wait: bool = True):
        self.name, self.seconds, self.spent = name, [], []
        outputs, self.step = worker.built(name, net, job, batch)
        self.outputs = np.array(outputs)

    def ready(self, until: float | None = None) -> None:
        """Do nothing: it is built."""

    def ask(self, steps: int) -> None:
        """Time some steps."""
        self.found = worker.seconds(self.step, steps)

    def answer(self, until: float | None = None):
        """Return what `ask` has found."""
        return self.found

    def run(self, steps: int, until: float | None = None) -> list[float]:
        """Time some steps; `processor` has their processor time."""
        times, self.processor = worker.seconds(self.step, steps)
        return times

    def end(self) -> None:
        """Do nothing."""


def time_row(net: str, job: str, batch: int, names, rounds: int, start=Side) -> list:
    """Compare the sides' outputs, let them take turns, and return them.

    Their `seconds` are those of each step, and `spent` those of processor time.
    """
    sides = []
    try:
        for name in names:
            sides.append(start(name, net, job, batch))
            np.testing.assert_allclose(sides[-1].outputs, sides[0].outputs, rtol=2e-3, atol=1e-6)
            sides[-1].run(2)  # compiles and warms up
        for _ in range(rounds):
            for side in sides:
                side.seconds += side.run(3)[1:]  # the first finds its memory cold
                side.spent += side.processor[1:]
    finally:
        for side in sides:
            side.end()
    return sides


def print_row(title: str, sides, rate=lambda seconds: "") -> None:
    """Print a line for each side: medians, how many times as long as our best, the spread."""
    best = min(statistics.median(side.seconds) for side in sides if "ours" in side.name)
    print(title)
    for side in sides:
        middle, spent = statistics.median(side.seconds), statistics.median(side.spent)
        spread = f"{1000 * min(side.seconds):.0f} to {1000 * max(side.seconds):.0f}"
        print(
            f"  {side.name:40} {1000 * middle:8.1f} ms{rate(middle)} {middle / best:5.2f} x  "
            f"({spread})  processor {1000 * spent:.0f} ms",
            flush=True,
        )


def running_backend() -> str:
    """Return Keras's backend; the import takes seconds, and only `--quick` needs it here."""
    import keras

    return keras.backend.backend()


def main():
    """Time the rows that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", nargs="*", help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--sides", nargs="+", help="only these")
    parser.add_argument("--batch-size", type=int, help="instead of the row's")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="one image, in this process")
    arguments = parser.parse_args()
    start = SideHere if arguments.quick else Side
    for row in arguments.rows or (["owt-single"] if arguments.quick else ROWS):
        net, job, batch, names = ROWS[row]
        if arguments.quick:
            batch, arguments.rounds = 1, 1
            names = [name for name in OURS if worker.SIDES[name][0] == running_backend()][:1]
        names, batch = arguments.sides or names, arguments.batch_size or batch
        sides = time_row(net, job, batch, names, arguments.rounds, start)
        print_row(f"{row}, batch {batch}", sides)


if __name__ == "__main__":
    main()
