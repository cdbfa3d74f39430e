"""Writes ONNX models field by field; ONNX Runtime and the library of ONNX check this writer.

The numbers of fields are those of onnx/onnx.proto.
"""

import numpy as np

from protobuf_writer import field, fields, packed

IR_VERSION, PRODUCER, PRODUCER_VERSION, GRAPH, OPSET = 1, 2, 3, 7, 8  # ModelProto
NODE, GRAPH_NAME, INITIALIZER, INPUT, OUTPUT, SPARSE = 1, 2, 5, 11, 12, 15  # GraphProto
DIMS, DATA_TYPE, SEGMENT, FLOAT_DATA, INT32_DATA, STRING_DATA, INT64_DATA = 1, 2, 3, 4, 5, 6, 7
NAME, RAW_DATA, DOUBLE_DATA, UINT64_DATA, EXTERNAL_DATA, LOCATION = 8, 9, 10, 11, 13, 14
FLOAT, STRING, BFLOAT16 = 1, 8, 16
TYPES = {  # TensorProto.DataType
    **{"float32": FLOAT, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7},
    **{"float16": 10, "float64": 11, "uint32": 12, "uint64": 13},
}
ARRAYS = {
    "conv1_w_0": np.arange(24, dtype="f4").reshape(2, 3, 2, 2),
    "conv1_b_0": np.array([0.5, -1.5], "f4"),
    "OC2_DUMMY_1": np.array([1, 64]),
}


def tensor(name, array, data=None, dims=None, kind=None, more=b""):
    """Return a tensor; its data, sizes, or type may be given as others."""
    dims = fields(DIMS, array.shape) if dims is None else dims
    kind = field(DATA_TYPE, TYPES[array.dtype.name] if kind is None else kind)
    content = array.astype(array.dtype.newbyteorder("<")).tobytes()
    data = field(RAW_DATA, content) if data is None else data
    return dims + kind + (b"" if name is None else field(NAME, name)) + data + more


def attribute(name, value):
    """Return a node's attribute: a number, several whole ones, or a tensor's bytes."""
    if isinstance(value, bytes):
        return field(1, name) + field(5, value) + field(20, 4)
    if isinstance(value, float):
        return field(1, name) + field(2, np.float32(value)) + field(20, 1)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + fields(8, value) + field(20, 7)


def node(kind, inputs, output, **attributes):
    """Return a node: a field of a graph."""
    pairs = [attribute(name, value) for name, value in attributes.items()]
    ends = fields(1, inputs) + field(2, output)
    return field(NODE, ends + field(3, output) + field(4, kind) + fields(5, pairs))


def value(name, *shape):
    """Return the description of an input or output, a float32 tensor."""
    sizes = fields(1, [field(1, n) for n in shape])
    return field(1, name) + field(
        2, field(1, field(1, FLOAT) + (field(2, sizes) if shape else b""))
    )


def graph(tensors, nodes=(), inputs=(), outputs=(), more=b""):
    """Return a graph."""
    ends = fields(INPUT, inputs) + fields(OUTPUT, outputs)
    return (
        b"".join(nodes) + field(GRAPH_NAME, "alexnet") + fields(INITIALIZER, tensors) + ends + more
    )


def model(graph, ir_version=7, producer="onnx-caffe2", opset=12):
    """Return a whole file."""
    head = field(IR_VERSION, ir_version) + field(PRODUCER, producer)
    return head + field(GRAPH, graph) + field(OPSET, field(1, "") + field(2, opset))


def onnx_file(arrays=None, write=tensor):
    """Return the file with arrays by name, and a node."""
    arrays = ARRAYS if arrays is None else arrays
    tensors = [write(name, array) for name, array in arrays.items()]
    return model(graph(tensors, [node("Relu", ["x"], "y")], [value("x", 1)], [value("y", 1)]))


def packed_data(number, array):
    """Return a tensor's numbers as whole ones, packed in a field."""
    return packed(number, array.ravel().tolist())
