"""safetensors files that are damaged, or made to do harm, are refused.

The library itself accepts some of them: a name given twice, unknown keys, shapes beyond all reason.
"""

import json
import os

import numpy as np
import pytest

from hostile import assert_refused
from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.opening import open_checkpoint
from safetensors_files import ARRAYS, entry, framed, safetensors_file, table_of

pytestmark = pytest.mark.backend_free

A, B = np.arange(6, dtype="f4").reshape(2, 3), np.ones(2, "f4")
CONTENT = A.tobytes() + B.tobytes()


def two(a=None, b=None, content=CONTENT, **more):
    """Return a file with two tensors, whose entries may be others."""
    table = {"a": entry(0, A) if a is None else a, "b": entry(24, B) if b is None else b}
    return framed(table | more, content)


def spelled(text):
    """Return a file with a table in these words."""
    return framed(text.encode(), CONTENT)


def changed(**changes):
    return two(a=entry(0, A, **changes))


GOOD = json.dumps(table_of({"a": A, "b": B}))
TABLES = {
    "no JSON": (spelled("{'a': 1}"), "The header is not JSON in UTF-8: .*Expecting property name"),
    "cut": (spelled(GOOD[:-1]), "The header is not JSON in UTF-8"),
    "two values": (spelled(GOOD + "{}"), "The header is not JSON in UTF-8: 'Extra data"),
    "bytes behind": (spelled(GOOD + "\0"), "The header is not JSON in UTF-8"),
    "no UTF-8": (framed(b'{"\xff": 1}', CONTENT), "The header is not JSON in UTF-8: .*utf-8"),
    "half a character": (spelled(GOOD.replace('"a"', r'"\ud800"')), r"UnicodeEncodeError"),
    "a list": (framed(b'[{"a": 1}, 23]'), "The file begins as no model"),
    "NaN": (changed(shape=[float("nan")]), "The header has the number 'NaN'"),
    "Infinity": (changed(data_offsets=[0, float("inf")]), "has the number 'Infinity'"),
    "a fraction": (changed(shape=[2.0, 3]), "has the number '2.0'"),
    "an exponent": (spelled(GOOD.replace("24", "2.4e1", 1)), "has the number '2.4e1'"),
    "5,000 digits": (spelled(GOOD.replace("24", "9" * 5000, 1)), "has the number '9{100}'"),
    "lists 200,000 deep": (framed(b'{"a": ' + b"[" * 200_000), "RecursionError"),
    "entries 200,000 deep": (framed(b'{"a": ' * 170_000), "RecursionError"),
    "a name twice": (spelled(GOOD.replace('"b"', '"a"')), "The header has one name twice"),
    "a key twice": (
        spelled(GOOD.replace('"shape": [2]', '"shape": [1], "shape": [2]')),
        "The header has one name twice",
    ),
    "a key more": (
        changed(strides=[3, 1]),
        r"'a': The tensor's entry .* other keys. The keys of an entry must be \['data_offsets', 'd",
    ),
    "a key less": (
        two(a={"dtype": "F32", "shape": [2, 3]}),
        "The tensor's entry in the header has other",
    ),
    "no entry": (two(a=3), "Tensor 'a': The tensor's entry in the header has other keys"),
    "an entry in a list": (two(a=[]), "The tensor's entry in the header has other keys"),
    "metadata in metadata": (two(__metadata__={"a": {"b": "c"}}), "not map names to texts"),
    "metadata of numbers": (
        two(__metadata__={"a": 1}),
        "The header's __metadata__ does not map names to texts",
    ),
    "metadata in a list": (two(__metadata__=["a"]), "not map names to texts"),
    "metadata as a tensor": (two(__metadata__=entry(24, B)), "not map names to texts"),
    "empty": (framed(b"{}", CONTENT), "end at byte 0 after the header, of which the file has 32"),
    "control characters": (
        two(**{"\x1b[2J": entry(32, A[:0], dtype="\x1b[2J")}),
        r"Tensor '\\x1b\[2J': The tensor has the dtype '\\x1b\[2J'",
    ),
    "a name of 300,000 characters": (two(**{"n" * 300_000: 1}), r"Tensor 'n{100}'\.\.\.: "),
}
ENTRIES = {
    "complex": (
        changed(dtype="C64"),
        "'a': The tensor has the dtype 'C64'. The dtype must be one of F64, F32, .*as float32",
    ),
    "truth": (changed(dtype="BOOL"), "has the dtype 'BOOL'"),
    "8-bit float": (changed(dtype="F8_E4M3"), "has the dtype 'F8_E4M3'"),
    "NumPy's type": (changed(dtype="<f4"), "has the dtype '<f4'"),
    "type 1": (changed(dtype=1), "has the dtype ''"),
    "no type": (changed(dtype=None), "has the dtype ''"),
    "type in a list": (changed(dtype=["F32"]), "has the dtype ''"),
    "half the bytes": (
        changed(dtype="F16"),
        r"shape \(2, 3\) has 24 bytes. The tensor must have 12 bytes",
    ),
    "double the bytes": (
        changed(dtype="F64"),
        r"shape \(2, 3\) has 24 bytes. The tensor must have 48 bytes",
    ),
    "size True": (changed(shape=[True, 6]), "size that is negative or not an integer"),
    "size -2": (changed(shape=[-2, -3]), "size that is negative or not an integer"),
    "size of text": (changed(shape=["2", 3]), "size that is negative or not an integer"),
    "shape a number": (changed(shape=6), "`shape` is not a list"),
    "shape of text": (changed(shape="23"), "`shape` is not a list"),
    "2^64 numbers": (changed(shape=[1 << 32, 1 << 32]), "at most 1099511627776 elements"),
    "2^64 + 6 numbers": (changed(shape=[(1 << 64) + 6]), "at most 1099511627776 elements"),
    "0 times 2^62": (
        changed(shape=[0, 1 << 62], data_offsets=[0, 0]),
        "at most 1099511627776 elements",
    ),
    "10^12 numbers": (
        changed(shape=[10**12], data_offsets=[0, 4 * 10**12]),
        "begins at byte 24 after the header, where the tensor before it ends at 4000000000000",
    ),
    "9 axes": (changed(shape=[1] * 7 + [2, 3]), "has 9 axes"),
    "1 place": (changed(data_offsets=[0]), "`data_offsets` must be two non-negative integers"),
    "3 places": (
        changed(data_offsets=[0, 24, 32]),
        "`data_offsets` must be two non-negative integers",
    ),
    "place True": (
        changed(data_offsets=[False, 24]),
        "`data_offsets` must be two non-negative integers",
    ),
    "place negative": (
        changed(data_offsets=[-24, 0]),
        "`data_offsets` must be two non-negative integers",
    ),
    "place backwards": (
        changed(data_offsets=[24, 0]),
        "has -24 bytes. The tensor must have 24 bytes",
    ),
    "place too short": (
        changed(data_offsets=[0, 20]),
        "has 20 bytes. The tensor must have 24 bytes",
    ),
    "place of text": (
        changed(data_offsets=["0", "24"]),
        "`data_offsets` must be two non-negative integers",
    ),
}
PLACES = {
    "a hole in front": (
        two(a=entry(8, A), b=entry(32, B), content=b"x" * 8 + CONTENT),
        "'a' begins at byte 8 after the header, where the tensor before it ends at 0",
    ),
    "a hole": (two(b=entry(28, B), content=CONTENT + b"1234"), "'b' begins at byte 28"),
    "a hole at the end": (two(content=CONTENT + b"x"), "end at byte 32 .* the file has 33"),
    "overlap": (two(b=entry(16, B), content=CONTENT[:24]), "'b' begins at byte 16 .* ends at 24"),
    "the same place": (two(b=entry(0, A)), "'b' begins at byte 0 after the header"),
    "past the end": (two(b=entry(24, np.ones(3, "f4"))), "end at byte 36 .* the file has 32"),
    "one byte missing": (two(content=CONTENT[:-1]), "end at byte 32 .* the file has 31"),
    "no numbers": (two(content=b""), "end at byte 32 after the header, of which the file has 0"),
    "nothing between": (
        two(c=entry(12, np.ones((0, 2), "f4"))),
        "'c' begins at byte 12 after the header, where the tensor before it ends at 24",
    ),
}
LENGTHS = {
    "one more": (framed(GOOD.encode(), CONTENT, len(GOOD) + 1), "cannot be read"),
    "one less": (framed(GOOD.encode(), CONTENT, len(GOOD) - 1), "cannot be read"),
    "zero": (framed(GOOD.encode(), CONTENT, 0), "not JSON in UTF-8: 'Expecting value"),
    "all of the file": (
        framed(GOOD.encode(), CONTENT, len(GOOD) + len(CONTENT)),
        "cannot be read",
    ),
    "more than the file": (framed(GOOD.encode(), CONTENT, 1000), "begins as no model"),
    "2^62": (framed(GOOD.encode(), CONTENT, 1 << 62), "The file begins as no model"),
    "2 MB": (
        framed(b"{" + b" " * (1 << 21)),
        "The header has 2097153 bytes. The header must have at most 1048576 bytes",
    ),
    "a space in front": (spelled(" " + GOOD), "The file begins as no model"),
}
ALL = {
    f"{kind}: {name}": row
    for kind, rows in (
        *(("table", TABLES), ("entry", ENTRIES)),
        *(("place", PLACES), ("length", LENGTHS)),
    )
    for name, row in rows.items()
}


