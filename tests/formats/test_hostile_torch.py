"""PyTorch's archives that are damaged, or made to do harm, are refused."""

import pytest

import torch_files
from hostile import assert_refused
from keras_alexnet.formats.opening import open_checkpoint
from pickle_writer import Called, Long, Named, Persistent, Raw, opcodes, pickled
from torch_files import storage, tensor, zip_file, zip_parts

pytestmark = pytest.mark.backend_free

# Values of a pickle, or its opcodes after the protocol.
SHARED = b")" + b"q\x00h\x00\x86" * 60
ORDERED = Named("collections", "OrderedDict")
PAIRS = b"]q\x00(" + b"".join(opcodes([f"{i}", i]) for i in range(1000)) + b"e"
HOSTILE_PICKLES = {
    "os.system": (Called(Named("os", "system"), ("touch harm",)), r"asks for 'os\.system'"),
    "posix.system": (Called(Named("posix", "system"), ("touch harm",)), r"for 'posix\.system'"),
    "eval": (Called(Named("builtins", "eval"), ("1",)), r"asks for 'builtins\.eval'"),
    "stack global": (
        Raw(b"\x8c\x02os\x8c\x06system\x93\x8c\x0atouch harm\x85R"),
        r"asks for 'os\.system'",
    ),
    "number as a name": (Raw(b"K\x01K\x02\x93"), "in place of a name, a text"),
    "INST": (Raw(b"(\x8c\x0atouch harmios\nsystem\n"), "has the opcode 0x69"),
    "OBJ": (Raw(b"(" + opcodes(ORDERED) + b"o"), "has the opcode 0x6f"),
    "EXT1": (Raw(b"\x82\x01"), "has the opcode 0x82"),
    "PERSID": (Raw(b"P0\n"), "has the opcode 0x50"),
    "NEWOBJ_EX": (Raw(b"\x92"), "more values than it made"),
    "DUP": (Raw(b"}2"), "has the opcode 0x32"),
    "BUILD on a class": (Raw(opcodes(ORDERED) + b"}b"), "changes a value of type Function"),
    "BUILD on a storage": (Raw(opcodes(storage()) + b"}b"), "changes a value of type Storage"),
    "SETITEM on a tensor": (Raw(opcodes(tensor()) + b"K\0K\0s"), "changes a value of type Tensor"),
    "APPEND to a dictionary": (Raw(b"}K\0a"), "changes a value of type dict"),
    "SETITEM on a list": (Raw(b"]K\0K\0s"), "changes a value of type list"),
    "a key without a value": (Raw(b"}(X\x01\0\0\0au"), "has a key without a value"),
    "call of no function": (Called(Named("torch", "FloatStorage"), ()), "calls a value of type"),
    "arguments in no tuple": (Called(ORDERED, []), "calls a value of type Function"),
    "tuples 1,000,000 deep": (Raw(b"})" + b"\x85" * 1_000_000 + b"K\0s"), "more than 200000 st"),
    "tuples 100,000 deep": (Raw(b"})" + b"\x85" * 100_000 + b"K\0s"), "type dict, without tensors"),
    "tuple of 2^60": (Raw(b"}" + SHARED + b"K\0s"), "type dict, without tensors"),
    "a tuple of 2^60 alone": (Raw(SHARED), "holds a value of type tuple, without tensors"),
    "keys that collide": ({Long(((1 << 61) - 1) * 2): 0}, "type dict, without tensors"),
    "key None": ({None: 0}, "type dict, without tensors"),
    "key of bytes": ({b"a": 0}, "type dict, without tensors"),
    "key True": ({True: 0}, "type dict, without tensors"),
    "list as a key": (Raw(b"}]K\0s"), "type dict, without tensors"),
    "lists 1,000,000 deep": (Raw(b"]" * 1_000_000), "more than 200000 steps"),
    "lists 90,000 deep": (Raw(b"]" * 90_000 + b"a" * 89_999), "type list, without tensors"),
    "1,000,000 marks": (Raw(b"(" * 1_000_000), "more than 200000 steps"),
    "marks never closed": (Raw(b"(("), "does not end with exactly one value"),
    "values behind a mark": (Raw(b"}(a"), "more values than it made"),
    "copies of a dictionary": (
        Raw(PAIRS + (opcodes(ORDERED) + b"h\x00\x85R") * 300),
        "more than 200000 steps",
    ),
    "LONG_BINPUT 2^31": (Raw(b"}r\0\0\0\x80"), "under the number 2147483648"),
    "LONG_BINPUT 2^28": (Raw(b"}r\0\0\0\x10"), "under the number 268435456"),
    "BINGET of nothing": (Raw(b"h\x07"), "asks for the unknown value 7"),
    "text of 2^31": (Raw(b"X\0\0\0\x80abc"), "ends early"),
    "text of 2^63": (Raw(b"\x8d\0\0\0\0\0\0\0\x80abc"), "ends early"),
    "text cut short": (Raw(b"X\xa0\x0f\0\0abc"), "ends early"),
    "text of -1": (Raw(b"T\xff\xff\xff\xffabc"), "negative length"),
    "text that is no UTF-8": (
        Raw(b"X\x01\0\0\0\xff"),
        r"The text b'\\xff' in the pickle is not utf-8",
    ),
    "number of 255 bytes": (
        Raw(b"\x8a\xff" + b"\1" * 255),
        r"holds an object of the class 'builtins\.int'",
    ),
    "name without an end": (Raw(b"c" + b"a" * 300), "a name of more than 256 characters"),
    "control characters": (Named("\x1b[2J", "\u202ea"), r"holds the name '\\x1b\[2J\.\\u202ea'"),
    "takes from nothing": (Raw(b"s"), "more values than it made"),
    "ends a group": (Raw(b"t"), "a group that it did not begin"),
    "nothing": (Raw(b""), "does not end with exactly one value"),
    "two values": (Raw(b"}}"), "does not end with exactly one value"),
    "a number": (3, "holds a value of type int, without tensors"),
    "pairs of three": (Called(ORDERED, ([["a", 1, 2]],)), "something else than pairs"),
    "pairs of text": (Called(ORDERED, ("ab",)), "something else than pairs"),
    "no tuple as reference": (Persistent("0"), "that is not a storage"),
    "number as storage": (storage(key=0), "in place of the key of a storage"),
    "no type of storage": (storage(kind="FloatStorage"), "in place of a type of storage"),
    "half of a storage": (storage(count=True), "in place of a non-negative integer"),
    "reference to itself": (Raw(b"]q\0h\0a"), "type list, without tensors by name"),
    "dictionary in itself": (Raw(b"}q\0X\1\0\0\0ah\0s"), "type dict, without tensors by name"),
    "sets 1,000,000 deep": (Raw(b"(" * 199_990 + b"\x91" * 100), "more than 200000 steps|another"),
    "a set as a key": (Raw(b"}\x8f(\x8f\x90K\0s"), "type dict, without tensors by name"),
    "ADDITEMS to nothing": (Raw(b"\x90"), "a group that it did not begin"),
    "state of a name": (Raw(b"cfoo\nbar\n}b"), "changes the name 'foo.bar'"),
    "call of an object": (Raw(b"cfoo\nbar\n)R)R"), "calls an object of the class 'foo.bar'"),
    "objects in objects": (
        Raw(b"cfoo\nbar\nq\0)R" + b"X\1\0\0\0ah\0)R" * 20_000 + b"s" * 20_000),
        "an object of the class 'foo.bar' as 'a'",
    ),
    "os.system in an object": (
        {"a": Called(Named("foo", "bar"), (Called(Named("os", "system"), ("touch harm",)),))},
        r"asks for 'os\.system'",
    ),
    "a module of a harmful one": (Named("importlib.util", "find_spec"), "asks for 'importlib"),
}


