"""The operations for which a backend has a faster way than plain `keras.ops`, chosen here alone.

A backend's module may define any name of `plain`; what it leaves out comes from `plain`, which
is also what the tests compare every fast path with.
"""

import importlib

import keras

from keras_alexnet.operations import plain

_FAST_MODULES = {"tensorflow", "jax", "torch"}


def chosen(name: str, backend: str | None = None):
    """Return a backend's function of this name, or the plain one where it has none of its own."""
    backend = backend or keras.backend.backend()
    if backend not in _FAST_MODULES:
        return getattr(plain, name)
    module = importlib.import_module(f"keras_alexnet.operations.{backend}")
    return getattr(module, name, getattr(plain, name))


descend = chosen("descend")
differentiable = chosen("differentiable")
dropout = chosen("dropout")
grouped_conv = chosen("grouped_conv")
is_exporting = chosen("is_exporting")
slow_max_pool = chosen("slow_max_pool")
window_sum = chosen("window_sum")