@pytest.mark.parametrize(("content", "message"), ALL.values(), ids=ALL)
def test_hostile(tmp_path, content, message):
    assert_refused(tmp_path / "weights", message, content)


def test_a_file_that_shrinks(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(safetensors_file({"w": np.ones(100_000, "f4")}))
    with open_checkpoint(path) as opened:
        os.truncate(path, 200_000)
        with pytest.raises(CheckpointError, match="was changed or replaced while it was"):
            opened.arrays["w"].read(0, 10)
        with pytest.raises(CheckpointError, match=r"ends early, at byte 200000 of .*changed while"):
            opened.arrays["w"].read()


def test_what_says_to_be_64_gb(tmp_path):
    """A hole in a file may hold zeros for any array: nothing of it is read, or kept."""
    path, count = tmp_path / "weights", 1 << 34
    path.write_bytes(framed({"w": entry(0, B, shape=[count], data_offsets=[0, 4 * count])}))
    os.truncate(path, path.stat().st_size + 4 * count)
    with open_checkpoint(path) as opened:
        assert opened.arrays["w"].read(count - 2).tolist() == [0, 0]
    os.truncate(path, path.stat().st_size + 4)
    assert_refused(
        path, "end at byte 68719476736 after the header, of which the file has 687194767"
    )


@pytest.mark.parametrize("name", ARRAYS)
def test_a_renamed_tensor_is_its_own(tmp_path, name):
    """Names are not interpreted: whatever they are, they come as they are."""
    renamed = {"../../" + name if key == name else key: value for key, value in ARRAYS.items()}
    (tmp_path / "weights").write_bytes(safetensors_file(renamed))
    with open_checkpoint(tmp_path / "weights") as opened:
        assert list(opened.arrays) == list(renamed)
