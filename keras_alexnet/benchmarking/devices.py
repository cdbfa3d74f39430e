"""The device: its name, when it has finished, and its peak memory."""

import importlib.metadata
import os
import platform
import sys

import keras


def synchronize(results=None) -> None:
    """Wait until the device has computed `results`, and on GPUs all that was asked of it.

    Backends other than these three return NumPy arrays, which are computed.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        jax.block_until_ready(results)
    elif backend == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
    elif backend == "tensorflow":
        import tensorflow as tf

        tf.test.experimental.sync_devices()


def peak_memory() -> dict[str, int]:
    """Return the most bytes that the process held, and on a GPU the device: `host`, `device`.

    They count from the start of the process. The host's figure is missing on Windows.
    """
    found = {}
    try:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        found["host"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    except ImportError:
        pass
    device = _device_peak()
    return {**found, "device": device} if device else found


def _device_peak() -> int | None:
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    if backend == "torch":
        import torch

        return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
    if backend != "tensorflow":
        return None
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


def environment(model=None) -> dict[str, str | int]:
    """Return what a timing depends on: versions, device, threads, types, compile mode.

    TensorFlow has no function that says whether it uses oneDNN: this tells what it was asked for.
    """
    backend = keras.backend.backend()
    versions = {name: _version(name) for name in ("keras", backend)}
    device, threads = _device_and_threads(backend)
    found = {
        "backend": backend,
        **{f"{name} version": version for name, version in versions.items()},
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
        found["oneDNN"] = {"0": "off", "false": "off", "1": "on", "true": "on"}.get(
            os.environ.get("TF_ENABLE_ONEDNN_OPTS", "").lower(), "as TensorFlow chooses"
        )
    if model is not None:
        found["dtype"] = ", ".join(sorted(_policies(model)))
        if model.compiled:
            found["compile mode"] = compile_mode(model.jit_compile)
    return found


def _policies(layer) -> set[str]:
    """Return the dtype policies of the layers with weights; a model's own may be another."""
    inner = [part for part in getattr(layer, "layers", ()) if part.weights]
    return {name for part in inner for name in _policies(part)} or {layer.dtype_policy.name}


def compile_mode(jit_compile: bool) -> str:
    """Return the name of a compile mode; the backend's own name if the backend has only one."""
    compiled = {"tensorflow": "XLA", "jax": "XLA", "torch": "TorchInductor"}
    plain = {"tensorflow": "graph", "jax": "XLA", "torch": "eager"}
    backend = keras.backend.backend()
    return (compiled if jit_compile else plain).get(backend, backend)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _device_and_threads(backend: str) -> tuple[str, int | str]:
    if backend == "jax":
        import jax

        return jax.local_devices()[0].device_kind, "of XLA"
    if backend == "torch":
        import torch

        gpu = torch.cuda.is_available()
        return (torch.cuda.get_device_name() if gpu else "cpu"), torch.get_num_threads()
    if backend != "tensorflow":
        return f"as {backend} chooses", f"of {backend}"
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return details.get("device_name", "gpu" if gpus else "cpu"), threads or "as many as cores"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = [
                line.split(":", 1)[1].strip() for line in file if line.startswith("model name")
            ]
        return lines[0]
    except (OSError, IndexError):
        return platform.processor() or "unknown"
