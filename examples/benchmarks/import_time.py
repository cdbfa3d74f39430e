"""Time `import keras_alexnet` against `import keras`, each in fresh processes, taking turns.

KERAS_BACKEND=tensorflow python examples/benchmarks/import_time.py
"""

import argparse
import statistics
import subprocess
import sys

SIDES = ("keras", "keras_alexnet")
IMPORT = "import {}; print(time.perf_counter() - start);"


def seconds(packages: tuple[str, ...]) -> list[float]:
    """Import packages one by one in a fresh process, and return the time after each import."""
    code = "import time; start = time.perf_counter();" + "".join(map(IMPORT.format, packages))
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return [float(line) for line in done.stdout.split()[-len(packages) :]]


def main():
    """Time both and print the medians and the difference."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--quick", action="store_true", help="once, both in one process")
    arguments = parser.parse_args()
    processes = [SIDES] if arguments.quick else [(package,) for package in SIDES]
    rounds = 1 if arguments.quick else arguments.repeats + 1
    times = {package: [] for package in SIDES}
    for number in range(rounds):
        for packages in processes:
            for package, spent in zip(packages, seconds(packages), strict=True):
                if number or arguments.quick:  # the first round reads the files from the disk
                    times[package].append(spent)
    medians = {package: statistics.median(spent) for package, spent in times.items()}
    for package, middle in medians.items():
        print(f"import {package:14} {middle:6.2f} s  (best {min(times[package]):.2f} s)")
    more = medians["keras_alexnet"] - medians["keras"]
    print(f"keras_alexnet takes {more:+.2f} s more than Keras alone.")


if __name__ == "__main__":
    main()
