"""Reader of the weights of an ONNX model. It reads no graphs inside nodes and no other files.

The field numbers are those of ONNX's onnx/onnx.proto.
"""

import numpy as np

from keras_alexnet.formats.arrays import DecodedArray, StoredArray
from keras_alexnet.formats.errors import CheckpointError, quoted
from keras_alexnet.formats.files import CheckpointFile
from keras_alexnet.formats.protobuf.fields import FieldReader
from keras_alexnet.formats.protobuf.messages import Message
from keras_alexnet.formats.protobuf.onnx_graph import Graph
from keras_alexnet.formats.shapes import ElementType
from keras_alexnet.formats.unread import if_readable

PRODUCER, VERSION, GRAPH = 2, 3, 7  # ModelProto
INITIALIZER, SPARSE_INITIALIZER = 5, 15  # GraphProto
DIMS, DATA_TYPE, SEGMENT, NAME = 1, 2, 3, 8  # TensorProto
FLOAT_DATA, INT32_DATA, INT64_DATA, RAW_DATA, DOUBLE_DATA, UINT64_DATA = 4, 5, 7, 9, 10, 11
EXTERNAL_DATA, DATA_LOCATION = 13, 14
DATA = (FLOAT_DATA, INT32_DATA, INT64_DATA, RAW_DATA, DOUBLE_DATA, UINT64_DATA)


# By TensorProto.DataType: the element type, and the number of the field that holds the elements if
# `raw_data` does not. Texts, booleans, complex and 8-bit floating-point numbers are not weights.
ELEMENT_TYPES = {
    1: (ElementType("<f4"), FLOAT_DATA),
    2: (ElementType("u1"), INT32_DATA),
    3: (ElementType("i1"), INT32_DATA),
    4: (ElementType("<u2"), INT32_DATA),
    5: (ElementType("<i2"), INT32_DATA),
    6: (ElementType("<i4"), INT32_DATA),
    7: (ElementType("<i8"), INT64_DATA),
    10: (ElementType("<f2"), INT32_DATA),
    11: (ElementType("<f8"), DOUBLE_DATA),
    12: (ElementType("<u4"), UINT64_DATA),
    13: (ElementType("<u8"), UINT64_DATA),
    16: (ElementType("<u2", bfloat16=True), INT32_DATA),
}
FIXED = (RAW_DATA, FLOAT_DATA, DOUBLE_DATA)  # elements are stored as in memory
RESAVE = "Save the model again with onnx.save(onnx.load(path), other_path), as one file."


def read(file: CheckpointFile) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Read the initializers of the main graph, and its constants that are weights, by name.

    If the layers are a plain chain, their nodes give each tensor its `use`.
    """
    model = Message(FieldReader(file))
    graph = model.message(GRAPH)
    if graph is None:
        raise CheckpointError("The model has no graph.", "An ONNX model must have a graph.")
    if SPARSE_INITIALIZER in graph:
        raise CheckpointError(
            "The model has sparse initializers.",
            "All initializers must be dense.",
            "Export the model with dense initializers.",
        )
    tensors: dict[str, Message] = {}
    for tensor in graph.messages(INITIALIZER):
        name = tensor.text(NAME)
        if not name or name in tensors:
            raise CheckpointError(
                f"Two initializers have the name {quoted(name)}."
                if name
                else "An initializer has no name.",
                "Every initializer must have a name of its own.",
            )
        tensors[name] = tensor
    nodes = Graph(graph, tensors)
    uses = nodes.uses()
    tensors |= {name: nodes.constants[name] for name in uses if name not in tensors}
    if not tensors:
        raise CheckpointError(
            "The graph of the model has no initializers.",
            "The model must hold the weights of a network.",
            "Export the model with its parameters.",
        )
    arrays = {
        name: if_readable(file.path, name, _tensor_array, tensor)
        for name, tensor in tensors.items()
    }
    for name, use in uses.items():
        if use.part == "bias":
            arrays[name] = _as_vector(file, arrays[name])
        arrays[name].use = use
    metadata = {"producer": model.text(PRODUCER), "version": model.text(VERSION)}
    return arrays, {name: value for name, value in metadata.items() if value}


def _as_vector(file: CheckpointFile, array: StoredArray) -> StoredArray:
    """Return a bias without its axes of size 1, as it has if `Add` adds it to feature maps."""
    if len(array.shape) < 2 or array.size not in array.shape:
        return array
    return DecodedArray(file, (array.size,), array.dtype, lambda: array.read().reshape(-1))


def _tensor_array(tensor: Message) -> StoredArray:
    if tensor.integer(DATA_LOCATION) or EXTERNAL_DATA in tensor:
        raise CheckpointError(
            "The numbers of the tensor are in another file.",
            "The file must hold all numbers of its tensors.",
            RESAVE,
        )
    if SEGMENT in tensor:
        raise CheckpointError(
            "The tensor is one segment of a larger one.", "Every tensor must be complete.", RESAVE
        )
    code = tensor.integer(DATA_TYPE)
    if code is None or code not in ELEMENT_TYPES:
        raise CheckpointError(
            f"The tensor has the data type {code}.",
            "The data type must be an integer or floating-point type (1 is float32).",
            "Save the tensor as float32.",
        )
    element, typed_field = ELEMENT_TYPES[code]
    given = [number for number in DATA if number in tensor]
    if len(given) > 1 or (given and given[0] not in (RAW_DATA, typed_field)):
        raise CheckpointError(
            f"The numbers of the tensor are in the fields {given}.",
            f"The numbers must be in field {RAW_DATA} or in field {typed_field}.",
        )
    field, shape = given[0] if given else RAW_DATA, tensor.integers(DIMS)
    if field in FIXED:
        return tensor.array(field, shape, element.dtype, element.bfloat16)
    halves = element.bfloat16 or element.dtype == "<f2"  # as integers with their bits
    stored = np.dtype("u2" if halves else element.dtype).newbyteorder("=")

    def convert(values: np.ndarray) -> np.ndarray:
        values = _as_dtype(values, stored)
        if element.bfloat16:
            return (values.astype("u4") << 16).view("f4")
        return values.view("f2") if halves else values

    dtype = np.dtype("f4" if element.bfloat16 else element.dtype)
    return tensor.varint_array(field, shape, dtype, convert)


def _as_dtype(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return integers of 64 bits in a dtype, whose range must include them."""
    if dtype.itemsize == values.itemsize:
        return values.view(dtype)
    limits = np.iinfo(dtype)
    outside = values[(values < limits.min) | (values > limits.max)]
    if outside.size:
        raise CheckpointError(
            f"A tensor of dtype {dtype} has the number {outside[0]}.",
            f"The numbers must be {limits.min} to {limits.max}.",
        )
    return values.astype(dtype)
