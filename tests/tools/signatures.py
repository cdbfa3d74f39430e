"""The parameters of a function or a class, the same on every Python."""

import inspect


def signature(thing):
    """Return the signature of a function, or of the constructor of a class.

    Before Python 3.11.4, `inspect.signature` shows the `__new__` of Keras's layers, `(*args,
    **kwargs)`, for a class that inherits its `__init__`.
    """
    if not inspect.isclass(thing) or thing.__init__ is object.__init__:
        return inspect.signature(thing)
    found = inspect.signature(thing.__init__)
    return found.replace(parameters=[*found.parameters.values()][1:])
