"""OpenVINO files: written from a `Graph` by way of ONNX, and run by OpenVINO.

OpenVINO reads ONNX itself. Its own files, `.xml` with the weights in a `.bin` beside it, open
without the conversion, and hold weights of half the size.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from keras_alexnet.export import onnx_files
from keras_alexnet.export.operators import Graph
from keras_alexnet.export.settings import Settings
from keras_alexnet.files import check_room

MARGIN = 1 << 17  # bytes of the `.xml` file
TEXTS = "keras_alexnet"  # the part of `rt_info` that holds the texts


def write(graph: Graph, texts: Mapping[str, str], path: str, settings: Settings) -> None:
    """Write a graph as OpenVINO's two files.

    Args:
        graph: The network.
        texts: What the file says about it, by name, under `keras_alexnet` in `rt_info`.
        path: The `.xml` file.
        settings: How to write it.

    Raises:
        OSError: If the disk is too full.
    """
    # OpenVINO halves the weights itself.
    halved = settings.precision == "float16"
    wide = dataclasses.replace(settings, precision="float32") if halved else settings
    source = f"{path}.onnx"
    onnx_files.write(graph, {}, source, wide)
    with _openvino() as openvino:
        model = openvino.convert_model(source)
        for name, text in texts.items():
            model.set_rt_info(text, [TEXTS, name])
        # OpenVINO's own error for a full disk names neither the disk nor the file.
        size = os.path.getsize(source) // (2 if halved else 1)
        check_room(f"{os.path.splitext(path)[0]}.bin", size + MARGIN)
        openvino.save_model(model, path, compress_to_fp16=halved)
        del model  # which may have the file in memory
    os.remove(source)


def load(path: str) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Return a function that runs a file with OpenVINO: from a batch to the outputs.

    On processors that have it OpenVINO computes in bfloat16 unless float32 is asked for.
    """
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    with _openvino() as openvino:
        compiled = openvino.Core().compile_model(path, "CPU", options)
    outputs = compiled.outputs

    def run(batch: np.ndarray) -> list[np.ndarray]:
        found = compiled([batch])
        return [np.array(found[output]) for output in outputs]

    return run


@contextlib.contextmanager
def _openvino() -> Iterator[Any]:
    """Give OpenVINO, which does not report its use to its makers meanwhile.

    It would do that from forked processes, of which JAX warns: they can hang. It reports nothing
    where `CI` is "true".
    """
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        yield importlib.import_module("openvino")
    finally:
        if before is None:
            del os.environ["CI"]
        else:
            os.environ["CI"] = before
