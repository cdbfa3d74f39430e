"""The `repr` of public objects: one short line."""

import reprlib
from collections.abc import Callable


def short_repr(*names: str) -> Callable[[object], str]:
    """Return a `__repr__` with the class and some attributes, of which long ones are cut.

    Example:

    >>> class Network:
    ...     name, layers = "paper", list(range(100))
    ...     __repr__ = short_repr("name", "layers")
    >>> Network()
    Network(name='paper', layers=[0, 1, 2, 3, 4, 5, ...])
    """

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={reprlib.repr(getattr(self, name))}" for name in names)
        return f"{type(self).__name__}({said})"

    return __repr__
