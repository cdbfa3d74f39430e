"""`device_scope`: the devices of this machine on which a job trains, chosen by count."""

import contextlib
from typing import Any

import keras

from keras_alexnet.distribution import check_count, distribution
from keras_alexnet.errors import UserError
from keras_alexnet.operations.operation import Operation
from keras_alexnet.startup import notices_held_back

TRAINING = ("tensorflow", "jax", "torch")  # Keras's backends that compute gradients


def check_devices(job: Any) -> None:
    """Raise unless a job can train on this backend, and on its number of devices.

    Args:
        job: The `Job`.

    Raises:
        UserError: If there are fewer devices than asked for; if the backend, or the compile mode
            `"xla"` on TensorFlow, trains on one device only; if a batch has fewer images than there
            are devices; if a distribution is already set; or if the backend does not train.
    """
    if keras.backend.backend() not in TRAINING:
        raise UserError(
            f"Received a training on the backend {keras.backend.backend()!r}.",
            "The backend must compute gradients: TensorFlow, JAX and PyTorch do.",
            "Set KERAS_BACKEND to one of them before Keras is imported.",
        )
    if job.devices == 1:
        return
    device_scope(job.devices)
    if job.batch_size < job.devices:
        raise UserError(
            f"Received devices={job.devices} with batch_size={job.batch_size}.",
            "Every device must get at least one image of each batch.",
            "Give larger batches (--batch-size), or fewer devices (--devices).",
        )
    if job.compile_mode == "xla" and keras.backend.backend() == "tensorflow":
        raise UserError(
            f"Received compile_mode='xla' with devices={job.devices} on the TensorFlow backend.",
            "TensorFlow compiles a step with XLA for one device only.",
            "Leave compile_mode (--compile) at 'auto', or use the JAX backend.",
        )


@Operation
def device_scope(count: int) -> Any:
    """Return the context in which a model must be built, compiled and trained.

    Args:
        count: Number of devices; with 1, the context changes nothing.

    Raises:
        UserError: If there are fewer devices, or the backend has no such context.
    """
    if count == 1:
        return contextlib.nullcontext()
    raise UserError(
        f"Received devices={count} on the {keras.backend.backend()} backend.",
        "One process trains on one device there.",
        "Use the TensorFlow or the JAX backend, or start a process for each device with torchrun, "
        "as examples/several_machines_torch.py does.",
    )


@device_scope.override("jax")
def _device_scope_jax(count: int) -> Any:
    """Return the scope of a data-parallel `keras.distribution`."""
    if count == 1:
        return contextlib.nullcontext()
    if keras.distribution.distribution() is not None:
        raise UserError(
            f"Received devices={count} after keras.distribution.set_distribution.",
            "The devices must be chosen in one place.",
            "Leave `devices` (--devices) out, or call set_distribution(None) first.",
        )
    return distribution("data_parallel", count).scope()


@device_scope.override("tensorflow")
def _device_scope_tensorflow(count: int) -> Any:
    """Return the scope of a `MirroredStrategy` on GPUs, or on CPUs without a GPU."""
    if count == 1:
        return contextlib.nullcontext()
    import tensorflow as tf

    with notices_held_back():
        kinds = (tf.config.list_logical_devices(kind) for kind in ("GPU", "CPU"))
        names = [device.name for device in next(filter(None, kinds))]
    check_count(count, names)
    with notices_held_back():  # on CPUs, that the strategy does without NCCL
        return tf.distribute.MirroredStrategy(names[:count]).scope()
