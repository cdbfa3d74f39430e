"""Calls a function from a module with the name of an exporter."""

from keras_alexnet.operations.exports import is_exporting


def ask_from(module, question=is_exporting.plain):
    """Return what a function in a module of this name gets as its answer."""
    return eval("question()", {"__name__": module, "question": question})
