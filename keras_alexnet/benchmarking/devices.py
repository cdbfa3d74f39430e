"""The device: its name, its peak memory, and a wait for its work."""

import contextlib
import sys

import keras

from keras_alexnet.operations.operation import Operation
from keras_alexnet.type_aliases import Tensor

__all__ = ["peak_memory", "synchronize"]


@Operation
def synchronize(results: Tensor = None) -> None:
    """Wait until the device has computed `results`; on GPUs, until it has done all its work.

    Backends other than JAX, PyTorch and TensorFlow return NumPy arrays, which need no wait.
    """


@synchronize.override("tensorflow")
def _synchronize_tensorflow(results=None) -> None:
    import tensorflow as tf

    tf.test.experimental.sync_devices()


@synchronize.override("jax")
def _synchronize_jax(results=None) -> None:
    import jax

    jax.block_until_ready(results)


@synchronize.override("torch")
def _synchronize_torch(results=None) -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


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


@Operation
def _device_peak() -> int | None:
    """Return the peak memory of the GPU in bytes, `None` without one."""
    return None


@_device_peak.override("tensorflow")
def _device_peak_tensorflow() -> int | None:
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


@_device_peak.override("jax")
def _device_peak_jax() -> int | None:
    import jax

    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")


@_device_peak.override("torch")
def _device_peak_torch() -> int | None:
    import torch

    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


@Operation
def device_and_threads() -> tuple[str, int | str]:
    """Return the name of the device, and how many threads compute on its host."""
    by_backend = f"chosen by {keras.backend.backend()}"
    return by_backend, by_backend


@device_and_threads.override("tensorflow")
def _device_and_threads_tensorflow() -> tuple[str, int | str]:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return details.get("device_name", "gpu" if gpus else "cpu"), threads or "one per core"


@device_and_threads.override("jax")
def _device_and_threads_jax() -> tuple[str, int | str]:
    import jax

    return jax.local_devices()[0].device_kind, "chosen by XLA"


@device_and_threads.override("torch")
def _device_and_threads_torch() -> tuple[str, int | str]:
    import torch

    gpu = torch.cuda.is_available()
    return (torch.cuda.get_device_name() if gpu else "cpu"), torch.get_num_threads()
