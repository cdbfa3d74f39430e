"""Whether a layer is being traced by an exporter, which the fast operations are not made for.

Exporters write down what a layer does in another runtime's operations. They have none for a
function that must be compiled by XLA, and PyTorch's tracer loses additions into views. While one
traces, every operation is the plain one; nothing is switched, so nothing can stay switched.

Keras has no public sign of it. This file holds the private touch: the names of the modules that
export. tests/test_exports.py fails if Keras, or another exporter, moves them.
"""

import sys

EXPORTERS = ("keras.src.export", "tf2onnx", "tensorflow.lite", "tensorflow.python.saved_model")


def is_exporting() -> bool:
    """Return whether one of the functions that led here belongs to an exporter."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(EXPORTERS):
            return True
        frame = frame.f_back
    return False
