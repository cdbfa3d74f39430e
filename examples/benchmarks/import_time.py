"""Time `import keras_alexnet` against `import keras`, each in fresh processes, taking turns.

KERAS_BACKEND=tensorflow python examples/benchmarks/import_time.py
"""

import argparse
import statistics
import subprocess
import sys

SIDES = ("keras", "keras_alexnet")
QUICK = ("json", "argparse")


def seconds(package: str) -> float:
    """Import a package in a fresh process, and return the time."""
    code = f"import time; start = time.perf_counter(); import {package};"
    code += "print(time.perf_counter() - start)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def main():
    """Time both and print the medians and the difference."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--quick", action="store_true", help="two modules of Python, once")
    arguments = parser.parse_args()
    sides = QUICK if arguments.quick else SIDES
    rounds = 1 if arguments.quick else arguments.repeats + 1
    times = {package: [] for package in sides}
    for number in range(rounds):
        for package in sides:
            spent = seconds(package)
            if number or arguments.quick:  # the first round reads the files from the disk
                times[package].append(spent)
    medians = {package: statistics.median(spent) for package, spent in times.items()}
    for package, middle in medians.items():
        print(f"import {package:14} {middle:6.2f} s  (best {min(times[package]):.2f} s)")
    alone, package = sides
    print(f"{package} takes {medians[package] - medians[alone]:+.2f} s more than {alone} alone.")


if __name__ == "__main__":
    main()
