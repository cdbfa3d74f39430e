"""NumPy's files that are damaged, or made to do harm, are refused."""

import io
import zipfile

import numpy as np
import pytest

from hostile import assert_refused
from numpy_files import NDARRAY, NUMBERS, RECONSTRUCT, array2, dtype2, npy_file, toronto_file
from pickle_writer import Called, Named, Raw, pickled
from torch_files import zip_file

pytestmark = pytest.mark.backend_free


def header(shape="(2, 3)", descr="'<f4'", fortran="False"):
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


HEADERS = {
    "10^10 numbers": (header("(10000000000,)"), "has 24 bytes of numbers|has 1.. bytes.*40000000"),
    "10^12 numbers": (header("(1000000000000,)"), r"must have 4000000000[0-9]+ bytes"),
    "2^70 numbers": (header("(1180591620717411303424,)"), "The header of an array is"),
    "2^40 times 2^40": (header("(1099511627776, 1099511627776)"), "at most 1099511627776"),
    "0 times 2^62": (header("(0, 4611686018427387904)"), "at most 1099511627776 elements"),
    "9 axes": (header("(1, 1, 1, 1, 1, 1, 1, 1, 6)"), "has 9 axes"),
    "size True": (header("(True, 6)"), "The header of an array is"),
    "size of a fraction": (header("(2.0, 3)"), "The header of an array is"),
    "size -1": (header("(-1,)"), "The header of an array is"),
    "call": (header("__import__('os').system('touch harm')"), "The header of an array is"),
    "20 KB": (header() + " " * 20_000, "The header of an array is"),
    "nested": ("(" * 5000, r"The header of an array is '\(|is b'\(\(\("),
    "one more key": (header()[:-1] + "'a': 1}", "The header of an array is"),
    "control characters": ("\x1b[2J", r"is b'\\x1b\[2J'"),
    "nothing of it": (header("(1000000,)", "'|V0'"), r"has the dtype '\|V0'.*f4"),
    "text": (header("(6,)", "'<U1'"), "has the dtype '<U1'"),
    "complex": (header("(3,)", "'<c8'"), "has the dtype '<c8'"),
    "truth": (header("(24,)", "'|b1'"), r"has the dtype '\|b1'"),
    "record": (header("(6,)", "[('a', '<f4')]"), "The header of an array is"),
    "type of 4000 bytes": (header("(6,)", "'<f4000'"), "has the dtype '<f4000'"),
    "objects": (header("(6,)", "'|O'"), r"has the dtype '\|O'"),
    "order unknown": (header(fortran="None"), "The header of an array is"),
    "one number too many": (header("(7,)"), "bytes. .* must have"),
    "one number missing": (header("(5,)"), "bytes. .* must have"),
}


@pytest.mark.parametrize(("text", "message"), HEADERS.values(), ids=HEADERS)
def test_hostile_header(tmp_path, monkeypatch, text, message):
    """In a file of its own, and in archives, stored and compressed."""
    monkeypatch.chdir(tmp_path)
    content = npy_file(text)
    assert_refused(tmp_path / "weights", message, content)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive = zip_file({"a.npy": npy_file(), "b.npy": content}, method)
        assert_refused(tmp_path / "weights", message, archive)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("content", [npy_file(version=(4, 0)), b"\x93NUMPY", b"\x93NUMPY\1\0\xff"])
def test_hostile_start(tmp_path, content):
    assert_refused(tmp_path / "weights", "begins with b'.*version 1, 2 or 3", content)


BIG = np.arange(2000, dtype="f4")


