"""Load a 244 MB .pth into a built model, against PyTorch's own loading, and what memory it takes.

Ours reads the file without PyTorch, checks its sums and that all numbers are finite, transposes
the kernels, and looks at whether the weights are trained. PyTorch's is `torch.load` and
`load_state_dict`. Both run alternately in one process; peak memory is measured in processes of
their own, but for `--quick`. Set KERAS_BACKEND to choose the backend. Without PyTorch only our side
is timed, on a .safetensors file.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import keras
import numpy as np

from keras_alexnet import AlexNet, load_checkpoint

HAS_TORCH = importlib.util.find_spec("torch") is not None
MEGABYTE = 1e6
# Name in torchvision's file, shape.
TENSORS = {
    "features.0": (64, 3, 11, 11),
    "features.3": (192, 64, 5, 5),
    "features.6": (384, 192, 3, 3),
    "features.8": (256, 384, 3, 3),
    "features.10": (256, 256, 3, 3),
    "classifier.1": (4096, 9216),
    "classifier.4": (4096, 4096),
    "classifier.6": (1000, 4096),
}


def weights(quick):
    """Return random tensors of torchvision's AlexNet, or of its convolutions alone."""
    rng = np.random.default_rng(0)
    arrays = {}
    for name, shape in TENSORS.items():
        if not (quick and name.startswith("classifier")):
            arrays[f"{name}.weight"] = rng.standard_normal(shape, "float32") * 0.01
            arrays[f"{name}.bias"] = np.zeros(shape[0], "float32")
    return arrays


def write(folder, arrays):
    """Write the tensors as PyTorch does, or as .safetensors if it is not installed."""
    if HAS_TORCH:
        import torch

        path = os.path.join(folder, "alexnet.pth")
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)
        return path
    path = os.path.join(folder, "alexnet.safetensors")
    header, offset = {}, 0
    for name, array in arrays.items():
        end = offset + array.nbytes
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(array.tobytes())
    return path


def ours(path, quick):
    """Return a function that loads the file into a built model of ours."""
    model = AlexNet("owt", include_top=not quick)
    model.get_weights()  # JAX draws initial values in the background, and frees memory after that

    def load():
        load_checkpoint(model, path, verbose=False)

    return load


def theirs(path, quick):
    """Return a function that loads the file into a built module of PyTorch."""
    import torch
    from torch import nn

    module = nn.Module()
    module.features, module.classifier = nn.Sequential(), nn.Sequential()
    for name, shape in TENSORS.items():
        part, number = name.split(".")
        if len(shape) == 4:
            layer = nn.Conv2d(shape[1], shape[0], shape[2])
        elif not quick:
            layer = nn.Linear(shape[1], shape[0])
        else:
            continue
        getattr(module, part).add_module(number, layer)

    def load():
        module.load_state_dict(torch.load(path))

    return load


SIDES = {"keras_alexnet": ours, "PyTorch": theirs} if HAS_TORCH else {"keras_alexnet": ours}


def memory(field):
    """Return a field of `/proc/self/status`, this process's memory, in megabytes."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1024 / MEGABYTE


def peak_memory(side, path, quick):
    """Return as text by how much memory rises while one side loads: its peak and afterwards."""
    load = SIDES[side](path, quick)
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    before = memory("VmRSS")
    load()
    return f"{memory('VmHWM') - before:8.0f} MB  {memory('VmRSS') - before:8.0f} MB"


def in_a_fresh_process(side, path):
    """Measure the memory of one side where nothing else was loaded before."""
    command = [sys.executable, __file__, "--peak", side, "--path", path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def compare(path, quick, repeats):
    """Time both sides alternately, and print their medians."""
    sides = {name: make(path, quick) for name, make in SIDES.items()}
    seconds = {name: [] for name in sides}
    for load in sides.values():
        load()
    for _ in range(repeats):
        for name, load in sides.items():
            start = time.perf_counter()
            load()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    size = os.path.getsize(path) / MEGABYTE
    print(f"{size:.0f} MB into a built model, {keras.backend.backend()} backend")
    print(f"{'':<14} {'seconds':>9}   {'peak':>8}      {'after':>8}")
    for name, median in medians.items():
        peak = ""
        if os.path.exists("/proc/self/clear_refs"):
            peak = peak_memory(name, path, quick) if quick else in_a_fresh_process(name, path)
        print(f"{name:<14} {median:9.3f}   {peak}")
    if HAS_TORCH:
        ratio = medians["keras_alexnet"] / medians["PyTorch"]
        print(f"keras_alexnet takes {ratio:.2f} times the time of PyTorch's own loading.")
    else:
        print("PyTorch is not installed: only keras_alexnet was timed.")


def main():
    """Time, and measure memory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="convolutions alone, once")
    parser.add_argument("--path", help=argparse.SUPPRESS)
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.filterwarnings("ignore", "(?s).*look untrained")  # they are random
        if arguments.peak:
            print(peak_memory(arguments.peak, arguments.path, arguments.quick))
            return
        path = write(folder, weights(arguments.quick))
        compare(path, arguments.quick, 1 if arguments.quick else 9)


if __name__ == "__main__":
    main()
