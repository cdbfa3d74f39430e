"""Reads the weights of an ONNX model, but no graphs inside its nodes and no other files.

The numbers of fields are those of ONNX's onnx/onnx.proto.
"""

from typing import NamedTuple

import numpy as np

from keras_alexnet.formats.arrays import DecodedArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, shown
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.protobuf.fields import Walk
from keras_alexnet.formats.protobuf.messages import Message
from keras_alexnet.formats.protobuf.onnx_graph import Graph
from keras_alexnet.formats.unread import if_readable

PRODUCER, VERSION, GRAPH = 2, 3, 7  # ModelProto
INITIALIZER, SPARSE_INITIALIZER = 5, 15  # GraphProto
DIMS, DATA_TYPE, SEGMENT, NAME = 1, 2, 3, 8  # TensorProto
FLOAT_DATA, INT32_DATA, INT64_DATA, RAW_DATA, DOUBLE_DATA, UINT64_DATA = 4, 5, 7, 9, 10, 11
EXTERNAL_DATA, DATA_LOCATION = 13, 14
DATA = (FLOAT_DATA, INT32_DATA, INT64_DATA, RAW_DATA, DOUBLE_DATA, UINT64_DATA)


class ElementType(NamedTuple):
    """A type of elements.

    Args:
        dtype: NumPy's type.
        field: Number of the field that holds the elements where `raw_data` does not.
        bfloat16: Whether these are the upper halves of float32 numbers.
    """

    dtype: str
    field: int
    bfloat16: bool = False


# TensorProto.DataType; text, truth values, complex and 8-bit floating numbers are no weights here.
ELEMENT_TYPES = {
    1: ElementType("<f4", FLOAT_DATA),
    2: ElementType("u1", INT32_DATA),
    3: ElementType("i1", INT32_DATA),
    4: ElementType("<u2", INT32_DATA),
    5: ElementType("<i2", INT32_DATA),
    6: ElementType("<i4", INT32_DATA),
    7: ElementType("<i8", INT64_DATA),
    10: ElementType("<f2", INT32_DATA),
    11: ElementType("<f8", DOUBLE_DATA),
    12: ElementType("<u4", UINT64_DATA),
    13: ElementType("<u8", UINT64_DATA),
    16: ElementType("<u2", INT32_DATA, bfloat16=True),
}
FIXED = (RAW_DATA, FLOAT_DATA, DOUBLE_DATA)  # elements as they are in memory
RESAVE = "Save it again with onnx.save(onnx.load(path), other_path), which keeps all in one file."


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the initialisers of the main graph by name, and constants that are weights in it.

    If the layers are a plain chain, their nodes give each tensor its `use`.
    """
    model = Message(Walk(file))
    graph = model.message(GRAPH)
    if graph is None:
        raise CheckpointError("It has no graph.", "A model was expected.")
    if SPARSE_INITIALIZER in graph:
        raise CheckpointError(
            "It has sparse initialisers.", "Dense ones were expected.", "Save them as dense ones."
        )
    tensors: dict[str, Message] = {}
    for tensor in graph.messages(INITIALIZER):
        name = tensor.text(NAME)
        if not name or name in tensors:
            raise CheckpointError(
                f"An initialiser is called {shown(name)}, as another is."
                if name
                else "An initialiser has no name.",
                "A name of its own was expected for each.",
            )
        tensors[name] = tensor
    nodes = Graph(graph, tensors)
    uses = nodes.uses()
    tensors |= {name: nodes.constants[name] for name in uses if name not in tensors}
    if not tensors:
        raise CheckpointError(
            "Its graph has no initialisers.",
            "The weights of a network were expected.",
            "Export the model with its parameters.",
        )
    arrays = {
        name: if_readable(file.path, name, _array, tensor) for name, tensor in tensors.items()
    }
    for name, use in uses.items():
        if use.part == "bias":
            arrays[name] = _vector(file, arrays[name])
        arrays[name].use = use
    metadata = {"producer": model.text(PRODUCER), "version": model.text(VERSION)}
    return arrays, {name: value for name, value in metadata.items() if value}


def _vector(file: CheckpointFile, array: StoredArray) -> StoredArray:
    """Return a bias without axes of size 1, which a bias that is added to maps has."""
    if len(array.shape) < 2 or array.size not in array.shape:
        return array
    return DecodedArray(file, (array.size,), array.dtype, lambda: array.read().reshape(-1))


def _array(tensor: Message) -> StoredArray:
    if tensor.integer(DATA_LOCATION) or EXTERNAL_DATA in tensor:
        raise CheckpointError(
            "Its numbers are in another file.", "All was expected in one.", RESAVE
        )
    if SEGMENT in tensor:
        raise CheckpointError("It is one segment of a tensor.", "All of it was expected.", RESAVE)
    code = tensor.integer(DATA_TYPE)
    element = ELEMENT_TYPES.get(code or 0)
    if element is None:
        raise CheckpointError(
            f"It has the element type {code}.",
            "Floating or whole numbers were expected (1 is float32).",
            "Save it as float32.",
        )
    return _stored(tensor, element, _data_field(tensor, element))


def _data_field(tensor: Message, element: ElementType) -> int:
    """Return the number of the field that holds the elements: one does, if there are any."""
    given = [number for number in DATA if number in tensor]
    if len(given) > 1 or (given and given[0] not in (RAW_DATA, element.field)):
        raise CheckpointError(
            f"Its numbers are in the fields {given}.",
            f"One of {RAW_DATA} and {element.field} was expected.",
        )
    return given[0] if given else RAW_DATA


def _stored(tensor: Message, element: ElementType, field: int) -> StoredArray:
    shape = tensor.integers(DIMS)
    if field in FIXED:
        return tensor.array(field, shape, element.dtype, element.bfloat16)
    halves = element.bfloat16 or element.dtype == "<f2"  # as the whole numbers of their bits
    stored = np.dtype("u2" if halves else element.dtype).newbyteorder("=")

    def convert(values: np.ndarray) -> np.ndarray:
        values = _in_range(values, stored)
        if element.bfloat16:
            return (values.astype("u4") << 16).view("f4")
        return values.view("f2") if halves else values

    dtype = np.dtype("f4" if element.bfloat16 else element.dtype)
    return tensor.varint_array(field, shape, dtype, convert)


def _in_range(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return whole numbers of 64 bits in a type, if it can hold them."""
    if dtype.itemsize == values.itemsize:
        return values.view(dtype)
    limits = np.iinfo(dtype)
    wrong = values[(values < limits.min) | (values > limits.max)]
    if wrong.size:
        raise CheckpointError(
            f"It has the number {wrong[0]}, and the type {dtype}.",
            f"{limits.min} to {limits.max} was expected.",
        )
    return values.astype(dtype)
