"""New values for several variables: all of them, or none."""

import contextlib
import signal
import threading
from collections.abc import Iterable, Iterator

from keras_alexnet.operations import chosen


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
    new_tensor, assign = chosen("new_tensor"), chosen("assign")
    tensors = [(variable, new_tensor(variable, values)) for variable, values in pairs]
    with delayed_interrupts():
        for variable, tensor in tensors:
            assign(variable, tensor)


@contextlib.contextmanager
def delayed_interrupts() -> Iterator[None]:
    """Let Ctrl-C interrupt the program after a block instead of inside it.

    Python runs signal handlers in the main thread alone; other threads are never interrupted.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or handler is None:
        yield
        return
    caught: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if caught:
            signal.raise_signal(signal.SIGINT)
