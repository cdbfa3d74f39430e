"""LiteRT (TensorFlow Lite): its interpreter, and its whole numbers for a part of a model."""

import contextlib
import importlib.util
import os
import warnings
from collections.abc import Iterator
from typing import Any

from keras_alexnet.export.tensorflow_module import FLOAT


def interpreter(path: str) -> Any:
    """Return the interpreter of LiteRT's own package, or else the older one in TensorFlow."""
    threads = os.cpu_count()
    if importlib.util.find_spec("ai_edge_litert") is not None:
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(path, num_threads=threads)
    import tensorflow as tf

    with without_advice():
        return tf.lite.Interpreter(path, num_threads=threads)


def quantized(converter: Any) -> bytes:
    """Return a file in int8, but for the operations with `FLOAT` in their names.

    Args:
        converter: A `tf.lite.TFLiteConverter` with a `representative_dataset`.
    """
    import tensorflow as tf

    options = tf.lite.experimental.QuantizationDebugOptions
    with without_advice():
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter, debug_dataset=converter.representative_dataset
        )
        measured = tf.lite.Interpreter(model_content=debugger.calibrated_model)
        names = [tensor["name"] for tensor in measured.get_tensor_details()]
        exact = [name for name in names if FLOAT in name]
        debugger.options = options(denylisted_nodes=exact)
    return debugger.get_nondebug_quantized_model()


@contextlib.contextmanager
def without_advice() -> Iterator[None]:
    """Keep TensorFlow from naming LiteRT's own package, which the user may have or not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).*tf.lite.Interpreter is deprecated")
        yield
