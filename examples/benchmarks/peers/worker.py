"""One side in a process of its own: says when it is ready, then times a step for each line."""

import json
import os
import sys
import time

from peers import gpu_names

SIDES = {  # name: (Keras's backend, module, function, arguments)
    "ours, TensorFlow": ("tensorflow", "keras_sides", "ours", {"compiled": False}),
    "ours, TensorFlow XLA": ("tensorflow", "keras_sides", "ours", {"compiled": True}),
    "ours, JAX": ("jax", "keras_sides", "ours", {"compiled": True}),
    "ours, PyTorch": ("torch", "keras_sides", "ours", {"compiled": False}),
    "ours, PyTorch compiled": ("torch", "keras_sides", "ours", {"compiled": True}),
    **{
        f"ours, {name}, CoupledSGD": (
            backend,
            "keras_sides",
            "ours",
            {"compiled": backend == "jax", "optimizer": "CoupledSGD"},
        )
        for name, backend in (("TensorFlow", "tensorflow"), ("JAX", "jax"), ("PyTorch", "torch"))
    },
    "plain Keras, TensorFlow": (
        "tensorflow",
        "keras_sides",
        "straightforward",
        {"compiled": False},
    ),
    "plain Keras, TensorFlow XLA": (
        "tensorflow",
        "keras_sides",
        "straightforward",
        {"compiled": True},
    ),
    "PyTorch": ("torch", "torch_sides", "side", {"compiled": False, "channels_last": False}),
    "PyTorch, channels last": (
        "torch",
        "torch_sides",
        "side",
        {"compiled": False, "channels_last": True},
    ),
    "PyTorch compiled": (
        "torch",
        "torch_sides",
        "side",
        {"compiled": True, "channels_last": False},
    ),
    "PyTorch compiled, channels last": (
        "torch",
        "torch_sides",
        "side",
        {"compiled": True, "channels_last": True},
    ),
    **{
        f"ours, {name}, CIFAR": (backend, "cifar_sides", "ours", {"compiled": compiled})
        for name, backend, compiled in (
            ("TensorFlow", "tensorflow", False),
            ("TensorFlow XLA", "tensorflow", True),
            ("JAX", "jax", True),
            ("PyTorch", "torch", False),
        )
    },
    **{
        f"PyTorch{' compiled' * compiled}{', channels last' * last}, CIFAR": (
            "torch",
            "cifar_sides",
            "torch_side",
            {"compiled": compiled, "channels_last": last},
        )
        for compiled in (False, True)
        for last in (False, True)
    },
    "TF1 program": ("tensorflow", "notebook_side", "side", {}),
    "OpenCV": ("torch", "opencv_side", "side", {}),
    **gpu_names.SIDES,
}
KEPT = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=2147483647:glibc.malloc.arena_max=1"
ENDINGS = {  # of a side's name: the environment of its process
    " with oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "1"},  # else as TensorFlow finds the processor
    " without oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    ", memory kept": {"GLIBC_TUNABLES": KEPT},
}


def name_and_environment(name: str) -> tuple[str, dict[str, str]]:
    """Return the name of a side without its ending, and the environment that this asks for."""
    for ending, environment in ENDINGS.items():
        if name.endswith(ending):
            return name.removesuffix(ending), environment
    return name, {}


def built(name: str, net: str, job: str, batch: int):
    """Build the side with this name; return its first outputs and its step."""
    _, module, function, arguments = SIDES[name]
    side = getattr(__import__(f"peers.{module}", fromlist=[function]), function)
    outputs, step = side(net, job, batch, **arguments)
    return outputs[:2].tolist(), step


def seconds(step, count: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each of some steps, and those of all its threads' processor time."""
    times, processor = [], []
    for _ in range(count):
        start, used = time.perf_counter(), time.process_time()
        step()
        times.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return times, processor


def main(name: str, net: str, job: str, batch: int) -> None:
    """Build the side, print its first outputs, then serve."""
    name, _ = name_and_environment(name)
    os.environ["KERAS_BACKEND"] = SIDES[name][0]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    outputs, step = built(name, net, job, batch)
    print(json.dumps(outputs), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(seconds(step, int(line))), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