PICKLES = {
    "os.system": ({"a": Called(Named("os", "system"), ("touch harm",))}, r"for 'os\.system'"),
    "eval of Paddle": (
        {"a": Called(Named("__builtin__", "eval"), ("data", {"data": array2(NUMBERS)}))},
        r"asks for '__builtin__\.eval'.*numpy\.savez",
    ),
    "numpy.load": ({"a": Called(Named("numpy", "load"), ("/etc/passwd",))}, "holds no arrays"),
    "reference": ({"a": Raw(b"K\1Q")}, "outside of it"),
    "bytes too few": (
        {"a": array2(BIG, shape=(2001,))},
        "Tensor 'a': .*8000 bytes. The array must have 8004",
    ),
    "bytes too many": (
        {"a": array2(BIG, shape=(1999,))},
        "Tensor 'a': .*8000 bytes. The array must have 7996",
    ),
    "10^12 numbers": (
        {"a": array2(BIG, shape=(10**12,))},
        "8000 bytes. The array must have 4000000000000",
    ),
    "0 times 2^62": ({"a": array2(BIG, shape=(0, 1 << 62))}, "at most 1099511627776 elements"),
    "negative": ({"a": array2(BIG, shape=(-2000, -1))}, "size that is negative or not an integer"),
    "short": ({"a": array2(NUMBERS, shape=(7,))}, "24 bytes. The array must have 28"),
    "objects": ({"a": array2(NUMBERS, dtype=dtype2(np.empty(0, object)))}, r"the dtype '\|O'"),
    "list for numbers": ({"a": array2(NUMBERS, content=[1.0] * 6)}, "holds objects, or nothing"),
    "no state": ({"a": Called(RECONSTRUCT, (NDARRAY, (0,), b"b"))}, "holds objects, or nothing"),
    "no type": ({"a": array2(NUMBERS, dtype="f4")}, "an array without shape and dtype"),
    "no shape": ({"a": array2(NUMBERS, shape=6)}, "an array without shape and dtype"),
    "half a state": (
        {"a": Called(RECONSTRUCT, (NDARRAY, (0,), b"b"), (1, (6,)))},
        "without shape, dtype and content",
    ),
    "byte order": (
        {"a": array2(NUMBERS, dtype=Called(Named("numpy", "dtype"), ("f4", 0, 1), (3, "!")))},
        "without a byte order",
    ),
    "no class": ({"a": Called(RECONSTRUCT, ("a", (0,), b"b"))}, "an array in an unknown way"),
    "SETITEM on an array": (
        {
            "a": Raw(
                b"]q\0" + b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n\x85RK\0K\0s"
            )
        },
        "changes a value of type Array",
    ),
    "bytes as characters": (
        {"a": array2(BIG, content=Called(Named("_codecs", "encode"), ("\u0394" * 8000, "latin1")))},
        "in another encoding, or of another number",
    ),
    "few bytes as characters": (
        {"a": array2(NUMBERS, content=Called(Named("_codecs", "encode"), ("\u0394", "latin1")))},
        "UnicodeEncodeError|not written as",
    ),
    "another encoding": (
        {"a": array2(NUMBERS, content=Called(Named("_codecs", "encode"), ("", "zlib")))},
        "encodes text in an unknown way",
    ),
    "one name twice": (
        {"a": [array2(NUMBERS)], "a/0": array2(NUMBERS)},
        "Two arrays have the name 'a/0'",
    ),
    "names 1,000,000 deep": ({"a": Raw(b"]" * 1_000_000)}, "more than 200000 steps"),
    "no arrays": ({"a": 1, "b": "c"}, "holds no arrays"),
    "a list": ([array2(NUMBERS)], "holds a value of type list"),
}


@pytest.mark.medium
@pytest.mark.parametrize(("value", "message"), PICKLES.values(), ids=PICKLES)
def test_hostile_pickle(tmp_path, monkeypatch, value, message):
    """Alone, and as the one object in an array."""
    monkeypatch.chdir(tmp_path)
    assert_refused(tmp_path / "weights", message, pickled(value))
    assert_refused(tmp_path / "weights", message, toronto_file(value))
    assert not (tmp_path / "harm").exists()


def test_objects_in_an_array(tmp_path):
    """NumPy itself would unpickle them; only a dictionary alone is read."""
    target = io.BytesIO()
    np.save(target, np.array([{"a": NUMBERS}, None], object), allow_pickle=True)
    assert_refused(tmp_path / "weights", r"has the dtype '\|O'", target.getvalue())
    np.savez(tmp_path / "weights.npz", a=np.array({"a": NUMBERS}, object), allow_pickle=True)
    assert_refused(tmp_path / "weights.npz", r"Tensor 'a.npy': .*type '\|O'")
    size = len(toronto_file())
    message = rf"The pickle ends at byte {size} of {size + 1}\."
    assert_refused(tmp_path / "weights", message, toronto_file() + b"x")
