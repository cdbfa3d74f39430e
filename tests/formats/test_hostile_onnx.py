"""ONNX models that are damaged, or made to do harm, are refused; no other file is ever opened.

What is wrong with the encoding itself is tested with Caffe's files: both are read by one reader.
"""

import builtins
import os

import numpy as np
import pytest

from hostile import assert_refused, bounded
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.opening import open_checkpoint
from onnx_files import (
    ARRAYS,
    BFLOAT16,
    DATA_TYPE,
    DIMS,
    DOUBLE_DATA,
    EXTERNAL_DATA,
    FLOAT_DATA,
    GRAPH,
    INT32_DATA,
    INT64_DATA,
    IR_VERSION,
    LOCATION,
    NODE,
    RAW_DATA,
    SEGMENT,
    SPARSE,
    STRING,
    STRING_DATA,
    UINT64_DATA,
    graph,
    model,
    onnx_file,
    packed_data,
    tensor,
)
from protobuf_writer import field, fields, tag, varint

pytestmark = pytest.mark.backend_free

NUMBERS = np.arange(6, dtype="f4").reshape(2, 3)
WHOLE = np.arange(6).reshape(2, 3)
RAW = field(RAW_DATA, NUMBERS.tobytes())


def external(*pairs):
    """Return where a tensor's numbers are, as pairs of texts say."""
    return fields(EXTERNAL_DATA, [field(1, key) + field(2, value) for key, value in pairs])


def one(array=NUMBERS, data=None, **options):
    """Return a model with one tensor."""
    return model(graph([tensor("w", array, data, **options)]))


