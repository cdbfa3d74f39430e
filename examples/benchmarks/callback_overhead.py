"""What the package's callbacks cost: the same training with each and without, alternating.

A small network with many short steps, where a callback weighs most. Wall time of whole epochs
after a first one, medians.

    KERAS_BACKEND=tensorflow python examples/benchmarks/callback_overhead.py
"""

import argparse
import statistics
import time

import keras
import numpy as np

from keras_alexnet import AlexNet, BenchmarkCallback, FlatLossWarning


def main():
    """Time all ways and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="few steps: does it run?")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.batch_size, arguments.steps, arguments.repeats = 4, 4, 1

    model = AlexNet("cifar10_19pct", initialization="robust")
    model.compile("adam", "sparse_categorical_crossentropy")
    count = arguments.batch_size * arguments.steps
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, *model.input_shape[1:])).astype("float32")
    y = rng.integers(0, 10, count)

    def epoch(callbacks):
        start = time.perf_counter()
        model.fit(x, y, batch_size=arguments.batch_size, verbose=0, callbacks=callbacks)
        return time.perf_counter() - start

    ways = {
        "without": lambda: [],
        "BenchmarkCallback": lambda: [BenchmarkCallback(verbose=False)],
        "FlatLossWarning": lambda: [FlatLossWarning()],
    }
    times = {name: [] for name in ways}
    for repeat in range(arguments.repeats + 1):
        for name, callbacks in ways.items():
            seconds = epoch(callbacks())
            if repeat:
                times[name].append(seconds)
    without, *timed = (statistics.median(times[name]) for name in ways)
    step = 1000 * without / arguments.steps
    print(f"{keras.backend.backend()}: {step:.2f} ms per step without a callback")
    for name, seconds in zip(list(ways)[1:], timed, strict=True):
        print(f"with {name} {100 * (seconds / without - 1):+.1f} %")


if __name__ == "__main__":
    main()
