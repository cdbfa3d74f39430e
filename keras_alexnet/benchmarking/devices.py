"""The device: its name, its peak memory, and a wait for its work."""

import contextlib
import importlib.metadata
import os
import platform
import sys

import keras

__all__ = ["peak_memory", "synchronize"]


def synchronize(results=None) -> None:
    """Wait until the device has computed `results`; on GPUs, until it has done all its work.

    Backends other than JAX, PyTorch and TensorFlow return NumPy arrays, which need no wait.
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
    """Return the peak memory since the start of the process, in bytes: `host`, on a GPU `device`.

    Windows has no figure for the host.
    """
    figures = {}
    with contextlib.suppress(ImportError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        figures["host"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    device = _device_peak()
    return {**figures, "device": device} if device else figures


def _device_peak() -> int | None:
    """Return the peak memory of the GPU in bytes, `None` without one."""
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
    """Return the conditions of a timing: versions, device, threads, dtypes, compile mode.

    TensorFlow has no function that returns whether it uses oneDNN. The entry `"oneDNN"` has the
    setting of `TF_ENABLE_ONEDNN_OPTS`.
    """
    backend = keras.backend.backend()
    device, threads = _device_and_threads(backend)
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


def _device_and_threads(backend: str) -> tuple[str, int | str]:
    if backend == "jax":
        import jax

        return jax.local_devices()[0].device_kind, "chosen by XLA"
    if backend == "torch":
        import torch

        gpu = torch.cuda.is_available()
        return (torch.cuda.get_device_name() if gpu else "cpu"), torch.get_num_threads()
    if backend != "tensorflow":
        return f"chosen by {backend}", f"chosen by {backend}"
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return details.get("device_name", "gpu" if gpus else "cpu"), threads or "one per core"


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
