"""OpenVINO files: written from a `Graph` by way of ONNX, and run by OpenVINO.

OpenVINO reads ONNX itself. Its own files, `.xml` with the weights in a `.bin` beside it, open
without the conversion, and hold weights of half the size.
"""

from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_alexnet.export import onnx_files
from keras_alexnet.export.onnx_files import onnx_bytes
from keras_alexnet.export.operators import Graph
from keras_alexnet.export.settings import Settings

TEXTS = "keras_alexnet"  # the part of `rt_info` that holds the texts


def write(graph: Graph, texts: Mapping[str, str], path: str, settings: Settings) -> None:
    """Write a graph as OpenVINO's two files.

    Args:
        graph: The network.
        texts: What the file says about it, by name, under `keras_alexnet` in `rt_info`.
        path: The `.xml` file.
        settings: How to write it.
    """
    import openvino

    # OpenVINO halves the weights itself.
    wide = dataclasses.replace(settings, precision="float32")
    given: Any = io.BytesIO(onnx_bytes(graph, {}, wide))
    if settings.precision == "int8":
        given = f"{path}.onnx"
        onnx_files.write(graph, {}, given, settings)
    model = openvino.convert_model(given)
    for name, text in texts.items():
        model.set_rt_info(text, [TEXTS, name])
    if isinstance(given, str):
        os.remove(given)
    openvino.save_model(model, path, compress_to_fp16=settings.precision == "float16")


def load(path: str) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Return a function that runs a file with OpenVINO: from a batch to the outputs.

    On processors that have it OpenVINO computes in bfloat16 unless float32 is asked for.
    """
    import openvino

    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", options)
    outputs = compiled.outputs

    def run(batch: np.ndarray) -> list[np.ndarray]:
        found = compiled([batch])
        return [np.array(found[output]) for output in outputs]

    return run
