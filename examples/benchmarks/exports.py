"""Time exported files in their own runtimes beside `predict_on_batch` of Keras, on the CPU.

For one image and for 32: SavedModel, LiteRT, ONNX Runtime, OpenVINO and PyTorch, each on all cores,
as far as they are installed. Outputs checked first, sides alternating, medians, and the ratio to
Keras's time. `--normalization` times the files with the normalization as one operator and as a
chain.

    KERAS_BACKEND=tensorflow python examples/benchmarks/exports.py bvlc owt
"""

import argparse
import os
import statistics
import tempfile
import time

import keras
import numpy as np

from keras_alexnet import AlexNet, UserError, export_model
from keras_alexnet.export.formats import EXPORT_FORMATS

FORMATS = ("saved_model", "litert", "onnx", "openvino", "torch")
REST = 0.05  # seconds in which the threads of the runtime before go to sleep: they wait actively


def sides_of(model, names, normalizations, folder):
    """Return functions of a batch by name, Keras's first."""
    sides = {"Keras": lambda x: [model.predict_on_batch(x)]}
    for name in names:
        form = EXPORT_FORMATS[name]
        for way in normalizations:
            path = os.path.join(folder, f"{name}-{way}{form.ending}")
            try:
                export_model(model, path, format=name, normalization=way, verbose=False)
                sides[f"{name}, {way}" if way else name] = form.load(path)
            except (ImportError, UserError) as error:
                print(f"Not timed: {name}. {error}")
    return sides


def check(sides, x):
    """Stop unless all outputs are Keras's."""
    expected, *found = (np.asarray(run(x)[0]) for run in sides.values())
    for output in found:
        np.testing.assert_allclose(output, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def medians(sides, x, repeats):
    """Time functions alternately and return the median of each in milliseconds."""
    seconds = {name: [] for name in sides}
    for _ in range(repeats):
        for name, run in sides.items():
            time.sleep(REST)
            start = time.perf_counter()
            run(x)
            seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(times) for name, times in seconds.items()}


def compare(variant, batches, names, normalizations, repeats):
    """Print how long each side takes for each batch, and the ratio to Keras."""
    options = {"classifier_activation": None, "initialization": "robust"}
    model = AlexNet(variant, data_format="channels_last", **options)
    with tempfile.TemporaryDirectory() as folder:
        sides = sides_of(model, names, normalizations, folder)
        for batch in batches:
            shape = (batch, *model.input_shape[1:])
            x = np.random.default_rng(0).normal(0, 50, shape).astype("float32")
            check(sides, x)
            times = medians(sides, x, repeats)
            for name, middle in times.items():
                ratio = f"{middle / times['Keras']:6.2f} of Keras's time"
                print(f"{variant:<14} {batch:>3} {name:<22} {middle:8.1f} ms {ratio}", flush=True)
        sides.clear()  # some runtimes keep their file open


def main():
    """Time the networks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("variants", nargs="*", default=["bvlc", "owt"])
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--normalization", action="store_true", help="as an operator and a chain")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="a small network: does it run?")
    arguments = parser.parse_args()
    ways = ("operator", "chain") if arguments.normalization else (None,)
    print(f"{keras.backend.backend()}, {os.cpu_count()} cores")
    if arguments.quick:
        compare("cifar10_80sec", [2], arguments.formats, ways, 1)
        return
    for variant in arguments.variants:
        compare(variant, arguments.batches, arguments.formats, ways, arguments.repeats)


if __name__ == "__main__":
    main()
