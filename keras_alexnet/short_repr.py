"""`short_repr`: the `repr` of public objects, one short line."""

import reprlib
from collections.abc import Callable


def short_repr(*names: str) -> Callable[[object], str]:
    """Return a `__repr__` that shows the class and some attributes, and cuts long values.

    Example:

    >>> class Network:
    ...     name, layers = "paper", list(range(100))
    ...     __repr__ = short_repr("name", "layers")
    >>> Network()
    Network(name='paper', layers=[0, 1, 2, 3, 4, 5, ...])
    """

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={reprlib.repr(getattr(self, name))}" for name in names)
        return f"{type(self).__name__}({values})"

    return __repr__
