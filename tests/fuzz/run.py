"""Reads thousands of damaged checkpoints, and says what must not have happened.

    python tests/fuzz/run.py                                 # 20,000 mutants of each format
    python tests/fuzz/run.py --format caffe --count 1000
    python tests/fuzz/run.py --format caffe --only 417       # the same one again

Needs Linux, NumPy and h5py; Keras is not imported.
"""

import argparse
import importlib
import os
import sys
import tempfile
import types

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS, os.path.join(TESTS, "tools")]


def without_keras():
    """Make the package's readers importable without the package's beginning, which needs Keras."""
    package = types.ModuleType("keras_alexnet")
    package.__path__ = [os.path.join(os.path.dirname(TESTS), "keras_alexnet")]
    sys.modules["keras_alexnet"] = package


without_keras()

from fuzz.children import Counts, Failure, Task, run  # noqa: E402
from fuzz.mutants import FORMATS, mutant  # noqa: E402

COLUMNS = ("format", "mutants", "refused", "loaded", "slowest ms", "most MB", "failures")


def _arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--format", choices=FORMATS, nargs="+", default=list(FORMATS))
    parser.add_argument("--count", type=int, default=20_000, help="mutants of each format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--only", type=int, help="number of one mutant, which is kept")
    parser.add_argument("--seconds", type=float, default=5, help="longest time for a mutant")
    parser.add_argument(
        "--save", default=os.path.join(tempfile.gettempdir(), "fuzz-failures"), metavar="FOLDER"
    )
    parser.add_argument(
        "--reader", default="fuzz.judging:read", help="what reads them, to see if failures are seen"
    )
    return parser.parse_args()


def _reader(name):
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)


class Progress:
    """A bar on a terminal, for each format; nothing where the output goes elsewhere."""

    def __init__(self, title, total):
        self._title, self._total, self._done = title, total, 0
        self._shown = sys.stderr.isatty()

    def __call__(self, more):
        """Go on by so many."""
        self._done += more
        if self._shown:
            share = self._done / self._total
            bar = ("#" * int(30 * share)).ljust(30, ".")
            end = "\r" if self._done < self._total else "\r\033[K"
            sys.stderr.write(f"{self._title:>13} [{bar}] {self._done:,} of {self._total:,}{end}")
            sys.stderr.flush()


def _fuzz(row, numbers, options, path):
    """Read the mutants of a format; return what became of them, and how many failed."""
    total, failures = Counts(), 0
    task = Task(row, options.seed, _reader(options.reader), path, options.seconds)
    for seen in run(task, numbers, Progress(row.name, len(numbers))):
        if isinstance(seen, Failure):
            failures += 1
            _report(row, options, seen)
            continue
        total.refused += seen.refused
        total.loaded += seen.loaded
        total.slowest = max(total.slowest, seen.slowest)
        total.memory = max(total.memory, seen.memory)
    return total, failures


def _keep(row, options, number):
    """Write a mutant into the folder for failures; return its path."""
    os.makedirs(options.save, exist_ok=True)
    place = os.path.join(options.save, f"{row.name}-{options.seed}-{number}")
    with open(place, "wb") as file:
        file.write(mutant(row, options.seed, number).content)
    return place


def _report(row, options, failure):
    """Keep a mutant that something happened with, and what."""
    place = _keep(row, options, failure.number)
    with open(place + ".txt", "w") as file:
        file.write(f"{failure.kind}: {failure.detail}\n")
    print(f"{row.name} {failure.number}: {failure.kind}, see {place}.txt", file=sys.stderr)


def _line(cells):
    print("".join(f"{cell:>13}" for cell in cells), flush=True)


def main():
    """Run what the command line asks for; the exit code says whether anything failed."""
    options = _arguments()
    numbers = range(options.first, options.first + options.count)
    if options.only is not None:
        numbers = range(options.only, options.only + 1)
    failed = False
    _line(COLUMNS)
    with tempfile.TemporaryDirectory() as folder:
        for name in options.format:
            row = FORMATS[name]
            total, failures = _fuzz(row, numbers, options, os.path.join(folder, "mutant"))
            failed |= failures > 0
            counts = (len(numbers), total.refused, total.loaded)
            peaks = (f"{total.slowest / 1000:.1f}", f"{total.memory / 2**20:.1f}")
            _line([name, *(f"{count:,}" for count in counts), *peaks, failures])
            if options.only is not None:
                print(f"It is {_keep(row, options, options.only)}.", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