ELSEWHERE = {  # what the numbers are said to be in: other programs opened these files
    "a device": "/dev/zero",
    "passwords": "/etc/passwd",
    "above": "../weights",
    "above, below": "a/../../weights",
    "beside": "weights",
    "nothing": "",
}


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=ELSEWHERE)
def test_external_data(tmp_path, monkeypatch, place):
    """Named with a location, without one, and with the numbers there all the same."""
    path = tmp_path / "net"
    (tmp_path / "weights").write_bytes(NUMBERS.tobytes())
    where = external(("location", place), ("offset", "0"), ("length", "24"))
    message = "Tensor 'w': The numbers of the tensor are in another file.*onnx.save"
    for data in (where + field(LOCATION, 1), where, field(LOCATION, 1), where + RAW):
        path.write_bytes(one(data=data))
        opened = []

        def note(name, *arguments, opened=opened, real=os.open):
            """Open a file, and note its name."""
            opened.append(name)
            return real(name, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", note)
            patch.setattr(builtins, "open", note)
            with pytest.raises(CheckpointError, match=message), open_checkpoint(path) as net:
                net.arrays["w"].read()
        assert opened == [str(path)]


TENSORS = {
    "segment": (
        one(more=field(SEGMENT, field(1, 0) + field(2, 3))),
        "is one segment of a larger one",
    ),
    "text": (
        one(kind=STRING, data=fields(STRING_DATA, [b"a"] * 6)),
        r"data type 8\. The data type must be an integer or floating-point type \(1 is float32\)",
    ),
    "truth": (one(kind=9), "has the data type 9"),
    "complex": (one(kind=14), "has the data type 14"),
    "8-bit float": (one(kind=17), "has the data type 17"),
    "type 0": (one(kind=0), "has the data type 0"),
    "type -1": (one(kind=-1), "has the data type -1"),
    "type 2^32 + 1": (one(kind=(1 << 32) + 1), "has the data type 4294967297"),
    "no type": (model(graph([fields(DIMS, (2, 3)) + field(8, "w") + RAW])), "data type None"),
    "two fields": (
        one(data=RAW + field(FLOAT_DATA, NUMBERS.tobytes())),
        r"are in the fields \[4, 9\]. The numbers must be in field 9 or in field 4",
    ),
    "another field": (
        one(data=field(DOUBLE_DATA, NUMBERS.astype("f8").tobytes())),
        r"in the fields \[10\]",
    ),
    "whole numbers as floats": (
        one(WHOLE, field(FLOAT_DATA, NUMBERS.tobytes())),
        r"fields \[4\]. The numbers must be in field 9 or in field 7",
    ),
    "halves as floats": (
        one(NUMBERS.astype("f2"), field(FLOAT_DATA, NUMBERS.tobytes())),
        r"fields \[4\]. The numbers must be in field 9 or in field 5",
    ),
    "no numbers": (one(data=b""), r"shape \(2, 3\) has 0 elements. The array must have 6 elements"),
    "raw too short": (one(data=field(RAW_DATA, NUMBERS.tobytes()[:20])), "has 5 elements"),
    "raw too long": (one(data=field(RAW_DATA, NUMBERS.tobytes() + b"\0" * 4)), "has 7 elements"),
    "raw odd": (
        one(data=field(RAW_DATA, b"x" * 23)),
        "has 23 bytes. The field must consist of elements of 4 bytes",
    ),
    "raw of another type": (one(kind=11), "has 3 elements"),
    "raw twice": (one(data=RAW * 2), "has 12 elements"),
    "bfloat16 in two": (
        one(kind=BFLOAT16, data=field(RAW_DATA, b"\0" * 6) * 2),
        "is the second of number 9",
    ),
    "packed odd": (
        one(data=field(FLOAT_DATA, b"x" * 25)),
        "has 25 bytes. The field must consist of elements of 4",
    ),
    "a number cut": (one(WHOLE, field(INT64_DATA, b"\1\2\3\4\5\6\x86")), "The last element is cut"),
    "a number of 11 bytes": (
        one(WHOLE, field(INT64_DATA, b"\1\2\3\4\5" + b"\x80" * 10 + b"\1")),
        "more than 64 bits",
    ),
    "whole numbers missing": (one(WHOLE, packed_data(INT64_DATA, WHOLE[:1])), "has 3 elements"),
    "whole numbers too many": (one(WHOLE, packed_data(INT64_DATA, WHOLE) * 2), "has 12 elements"),
    "1 MB one by one": (
        one(WHOLE, field(INT64_DATA, b"\1" * ((1 << 20) + 1))),
        r"shape \(2, 3\) has 1048577 elements. The array must have 6 elements",
    ),
    "beyond 8 bits": (
        one(WHOLE.astype("u1"), packed_data(INT32_DATA, WHOLE + 251)),
        "dtype uint8 has the number 256. The numbers must be 0 to 255",
    ),
    "below 8 bits": (
        one(WHOLE.astype("i1"), packed_data(INT32_DATA, WHOLE - 129)),
        "dtype int8 has the number -129. The numbers must be -128 to 127",
    ),
    "beyond 32 bits": (
        one(WHOLE.astype("i4"), packed_data(INT32_DATA, WHOLE + (1 << 31) - 3)),
        "dtype int32 has the number 2147483648",
    ),
    "beyond 32 bits, unsigned": (
        one(WHOLE.astype("u4"), packed_data(UINT64_DATA, WHOLE + (1 << 32))),
        "dtype uint32",
    ),
    "halves beyond 16 bits": (
        one(NUMBERS.astype("f2"), packed_data(INT32_DATA, WHOLE + 65_531)),
        "dtype uint16 has the number 65536",
    ),
    "bfloat16 beyond 16 bits": (
        one(WHOLE, packed_data(INT32_DATA, WHOLE - 1), kind=BFLOAT16),
        "dtype uint16 has the number -1",
    ),
    "size -1": (one(dims=fields(DIMS, (-2, -3))), "size that is negative or not an integer"),
    "size 2^40": (one(dims=fields(DIMS, (1 << 40,))), r"shape \(1099511627776,\) has 6 elements"),
    "size 2^41": (one(dims=fields(DIMS, (1 << 41,))), "at most 1099511627776 elements"),
    "product 2^64": (one(dims=fields(DIMS, (1 << 32, 1 << 32))), "at most 1099511627776"),
    "zero times 2^62": (one(dims=fields(DIMS, (0, 1 << 62))), "at most 1099511627776 elements"),
    "9 axes": (one(dims=fields(DIMS, (1,) * 7 + (2, 3))), "has 9 axes"),
    "1,000,000 axes": (one(dims=field(DIMS, b"\1" * 1_000_000)), "more than 64 integers"),
    "sizes of whole numbers": (
        one(WHOLE, packed_data(INT64_DATA, WHOLE), dims=fields(DIMS, (1 << 40,))),
        r"shape \(1099511627776,\) has 6 elements",
    ),
    "10^12 numbers": (
        one(data=tag(RAW_DATA, 2) + varint(4 * 10**12)),
        "has 4000000000000 bytes",
    ),
}


@pytest.mark.parametrize(("content", "message"), TENSORS.values(), ids=TENSORS)
def test_hostile_tensor(tmp_path, content, message):
    assert_refused(tmp_path / "weights", message, content)


def test_the_tensor_is_named(tmp_path):
    content = model(graph([tensor("a\x1b[2J", NUMBERS, b"")]))
    assert_refused(tmp_path / "weights", r"Tensor 'a\\x1b\[2J': An? .* of shape \(2, 3\)", content)


GOOD = tensor("w", NUMBERS)
MODELS = {
    "no graph": (field(IR_VERSION, 7) + field(2, "me"), "The model has no graph"),
    "two graphs": (model(graph([GOOD])) + field(GRAPH, graph([GOOD])), "the second of number 7"),
    "no initializers": (
        model(graph([])),
        "The graph of the model has no initializers.*with its parameters",
    ),
    "sparse": (model(graph([GOOD], more=field(SPARSE, b""))), "has sparse initializers"),
    "a name twice": (model(graph([GOOD, GOOD])), "Two initializers have the name 'w'"),
    "no name": (model(graph([tensor(None, NUMBERS)])), "An initializer has no name"),
    "empty name": (model(graph([tensor("", NUMBERS)])), "An initializer has no name"),
    "name in latin-1": (
        model(graph([tensor(b"\xff", NUMBERS)])),
        r"is b'\\xff'. A text must be UTF-8",
    ),
    "graph is a number": (field(IR_VERSION, 7) + field(2, "") + field(GRAPH, 3), "wire type 0"),
    "graph cut": (onnx_file()[:-20], "has .* bytes, and its message ends after"),
    "a node cut": (
        model(graph([GOOD], [tag(NODE, 2) + varint(1 << 40)])),
        "has 1099511627776 bytes",
    ),
    "200,000 nodes": (model(graph([GOOD], [field(NODE, b"")] * 200_000)), "more than 100000 fie"),
    "200,000 tensors": (
        model(graph([field(DATA_TYPE, 1)] * 200_000)),
        "more than 100000 fields|has no name",
    ),
}


@pytest.mark.medium
@pytest.mark.parametrize(("content", "message"), MODELS.values(), ids=MODELS)
def test_hostile_model(tmp_path, content, message):
    assert_refused(tmp_path / "weights", message, content)


def test_any_cut_is_noticed(tmp_path):
    """The graph says how long it is: only what follows it may be missing without a word."""
    content = onnx_file()
    end = content.index(model(b"")[-6:])  # the version of the operators
    for length in (*range(end), *range(end + 1, len(content))):
        assert_refused(tmp_path / "weights", "", content[:length])
    (tmp_path / "weights").write_bytes(content[:end])
    with open_checkpoint(tmp_path / "weights") as opened:
        assert list(opened.arrays) == list(ARRAYS)


def test_a_file_that_shrinks(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(onnx_file({"w": np.ones(100_000, "f4")}))
    with open_checkpoint(path) as opened:
        os.truncate(path, 200_000)
        with pytest.raises(CheckpointError, match="was changed or replaced while it was"):
            opened.arrays["w"].read(0, 10)
        with pytest.raises(CheckpointError, match=r"ends early, at byte 200000 of .*changed while"):
            opened.arrays["w"].read()


def test_deep_graphs_are_not_entered(tmp_path):
    """Graphs within nodes within graphs, 10,000 deep, cost as little as any other bytes."""
    deep = b""
    for _ in range(10_000):
        deep = field(NODE, field(5, field(6, deep)))
    path = tmp_path / "weights"
    path.write_bytes(model(graph([GOOD], [deep])))
    with bounded(), open_checkpoint(path) as opened:
        assert list(opened.arrays) == ["w"]