@pytest.mark.medium
@pytest.mark.parametrize(("value", "message"), HOSTILE_PICKLES.values(), ids=HOSTILE_PICKLES)
def test_hostile_pickle(monkeypatch, tmp_path, value, message):
    """Nothing is run, nothing waits, and the message says what it was."""
    monkeypatch.chdir(tmp_path)
    assert_refused(tmp_path / "weights", message, zip_file(zip_parts(pickled(value))))
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ends early"),
        (b"\x80", "ends early"),
        (b"\x80\x09.", "has protocol 9"),
        (b"\x80\x01.", "has protocol 1"),
        (pickled({})[:-1], "ends early"),
        (pickled({}) + b"x", "ends 1 bytes early"),
        (pickled({"a": "b" * 4096}) + b"." * (1 << 20), "ends 1048576 bytes early"),
    ],
    ids=["empty", "byte", "protocol 9", "protocol 1", "no STOP", "early STOP", "too long"],
)
def test_hostile_ends_of_a_pickle(tmp_path, content, message):
    parts = zip_parts() | {"archive/data.pkl": content}
    assert_refused(tmp_path / "weights", message, zip_file(parts))


def test_two_entries_of_one_name(tmp_path):
    items = b"".join(opcodes("features.0.bias") + opcodes(tensor("1", (2,))) for _ in range(2))
    content = pickled(Raw(b"}(" + items + b"u"))
    assert_refused(
        tmp_path / "weights", "two entries for the key 'features.0", zip_file(zip_parts(content))
    )


def test_a_state_with_attributes_is_ignored(tmp_path):
    """What a pickle sets on a dictionary beyond its entries has no effect."""
    entries = Raw(opcodes(torch_files.state()) + opcodes({"__reduce__": 1}) + b"b")
    (tmp_path / "weights").write_bytes(zip_file(zip_parts(pickled(entries))))
    with open_checkpoint(tmp_path / "weights") as contents:
        assert list(contents.arrays) == list(torch_files.ARRAYS)


