"""ONNX's initializers are read as ONNX's own library reads them, whichever field they are in."""

import numpy as np
import pytest

import onnx_files
from onnx_files import (
    ARRAYS,
    BFLOAT16,
    DIMS,
    DOUBLE_DATA,
    FLOAT_DATA,
    INT32_DATA,
    INT64_DATA,
    RAW_DATA,
    UINT64_DATA,
    graph,
    model,
    node,
    onnx_file,
    packed_data,
    tensor,
    value,
)
from protobuf_writer import field, fields, in_pieces
from stored import as_bfloat16, assert_same, peak_of_rows, read_all

pytestmark = pytest.mark.backend_free

FLOATS = np.array([[0, 1.5, -2.25], [np.inf, -np.inf, 1e-3]], "f4")
WHOLE = np.array([[0, 1, 127], [100, 99, 2]])
FIELDS = {  # by type: the field for its numbers where `raw_data` does not hold them
    **{"float32": FLOAT_DATA, "float64": DOUBLE_DATA, "float16": INT32_DATA},
    **{"int8": INT32_DATA, "int16": INT32_DATA, "int32": INT32_DATA, "int64": INT64_DATA},
    **{"uint8": INT32_DATA, "uint16": INT32_DATA, "uint32": UINT64_DATA, "uint64": UINT64_DATA},
}


def values_of(kind):
    """Return numbers of a type, the smallest and the largest ones among them."""
    if kind.startswith("float"):
        return FLOATS.astype(kind)
    limits = np.iinfo(kind)
    return np.array([[limits.min, limits.max, 1], [3, 100, limits.max - 1]], kind)


@pytest.mark.peer("onnx")
@pytest.mark.parametrize("raw", [True, False], ids=["raw", "field"])
@pytest.mark.parametrize("kind", [*FIELDS, "bfloat16"])
def test_what_onnx_writes(tmp_path, kind, raw):
    """Tensors as ONNX's own helpers make them, in a whole model."""
    import onnx

    if kind == "bfloat16":
        expected, halves = as_bfloat16(FLOATS)
        code, values = onnx.TensorProto.BFLOAT16, expected
        content = halves.tobytes()
    else:
        expected = values = values_of(kind)
        code = onnx.helper.np_dtype_to_tensor_dtype(expected.dtype)
        content = expected.tobytes()
    made = onnx.helper.make_tensor("a", code, (2, 3), content if raw else values.ravel(), raw)
    relu = onnx.helper.make_node("Relu", ["x"], ["y"])
    ends = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    whole = onnx.helper.make_graph([relu], "g", ends[:1], ends[1:], [made])
    whole = onnx.helper.make_model(whole, producer_name="me", producer_version="1.2")
    onnx.checker.check_model(whole)
    kind, arrays, metadata = read_all(tmp_path / "net", whole.SerializeToString())
    assert kind == "onnx" and metadata == {"producer": "me", "version": "1.2"}
    assert_same(arrays, {"a": expected})


@pytest.mark.peer("onnx")
def test_our_own_writer(tmp_path):
    """ONNX's library reads what the tests' own writer writes, and so do we."""
    import onnx

    content = onnx_file()
    onnx.checker.check_model(onnx.load_from_string(content))
    theirs = onnx.load_from_string(content).graph.initializer
    kind, arrays, metadata = read_all(tmp_path / "net", content)
    assert kind == "onnx" and metadata == {"producer": "onnx-caffe2"}
    assert_same(arrays, ARRAYS)
    assert_same(arrays, {t.name: onnx.numpy_helper.to_array(t).copy() for t in theirs})


F4 = np.linspace(-2, 2, 6, dtype="f4").reshape(2, 3)
F8, F2, I8, U8 = F4.astype("f8"), F4.astype("f2"), WHOLE.astype("i8"), WHOLE.astype("u8")
NEGATIVE = np.array([-1, -(1 << 63), (1 << 63) - 1])
WAYS = {  # an array, and its numbers written in some way
    "float packed": (F4, field(FLOAT_DATA, F4.tobytes())),
    "float one by one": (F4, fields(FLOAT_DATA, F4.ravel())),
    "float in pieces": (F4, in_pieces(FLOAT_DATA, F4.tobytes(), 8)),
    "double packed": (F8, field(DOUBLE_DATA, F8.tobytes())),
    "double one by one": (F8, fields(DOUBLE_DATA, F8.ravel())),
    "whole packed": (I8, packed_data(INT64_DATA, I8)),
    "whole one by one": (I8, fields(INT64_DATA, I8.ravel().tolist())),
    "whole, some packed": (I8, packed_data(INT64_DATA, I8[0]) + packed_data(INT64_DATA, I8[1])),
    "whole, negative": (NEGATIVE, packed_data(INT64_DATA, NEGATIVE)),
    "unsigned": (U8, packed_data(UINT64_DATA, U8)),
    "halves": (F2, packed_data(INT32_DATA, F2.view("u2"))),
    "halves, one by one": (F2, fields(INT32_DATA, F2.view("u2").ravel().tolist())),
    "no numbers": (np.ones((0, 3), "f4"), b""),
    "no numbers, raw": (np.ones((3, 0), "f8"), field(RAW_DATA, b"")),
    "no axes": (np.array(2.5, "f4"), field(FLOAT_DATA, np.array(2.5, "f4").tobytes())),
    "no axes, raw": (np.array(7), field(RAW_DATA, np.array(7).tobytes())),
}


