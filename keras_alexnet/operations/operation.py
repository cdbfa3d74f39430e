"""The choice between an operation in plain `keras.ops` and a backend's faster version of it."""

import functools
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

import keras

P = ParamSpec("P")
R = TypeVar("R")


class Operation(Generic[P, R]):
    """A function in plain `keras.ops`, and the versions of it that override it on a backend.

    A call runs the version of Keras's backend, or the plain one where the backend has none. A
    version imports its backend's library itself: only one of them may be installed.

    Args:
        plain: The function that holds on every backend. The tests compare all versions with it.

    Example:

    >>> @Operation
    ... def square(x):
    ...     return x * x
    >>> @square.override("another")
    ... def _square_on_another(x):
    ...     return x**2
    >>> square(3), square.on("another")(3), square.on("torch") is square.plain
    (9, 9, True)
    """

    def __init__(self, plain: Callable[P, R]):
        self.plain = plain
        self._versions: dict[str, Callable[P, R]] = {}
        functools.update_wrapper(self, plain)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the version of Keras's backend."""
        return self.on(keras.backend.backend())(*args, **kwargs)

    def on(self, backend: str) -> Callable[P, R]:
        """Return the version of a backend, or the plain one where it has none."""
        return self._versions.get(backend, self.plain)

    def override(self, backend: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return a decorator that makes a function the version of a backend."""

        def register(version: Callable[P, R]) -> Callable[P, R]:
            self._versions[backend] = version
            return version

        return register
