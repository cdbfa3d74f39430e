"""Time the train step of networks as Keras compiles it with and without XLA.

On TensorFlow both modes are there; JAX has XLA alone and PyTorch neither, and are shown beside.
Adam, float32, the variants' own sizes; the modes alternate in one process, medians.

    KERAS_BACKEND=tensorflow python examples/benchmarks/compile_modes.py
"""

import argparse
import statistics
import time

import keras
import numpy as np

from keras_alexnet import AlexNet

BACKEND = keras.backend.backend()
MODES = {"tensorflow": (False, True), "jax": (True,), "torch": (False,)}[BACKEND]


def train_step(variant: str, batch: int, jit_compile: bool):
    """Return a function that trains one step and waits for it."""
    model = AlexNet(variant, initialization="robust")
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit_compile)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, *model.input_shape[1:])).astype("float32")
    y = rng.integers(0, model.output_shape[1], batch)
    return lambda: float(model.train_on_batch(x, y))


def medians(functions, repeats: int) -> list[float]:
    """Return the median seconds of each function; they take turns, after one round to compile."""
    times = [[] for _ in functions]
    for round_number in range(repeats + 1):
        for function, kept in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            if round_number:
                kept.append(time.perf_counter() - start)
    return [statistics.median(kept) for kept in times]


def main():
    """Time the networks and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--variants", nargs="+", default=["paper", "owt", "cifar10_18pct"])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="a small network, once")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.variants, arguments.batch_size, arguments.repeats = ["cifar10_19pct"], 2, 1
    print(f"{BACKEND}, Keras {keras.__version__}, batch {arguments.batch_size}, ms per train step")
    for variant in arguments.variants:
        keras.utils.clear_session()
        functions = [train_step(variant, arguments.batch_size, mode) for mode in MODES]
        found = medians(functions, arguments.repeats)
        cells = [
            f"{'XLA' if mode else 'plain'} {1000 * seconds:8.1f}"
            for mode, seconds in zip(MODES, found, strict=True)
        ]
        ratio = f"   plain / XLA {found[0] / found[1]:.2f}" if len(found) == 2 else ""
        print(f"{variant:16} {'   '.join(cells)}{ratio}")


if __name__ == "__main__":
    main()