@pytest.mark.peer("onnx")
@pytest.mark.parametrize("way", WAYS)
def test_ways_to_write_numbers(tmp_path, way):
    import onnx

    array, data = WAYS[way]
    written = tensor("a", array, data)
    arrays = read_all(tmp_path / "net", model(graph([written])))[1]
    assert_same(arrays, {"a": array})
    theirs = onnx.numpy_helper.to_array(onnx.TensorProto.FromString(written))
    np.testing.assert_array_equal(arrays["a"], theirs)


@pytest.mark.parametrize("way", ["raw", "packed", "one by one"])
def test_bfloat16(tmp_path, way):
    """The upper halves of float32 numbers come as these."""
    expected, halves = as_bfloat16(F4)
    data = {
        "raw": field(RAW_DATA, halves.tobytes()),
        "packed": packed_data(INT32_DATA, halves),
        "one by one": fields(INT32_DATA, halves.ravel().tolist()),
    }[way]
    content = model(graph([tensor("a", halves, data, kind=BFLOAT16)]))
    assert_same(read_all(tmp_path / "net", content)[1], {"a": expected})


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "int64"])
def test_large_tensors_one_by_one(tmp_path, kind):
    """More than is decoded at once; no more memory is taken than some pieces and the result."""
    bits = np.random.default_rng(0).integers(0, 1 << 15, 700_000, "u2") & 0xBFFF  # no infinity
    expected, code, number = {
        "float16": (bits.view("f2"), 10, INT32_DATA),
        "bfloat16": ((bits.astype("u4") << 16).view("f4"), BFLOAT16, INT32_DATA),
        "int64": (bits.astype("i8"), 7, INT64_DATA),
    }[kind]
    data = field(number, varints(bits))
    content = model(graph([tensor("a", bits, data, kind=code)]))
    assert_same(read_all(tmp_path / "net", content)[1], {"a": expected})


def varints(values):
    """Return numbers below 2^21 with 7 bits in each byte: one, two or three bytes."""
    parts = np.stack([values & 0x7F, values >> 7 & 0x7F, values >> 14], axis=1).astype("u1")
    last = np.where(values >> 14, 2, np.where(values >> 7, 1, 0))
    places = np.arange(3)
    parts |= (places < last[:, None]).astype("u1") << 7
    return parts[places <= last[:, None]].tobytes()


def test_sizes_in_one_piece(tmp_path):
    """Libraries of protocol buffers write them one by one or packed."""
    dims = field(DIMS, bytes([2, 3]))
    content = model(graph([tensor("a", F4, dims=dims)]))
    assert_same(read_all(tmp_path / "net", content)[1], {"a": F4})


def test_nothing_but_initializers_is_entered(tmp_path):
    """Nodes, constants in them, and graphs within graphs are passed over, however deep."""
    deep = b"\xff"
    for _ in range(1000):
        deep = field(1, field(5, field(6, deep)))  # node, attribute, graph
    nodes = [field(onnx_files.NODE, deep), node("Constant", [], "c", value=1.0)]
    more = field(13, value("c", 1)) + field(10, "a graph") + field(99, b"\xff\xff")
    content = model(graph([tensor("a", F4)], nodes, more=more)) + field(25, deep)
    assert_same(read_all(tmp_path / "net", content)[1], {"a": F4})


@pytest.mark.parametrize("ir_version", [3, 10, 127])
@pytest.mark.parametrize("second", [2, 3, 4, 5, 6, 7])
def test_what_a_model_may_begin_with(tmp_path, ir_version, second):
    """The version of the format, and then any of the fields in their order."""
    content = model(graph([tensor("a", F4)]), ir_version, producer="")
    head = field(onnx_files.IR_VERSION, ir_version)
    start = {2: field(2, "p"), 3: field(3, "1"), 4: field(4, "d"), 5: field(5, 1), 6: field(6, "x")}
    body = content[len(head) + 2 :]
    kind, arrays, _ = read_all(tmp_path / "net", head + start.get(second, b"") + body)
    assert kind == "onnx"
    assert_same(arrays, {"a": F4})


def test_rows_are_read_where_they_are(tmp_path):
    """4 MB of weights are never in memory as a whole."""
    path = tmp_path / "net"
    path.write_bytes(onnx_file({"a": np.ones((1000, 1000), "f4")}))
    assert peak_of_rows(path, "a") < 1 << 19
