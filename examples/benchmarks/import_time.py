"""Time `import keras_alexnet` against `import keras`, each in fresh processes, taking turns.

KERAS_BACKEND=tensorflow python examples/benchmarks/import_time.py
"""

import argparse
import statistics
import subprocess
import sys

SIDES = ("keras", "keras_alexnet")
TIMED = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def seconds(package: str) -> float:
    """Import a package in a fresh process and return how long that took."""
    command = [sys.executable, "-c", TIMED.format(package)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def main():
    """Time both and print the medians and the difference."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--quick", action="store_true", help="once: does it run?")
    arguments = parser.parse_args()
    repeats = 1 if arguments.quick else arguments.repeats
    times = {package: [] for package in SIDES}
    for number in range(repeats + 1):
        for package in SIDES:
            spent = seconds(package)
            if number:  # the first reads the files from the disk
                times[package].append(spent)
    medians = {package: statistics.median(spent) for package, spent in times.items()}
    for package, middle in medians.items():
        print(f"import {package:14} {middle:6.2f} s  (best {min(times[package]):.2f} s)")
    more = medians["keras_alexnet"] - medians["keras"]
    print(f"keras_alexnet takes {more:+.2f} s more than Keras alone.")


if __name__ == "__main__":
    main()
