"""The conditions of a timing: versions, device, threads, dtypes, compile mode."""

import contextlib
import importlib.metadata
import os
import platform

import keras

from keras_alexnet import startup
from keras_alexnet.benchmarking.devices import device_and_threads


def environment(model=None) -> dict[str, str | int]:
    """Return the conditions of a timing: versions, device, threads, dtypes, compile mode.

    TensorFlow has no function that returns whether it uses oneDNN. The entry `"oneDNN"` has the
    setting of `TF_ENABLE_ONEDNN_OPTS`. The command line has the entry `"freed memory"` where it is
    faster than the same program without `startup.keep_memory`.
    """
    backend = keras.backend.backend()
    device, threads = device_and_threads()
    conditions = {
        "backend": backend,
        **{f"{name} version": _version(name) for name in ("keras", backend)},
        "python version": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": threads,
        "device": device,
        "data format": keras.config.image_data_format(),
    }
    if backend == "tensorflow":
        conditions["oneDNN"] = {"0": "off", "false": "off", "1": "on", "true": "on"}.get(
            os.environ.get("TF_ENABLE_ONEDNN_OPTS", "").lower(), "chosen by TensorFlow"
        )
    if startup.memory_is_kept:
        conditions["freed memory"] = "kept by keras-alexnet"
    if model is not None:
        conditions["dtype"] = ", ".join(sorted(_policies(model)))
        if model.compiled:
            conditions["compile mode"] = compile_mode(model.jit_compile)
    return conditions


def _policies(layer) -> set[str]:
    """Return the dtype policies of the layers with weights; that of the model may differ."""
    inner = [child for child in getattr(layer, "layers", ()) if child.weights]
    return {name for child in inner for name in _policies(child)} or {layer.dtype_policy.name}


def compile_mode(jit_compile: bool) -> str:
    """Return the name of a compile mode, or of the backend if that has one mode only."""
    compiled = {"tensorflow": "XLA", "jax": "XLA", "torch": "TorchInductor"}
    plain = {"tensorflow": "graph", "jax": "XLA", "torch": "eager"}
    backend = keras.backend.backend()
    return (compiled if jit_compile else plain).get(backend, backend)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
