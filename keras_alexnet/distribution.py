"""`distribution`: a layout of batches and weights on several devices, for `keras.distribution`."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_alexnet.arguments import choice, integer
from keras_alexnet.errors import UserError, amount
from keras_alexnet.type_aliases import DeviceLayout

LAYOUTS = ("data_parallel", "one_weird_trick")
UNITS = 4096  # of fc6 and fc7, in every ImageNet variant
AXIS = "batch"  # Keras's name for the axis of `DataParallel`


def distribution(
    layout: DeviceLayout = "data_parallel", devices: int | Sequence[str] | None = None
) -> Any:
    """Return a `keras.distribution` that trains a network on several devices.

    Set it before the model is built: with `.scope()`, or for the whole process with
    `keras.distribution.set_distribution`. Both layouts give the losses of one device, up to
    rounding. Every device takes its share of each batch, so the number of devices must divide every
    batch, the last one too: `keras_alexnet.training.padding.pad_batches` pads batches.

    `"data_parallel"` keeps a whole copy of all weights on each device, and sums their gradients.

    `"one_weird_trick"` (A. Krizhevsky, arXiv:1404.5997) does so for the convolutions alone, which
    have 4 % of the weights and 92 % of the multiply-adds of `paper`. Each device keeps a part of
    the fully connected layers `fc6` to `fc8` and of their optimizer's variables. The devices
    exchange activations of these layers instead of gradients of 58 million weights. `fc6` and
    `fc7` are split by their units, and `fc8` by its inputs, so that it may have any number of
    classes. In networks without these layers, it is the same as `"data_parallel"`.

    Keras (up to 3.15) distributes on JAX alone. On TensorFlow, build the model in the scope of a
    `tf.distribute.MirroredStrategy`, or call `jobs.fit(devices=N)`. On PyTorch, see
    examples/several_machines_torch.py. After `keras.distribution.initialize`, the devices are
    those of all machines.

    Args:
        layout: `"data_parallel"` or `"one_weird_trick"`.
        devices: Number of devices, from the first on; or their names, as
            `keras.distribution.list_devices` returns them. `None` for all.

    Returns:
        A `keras.distribution.DataParallel` or a `keras.distribution.ModelParallel`.

    Raises:
        UserError: (a `ValueError`) on another backend than JAX; for devices that are not there; if
            the 4,096 units of `fc6` cannot be divided among the devices.

    Example:

    >>> if keras.backend.backend() == "jax":
    ...     with distribution("one_weird_trick", devices=1).scope():
    ...         model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, name="fc6")])
    """
    choice("layout", layout, LAYOUTS, "Leave it out for 'data_parallel'.")
    if keras.backend.backend() != "jax":
        raise UserError(
            f"Received a call of `distribution` on the {keras.backend.backend()} backend.",
            "keras.distribution needs the JAX backend.",
            "Set KERAS_BACKEND=jax, use tf.distribute.MirroredStrategy on TensorFlow, or "
            "torchrun on PyTorch.",
        )
    chosen = _chosen(devices)
    if layout == "data_parallel":
        return keras.distribution.DataParallel(devices=chosen)
    if UNITS % len(chosen):
        raise UserError(
            f"Received {len(chosen)} devices for the layout 'one_weird_trick'.",
            f"The number of devices must divide the {UNITS:,} units of fc6 and fc7.",
            "Use 1, 2, 4, 8 or 16 devices, or the layout 'data_parallel'.",
        )
    return keras.distribution.ModelParallel(layout_map=_dense_layouts(chosen))


def check_count(devices: Any, there: Sequence[str]) -> int:
    """Return a number of devices, or raise `UserError` if there are fewer.

    Args:
        devices: The number.
        there: The names of all devices.
    """
    count = integer("devices", devices, 1, "Give 1 to train on one device.")
    if count > len(there):
        listed = ", ".join(there[:3]) + (", ..." if len(there) > 3 else "")
        raise UserError(
            f"Received devices={count}, but Keras finds {amount(len(there), 'device')}: {listed}.",
            "`devices` must not be more than the devices that Keras finds.",
            "Leave `devices` (--devices) out, to use that one."
            if len(there) == 1
            else f"Give a number from 1 to {len(there)} (--devices).",
        )
    return count


def _chosen(devices: Any) -> list[str]:
    """Return the names of the devices to use."""
    there = keras.distribution.list_devices()
    if devices is None:
        return there
    if isinstance(devices, (list, tuple)):
        unknown = [name for name in devices if name not in there]
        if devices and not unknown and len({*devices}) == len(devices):
            return [*devices]
        raise UserError(
            f"Received devices={devices!r}.",
            f"`devices` must be names, each once, out of {', '.join(there)}.",
            "Give a number, or leave it out for all devices.",
        )
    return there[: check_count(devices, there)]


def _dense_layouts(devices: list[str]) -> Any:
    """Return the layouts of the fully connected layers of the ImageNet networks.

    The mesh has one axis, for the images of the convolutions and for the parts of these layers. The
    layouts of the outputs make XLA gather the activations there, and never the weights.
    """
    mesh = keras.distribution.DeviceMesh((len(devices),), [AXIS], devices)
    layouts = keras.distribution.LayoutMap(mesh)
    layouts[r"(.*/)?fc[67]/kernel"] = (None, AXIS)
    layouts[r"(.*/)?fc[67]/bias"] = (AXIS,)
    layouts[r"(.*/)?(fc|relu)[67]/output"] = (None, AXIS)
    layouts[r"(.*/)?fc8/kernel"] = (AXIS, None)
    layouts[r"(.*/)?fc8/output"] = (AXIS, None)
    return layouts
