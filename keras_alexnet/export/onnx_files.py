"""ONNX files: written from a `Graph`, and run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from keras_alexnet.errors import UserError
from keras_alexnet.export.onnx_graph import Maps, OnnxGraph
from keras_alexnet.export.onnx_operators import TO_FIRST, TO_LAST, write_operator
from keras_alexnet.export.operators import (
    AdaptivePool,
    Graph,
    LocalConv,
    Lrn,
    Node,
    Resize,
    Value,
)
from keras_alexnet.export.quantization import quantize_onnx
from keras_alexnet.export.settings import Settings
from keras_alexnet.version import __version__

if TYPE_CHECKING:
    import onnx

OPSET = 13  # the first with sizes of `ReduceSum` and axes of `Softmax` as they are used here
IR_VERSION = 8  # of the files, that engines since 2021 read
LARGEST = 2**31 - 1  # bytes of a Protocol Buffers message


def write(graph: Graph, texts: Mapping[str, str], path: str, settings: Settings) -> None:
    """Write a graph as an ONNX file.

    Args:
        graph: The network.
        texts: What the file says about it, by name, as `metadata_props`.
        path: The file.
        settings: How to write it.

    Raises:
        UserError: If the file would be larger than 2 GiB.
    """
    content = onnx_bytes(graph, texts, settings)
    if settings.precision == "int8" and settings.calibration is not None:
        quantize_onnx(content, path, settings.calibration, exact_nodes(graph))
        return
    with open(path, "wb") as file:
        file.write(content)


def exact_nodes(graph: Graph) -> tuple[str, ...]:
    """Return the names of the nodes of a graph that compute in float32 in an int8 file.

    For sums of squares, and for the pixels of photos of every size, 8 bits are too few. OpenVINO
    2026.4 runs no products of whole numbers with weights for each place.
    """
    kinds = Lrn | Resize | LocalConv | AdaptivePool
    return tuple(node.name for node in graph.nodes if isinstance(node.operator, kinds))


def onnx_bytes(graph: Graph, texts: Mapping[str, str], settings: Settings) -> bytes:
    """Return a graph as the bytes of an ONNX file."""
    model = onnx_model(graph, texts, settings)
    size = model.ByteSize()
    if size > LARGEST:
        raise UserError(
            f"Received the model {graph.name!r}, whose ONNX file would have {size:,} bytes.",
            "An ONNX file must not be larger than 2 GiB.",
            "Pass precision='float16' (--precision float16), or choose another format.",
        )
    return model.SerializeToString()


def load(path: str) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Return a function that runs an ONNX file with ONNX Runtime: from a batch to the outputs."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return lambda batch: session.run(None, {given.name: batch})


def onnx_model(graph: Graph, texts: Mapping[str, str], settings: Settings) -> onnx.ModelProto:
    """Return a graph as a model of ONNX, checked."""
    import onnx
    from onnx import helper

    written = OnnxGraph(settings)
    values = _with_nodes(written, graph)
    outputs = [_output(written, graph, values[value.name], value) for value in graph.outputs]
    made = helper.make_graph(
        written.nodes, graph.name, [_described(graph.input)], outputs, written.constants
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="keras_alexnet",
        producer_version=__version__,
    )
    helper.set_model_props(model, dict(texts))
    onnx.checker.check_model(model)
    return model


def _with_nodes(written: OnnxGraph, graph: Graph) -> dict[str, Maps]:
    """Add the nodes of a graph, and return each of its values as ONNX computes it."""
    import onnx

    last = graph.data_format == "channels_last"
    x = graph.input.name
    if last:
        x = written.node("Transpose", [x], x, perm=TO_FIRST)
    if graph.input.dtype != "float32":
        x = written.node("Cast", [x], graph.input.name, to=onnx.TensorProto.FLOAT)
    values = {graph.input.name: _computed(graph, graph.input, x)}
    for node in graph.nodes:
        values[node.output.name] = _written(written, graph, node, values[node.input])
    return values


def _written(written: OnnxGraph, graph: Graph, node: Node, x: Maps) -> Maps:
    """Add the nodes of an operator, and return its value."""
    y = write_operator(node.operator, written, x, node.name)
    if y == x.name:  # it changes nothing; an output needs a name of its own
        y = written.node("Identity", [y], node.name)
    if node.output.dtype == "uint8":
        y = written.node("Round", [y], node.name)  # whole numbers, as floats
    return _computed(graph, node.output, y)


def _computed(graph: Graph, value: Value, name: str) -> Maps:
    """Return a value with the shape that it has while ONNX computes."""
    shape = value.shape
    if len(shape) == 4 and graph.data_format == "channels_last":
        shape = tuple(shape[axis] for axis in TO_FIRST)
    return Maps(name, shape)


def _output(written: OnnxGraph, graph: Graph, found: Maps, value: Value) -> onnx.ValueInfoProto:
    """Give a result the name and the layout of an output of the graph, and describe it."""
    import onnx

    x = found.name
    if len(value.shape) == 4 and graph.data_format == "channels_last":
        x = written.node("Transpose", [x], value.name, perm=TO_LAST)
    if value.dtype != "float32":
        x = written.node("Cast", [x], value.name, to=onnx.TensorProto.UINT8)
    written.rename(x, value.name)
    return _described(value, f"{value.name}_")


def _described(value: Value, prefix: str = "") -> onnx.ValueInfoProto:
    """Return the description of an input or an output, where sizes that are not known have names.

    Equal names are equal sizes: an output has the batch of the input, and sizes of its own.
    """
    from onnx import TensorProto, helper

    names = iter(("batch", f"{prefix}height", f"{prefix}width"))
    sizes = [next(names) if size is None else size for size in value.shape]
    kind = TensorProto.UINT8 if value.dtype == "uint8" else TensorProto.FLOAT
    return helper.make_tensor_value_info(value.name, kind, sizes)
