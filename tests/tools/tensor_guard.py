"""Makes every call of `keras.ops`, a layer or a model raise, for tests that need no backend."""

import os
import pathlib

import keras

METHODS = (
    (keras.Operation, "__call__"),
    (keras.layers.Layer, "__call__"),
    (keras.layers.Layer, "__init__"),  # models are layers
    (keras.Variable, "__init__"),
)
NAMESPACES = [keras.ops, keras.ops.image, keras.ops.linalg, keras.ops.nn, keras.ops.numpy]
TOOLS = pathlib.Path(__file__).parent
# Python imports the module `sitecustomize` of this folder when a process starts.
CHILDREN = (TOOLS.parent / "no_tensors", TOOLS)


def _refusal(name):
    def refuse(*arguments, **options):
        raise AssertionError(
            f"Received a call of {name} in a test marked `backend_free`. Such a test must use no "
            "tensor library, because it runs on one backend only. Remove the mark from the test."
        )

    return refuse


def _functions(namespace):
    return {
        name: function
        for name, function in vars(namespace).items()
        if callable(function) and not isinstance(function, type) and not name.startswith("_")
    }


FUNCTIONS = [(vars(namespace), _functions(namespace)) for namespace in NAMESPACES]
REFUSALS = [
    (names, {name: _refusal(f"keras.ops.{name}") for name in functions})
    for names, functions in FUNCTIONS
]
ORIGINALS = [(owner, name, getattr(owner, name)) for owner, name in METHODS]


def forbid():
    """Let every call raise from now on."""
    for names, refusals in REFUSALS:
        names.update(refusals)
    for owner, name, _ in ORIGINALS:
        setattr(owner, name, _refusal(f"{owner.__name__}.{name}"))


def forbids():
    """Return whether every call raises."""
    owner, name, original = ORIGINALS[0]
    return getattr(owner, name) is not original


def allow():
    """Undo `forbid`."""
    for names, functions in FUNCTIONS:
        names.update(functions)
    for owner, name, original in ORIGINALS:
        setattr(owner, name, original)


def forbid_in_children(monkeypatch):
    """Let every call raise in the Python processes that are started from now on as well."""
    paths = [*map(str, CHILDREN), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