TENSORS = {  # of a storage with 24 elements
    "negative stride": (
        tensor(strides=(12, 4, -2, 1)),
        "strides that are negative, missing or not integers",
    ),
    "negative size": (tensor(shape=(2, -3), count=24), "size that is negative or not an integer"),
    "negative offset": (tensor(offset=-1), "in place of a non-negative integer"),
    "offset too far": (tensor(offset=1), r"offset 1 lies in storage '0' of 24 elements"),
    "stride too far": (tensor(strides=(13, 4, 2, 1)), r"strides \(13, 4, 2, 1\).* 24 elements"),
    "stride 2^61": (tensor(strides=(Long(1 << 61), 4, 2, 1)), "24 elements"),
    "offset 2^61": (tensor(offset=Long(1 << 61)), "offset 2305843009213693952"),
    "offset 2^127": (tensor(offset=Long((1 << 127) - 1)), "offset 1701411834604692317"),
    "fewer strides": (
        tensor(strides=(4, 2, 1)),
        "strides that are negative, missing or not integers",
    ),
    "size of a fraction": (
        tensor(shape=(24.0,), count=24),
        "size that is negative or not an integer",
    ),
    "size True": (tensor(shape=(True,), count=24), "size that is negative or not an integer"),
    "2^40 from one": (tensor(shape=(1 << 40,), strides=(0,), count=24), "repeats elements"),
    "2^41": (tensor(shape=(1 << 41,), strides=(1,), count=24), "at most 1099511627776 elements"),
    "9 axes": (tensor(shape=(1,) * 9, count=24), "has 9 axes"),
    "sizes in a list": (
        Called(Named("torch._utils", "_rebuild_tensor_v2"), (storage(), 0, [24], [1], False, {})),
        "something else than a storage and sizes",
    ),
    "no storage": (
        Called(Named("torch._utils", "_rebuild_tensor_v2"), ("0", 0, (24,), (1,), False, {})),
        "something else than a storage and sizes",
    ),
    "too few arguments": (
        Called(Named("torch._utils", "_rebuild_tensor"), (storage(),)),
        "makes a tensor in an unknown way",
    ),
    "conjugated": (tensor(last=({"conj": True},)), "conjugated or negated"),
    "parameter of a number": (torch_files.parameter(3), "in place of a tensor"),
    "storage one too long": (tensor(count=25), "of 25 elements has 96 bytes instead of 100"),
    "storage one too short": (
        tensor(shape=(23,), count=23),
        "of 23 elements has 96 bytes instead of 92",
    ),
    "storage of 2^61": (tensor(count=Long(1 << 61)), "has 96 bytes instead of 9223372036854775808"),
    "storage missing": (tensor("7"), "'7' of 24 elements is not in the archive"),
    "storage elsewhere": (
        tensor("../../../etc/passwd"),
        r"'\.\./\.\./\.\./etc/passwd'.* is not in",
    ),
    "part of a storage": (
        Called(
            Named("torch._utils", "_rebuild_tensor"),
            (storage(extra=(("1", 20, 5),)), 0, (5,), (1,)),
        ),
        "reaches past the end of the storage",
    ),
    "other type of storage": (
        tensor(kind=Named("torch", "ComplexFloatStorage")),
        "Tensor 'conv1.weight': The tensor is complex",
    ),
}


@pytest.mark.parametrize(("value", "message"), TENSORS.values(), ids=TENSORS)
def test_hostile_tensor(tmp_path, value, message):
    assert_refused(tmp_path / "weights", message, zip_file(zip_parts({"conv1.weight": value})))


def test_the_tensor_is_named(tmp_path):
    content = zip_file(zip_parts({"conv1\x1b.weight": tensor(offset=1)}))
    assert_refused(
        tmp_path / "weights",
        r"Tensor 'conv1\\x1b\.weight': An? .* of shape \(2, 3, 2, 2\)",
        content,
    )


def test_one_storage_of_two_types(tmp_path):
    """Allowed where both mean the same bytes."""
    half = Named("torch", "HalfStorage")
    value = {"a": tensor("0"), "b": tensor("0", (24,), kind=half)}
    assert_refused(
        tmp_path / "weights", "gives the storage '0' two sizes", zip_file(zip_parts(value))
    )
    value = {"a": tensor("0"), "b": tensor("0", (12,), kind=Named("torch", "DoubleStorage"))}
    (tmp_path / "weights").write_bytes(zip_file(zip_parts(value)))
    with open_checkpoint(tmp_path / "weights") as contents:
        both = [contents.arrays[name].read().tobytes() for name in "ab"]
    assert both[0] == both[1]
