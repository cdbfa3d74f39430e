"""Forbids tensors in each process that a test marked `backend_free` starts, if it imports Keras."""

import importlib.abc
import importlib.machinery
import sys


class Forbidding(importlib.abc.MetaPathFinder):
    """Finds Keras as Python does, and forbids its tensors as soon as it is imported."""

    def find_spec(self, name, path=None, target=None):
        """Return the specification of Keras alone."""
        if name != "keras":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def execute_and_forbid(module):
            execute(module)
            import tensor_guard

            tensor_guard.forbid()

        spec.loader.exec_module = execute_and_forbid
        return spec


sys.meta_path.insert(0, Forbidding())
