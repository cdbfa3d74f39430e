"""New values for several variables: all of them, or none."""

from collections.abc import Callable, Iterable

import keras
import numpy as np
from keras import ops

from keras_alexnet.interrupts import delayed_interrupts
from keras_alexnet.operations.operation import Operation

PAGE_BYTES = 4096  # the least that a system gives
PART_BYTES = 8 << 20  # what a thread asks for at once


def assign_all(pairs: Iterable[tuple]) -> None:
    """Assign an array to each of several variables: to all of them, or to none.

    What can fail comes first: all arrays become tensors before the first variable changes. From
    then on Ctrl-C waits for the last one.

    Args:
        pairs: Keras variables and arrays of their shapes, C-contiguous. The arrays belong to the
            variables from then on.

    Example:

    >>> import keras, numpy as np
    >>> variables = [keras.Variable([0.0, 0.0]), keras.Variable(0.0)]
    >>> assign_all(zip(variables, [np.array([1.0, 2.0]), np.array(3.0)]))
    >>> [variable.numpy().tolist() for variable in variables]
    [[1.0, 2.0], 3.0]
    """
    tensors = [(variable, new_tensor(variable, values)) for variable, values in pairs]
    with delayed_interrupts():
        for variable, tensor in tensors:
            assign(variable, tensor)


@Operation
def new_tensor(variable, values: np.ndarray):
    """Return an array as a tensor that a variable can be assigned: of its type, on its device.

    Args:
        variable: The Keras variable.
        values: An array of its shape, which nothing else changes. The tensor may share its memory.
    """
    return ops.convert_to_tensor(values, dtype=variable.dtype)


@new_tensor.override("tensorflow")
def _new_tensor_tensorflow(variable, values: np.ndarray):
    """Hand the memory of `new_values` over, which `keras.ops` would copy twice.

    TensorFlow computes with tensors that begin at a multiple of 64 bytes, and ends the process
    where one does not.
    """
    import tensorflow as tf

    if values.dtype.kind != "f" or values.ctypes.data % 64:
        return new_tensor.plain(variable, values)
    with tf.device(variable.value.device):
        tensor = tf.identity(tf.experimental.dlpack.from_dlpack(values.__dlpack__()))
        return tf.cast(tensor, variable.dtype)


@new_tensor.override("torch")
def _new_tensor_torch(variable, values: np.ndarray):
    """Hand the array's memory over, where `keras.ops` would copy it."""
    import torch

    return torch.from_numpy(values).to(variable.value.device, variable.value.dtype)


@Operation
def assign(variable, tensor) -> None:
    """Assign a tensor that `new_tensor` made."""
    variable.assign(tensor)


@assign.override("torch")
def _assign_torch(variable, tensor) -> None:
    """Take the tensor's memory over, unless a GPU or other processes have the variable's."""
    value = variable.value
    if value.device.type == "cpu" and not value.is_shared():
        value.data = tensor
    else:
        variable.assign(tensor)


def new_values(variable, run: Callable = map) -> np.ndarray:
    """Return an array for new values of a variable, which begins at a multiple of 64 bytes.

    JAX and TensorFlow align their arrays so, and take one of NumPy's over as it is if it is too;
    any other they copy. All of its memory has been written to: a system gives a page with the first
    write, and where threads write columns side by side all would wait for the same pages.

    Args:
        variable: The variable.
        run: What calls a function for each of several arguments, such as a thread pool's `map`.
    """
    shape = tuple(variable.shape)
    dtype = variable.dtype if variable.dtype in ("float16", "float64") else "float32"
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(size + 64, "uint8")
    parts = range(0, room.size, PART_BYTES)
    list(run(lambda first: room[first : first + PART_BYTES : PAGE_BYTES].fill(0), parts))
    start = -room.ctypes.data % 64
    return room[start : start + size].view(dtype).reshape(shape)


def as_array(variable) -> np.ndarray:
    """Return the values of a Keras variable, or of a tensor; of bfloat16 as float32.

    NumPy has no bfloat16; float32 holds its values exactly.
    """
    dtype = keras.backend.standardize_dtype(variable.dtype)
    value = ops.cast(variable, "float32" if dtype == "bfloat16" else dtype)  # a tensor
    return np.asarray(ops.convert_to_numpy(value))
