"""Says in an error which tensor it is about."""

import contextlib
from collections.abc import Iterator

from keras_alexnet.formats.errors import CheckpointError, shown


@contextlib.contextmanager
def blaming(name: str) -> Iterator[None]:
    """Put the name of a tensor in front of the errors of a block.

    Example:

    >>> with blaming("conv1/0"):
    ...     raise CheckpointError("It has 9 axes.")
    Traceback (most recent call last):
    keras_alexnet.formats.errors.CheckpointError: Tensor 'conv1/0': It has 9 axes.
    """
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"Tensor {shown(name)}: {error}") from error
