"""Whether a model is being exported: its operations must then be ones that every format holds.

Whoever exports a model traces it first, and tells its layers nothing. The call stack shows who
traces. Nothing is switched for it, so nothing stays switched when an export fails, and a model that
another thread traces at the same time is traced as ever. Keras's modules are found by its public
class. One name of a private module, TensorFlow's, stands here; tests/operations/test_exports.py
exports through each of them, and fails if one moves.
"""

import inspect

import keras

from keras_alexnet.operations.operation import Operation

EXPORTERS = (
    f"{keras.export.ExportArchive.__module__.rpartition('.')[0]}.",  # `Model.export` too
    "jax2onnx.",
    "openvino.",
    "tensorflow.lite.",
    "tensorflow.python.saved_model.",  # `tf.saved_model.save`
    "tf2onnx.",
)


@Operation
def is_exporting() -> bool:
    """Return whether a function of one of the exporters is running, and has led to this call."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(EXPORTERS):
            return True
        frame = frame.f_back
    return False


@is_exporting.override("tensorflow")
def _is_exporting_tensorflow() -> bool:
    """Return whether an export is tracing; eagerly nothing is traced."""
    import tensorflow as tf

    return not tf.executing_eagerly() and is_exporting.plain()


@is_exporting.override("torch")
def _is_exporting_torch() -> bool:
    """Return whether a model is traced for TorchScript, ONNX, OpenVINO or `torch.export`."""
    import torch

    exporting = getattr(torch.compiler, "is_exporting", bool)  # PyTorch has it since 2.7
    return torch.jit.is_tracing() or exporting()
