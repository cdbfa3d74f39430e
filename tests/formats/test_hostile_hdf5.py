"""HDF5 files with what no file of weights has are refused, before they do harm.

The format has many ways to lead a reader out of the file, in circles, or to more memory than there
is, and many types that are no numbers.
"""

import zlib

import h5py
import numpy as np
import pytest

from hostile import assert_refused
from keras_files import hdf5_file

pytestmark = pytest.mark.backend_free

A = np.arange(77, dtype="f4").reshape(7, 11)


def array(value=None, **options):
    """Return a function that writes one array, whose options are the library's."""
    return lambda root: root.create_dataset("a", data=value, **options)


def typed(kind):
    """Return a function that writes an array of a type."""
    return array(shape=(3,), dtype=kind)


def external(root):
    root.create_dataset("a", (3,), "f4", external=[("/etc/passwd", 0, 12)])


def virtual(root):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "a", (3,))
    root.create_virtual_dataset("a", layout)


def compact(root):
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((3,))
    h5py.h5d.create(root.id, b"a", h5py.h5t.IEEE_F32LE, space, settings)


def named_type(root):
    root["kind"] = np.dtype("f4")
    root.create_dataset("a", (3,), root["kind"], data=A[0, :3])
    del root["kind"]


def lone_type(root):
    root["kind"] = np.dtype("f4")


def second_name(root):
    root["a"] = A
    root["b"] = root["a"]


def loop(root):
    group = root.create_group("g")
    group["again"] = group


def deep(root):
    root["/".join("g" * 40)] = A


def many(root):
    for i in range(10_001):
        root.create_group(str(i))


def chunk(content, filters=("gzip",), mask=0, place=(0, 0)):
    """Return a function that writes one chunk as it is, of an array that is one."""

    def write(root):
        options = {"compression": "gzip"} if filters else {}
        data = root.create_dataset("a", (7, 11), "f4", chunks=(7, 11), **options)
        data.id.write_direct_chunk(place, content, mask)

    return write


def attributes(root):
    root["a"] = A
    for i in range(65):
        root.attrs[str(i)] = np.bytes_(b"a")


def link(kind):
    """Return a function that writes a link in place of an array."""
    return lambda root: root.__setitem__("a\x1b[2J", kind)


BOMB = {"shape": (777_000_000,), "dtype": "f4"}  # 3.1 GB in a file of some KB
LIBRARY = {
    "external file": (external, "'a': The dataset is stored in other files"),
    "external link": (
        link(h5py.ExternalLink("/etc/passwd", "/")),
        r"The member 'a\\x1b\[2J' of a group is a link of the kind external",
    ),
    "soft link": (link(h5py.SoftLink("/a")), r"The member 'a\\x1b\[2J' of a group is a soft link"),
    "virtual": (virtual, "or in an HDF5 layout .* not write .version 4, class 3"),
    "compact": (compact, "does not write .version 3, class 0"),
    "shared type": (named_type, "'a': An object in the HDF5 file shares a part"),
    "only a type": (lone_type, "'kind' is neither a group nor an array"),
    "two names": (second_name, "'b' has a second name, or is one of too many"),
    "a group in itself": (loop, "'g/again' has a second name"),
    "40 groups deep": (deep, "lies more than 32 groups deep"),
    "10,001 groups": (many, "is one of too many"),
    "65 attributes": (attributes, "has 65 attributes. An object must have at most 64"),
    "no UTF-8": (lambda root: root.create_group(b"\xff"), "has a name that is not UTF-8"),
    "text": (typed("S3"), "HDF5 datatype of class 3 with 3 bytes.*Save the dataset as float32"),
    "texts of any length": (typed(h5py.string_dtype()), "HDF5 datatype of class 9"),
    "complex": (typed("c8"), "HDF5 datatype of class 6 with 8 bytes"),
    "truth": (typed("?"), "HDF5 datatype of class 8 with 1 bytes"),
    "record": (typed([("a", "f4")]), "HDF5 datatype of class 6 with 4 bytes"),
    "array": (typed(np.dtype(("f4", (2,)))), "HDF5 datatype of class 10 with 8 bytes"),
    "reference": (typed(h5py.ref_dtype), "HDF5 datatype of class 7 with 8 bytes"),
    "80-bit float": (typed(np.longdouble), "HDF5 datatype of class 1 with 16 bytes"),
    "3 bytes without a meaning": (typed("V3"), "HDF5 datatype of class 5 with 3 bytes"),
    "no shape": (array(h5py.Empty("f4")), "'a': The dataset has no shape"),
    "9 axes": (array(np.ones((1,) * 9, "f4")), "has 9 axes"),
    "never written": (array(shape=(3,), dtype="f4"), "were never written"),
    "8 EB": (array(shape=(1 << 61,), dtype="f4"), "at most 1099511627776 elements"),
    "3 GB, never written": (array(**BOMB), "were never written"),
    "3 GB in chunks": (array(**BOMB, chunks=(1 << 20,)), "would grow to .* from a file of"),
    "3 GB, gzip": (array(**BOMB, chunks=True, compression="gzip"), "would grow to"),
    "a chunk of 3 GB": (array(shape=(3,), dtype="f4", maxshape=(None,), chunks=(1 << 29,)), "grow"),
    "100,001 chunks": (array(shape=(100_001,), dtype="i1", chunks=(1,)), "more than 100000 chunks"),
    "chunks never written": (array(shape=(7, 11), dtype="f4", chunks=(7, 4)), "lacks chunks"),
    "lzf": (array(A, chunks=True, compression="lzf"), r"filters \[32000\].*gzip \(1\) and shuffle"),
    "checksums": (array(A, chunks=True, fletcher32=True), r"HDF5 filters \[3\]"),
    "rounded": (array(A.astype("i4"), chunks=True, scaleoffset=3), r"HDF5 filters \[6\]"),
    "no gzip": (chunk(b"no gzip at all"), "a chunk that cannot be inflated"),
    "gzip, cut": (chunk(zlib.compress(A.tobytes())[:-5]), "inflates to another size"),
    "gzip of one byte less": (chunk(zlib.compress(bytes(307))), "to another size"),
    "gzip of 64 MB": (chunk(zlib.compress(bytes(1 << 26), 9)), "to another size"),
    "gzip left out, cut": (chunk(bytes(307), mask=1), "a chunk of 307 bytes instead of 308"),
}
NEWEST = {  # in the library's newest format
    "soft link": (link(h5py.SoftLink("/a")), r"member 'a\\x1b\[2J' .* is a link of the kind soft"),
    "chunks": (array(A, chunks=(2, 2)), "does not write .version 4, class 2"),
}


@pytest.mark.medium
@pytest.mark.parametrize(("write", "message"), LIBRARY.values(), ids=LIBRARY)
def test_what_the_library_writes(tmp_path, write, message):
    assert_refused(tmp_path / "weights", message, hdf5_file(write))


@pytest.mark.parametrize(("write", "message"), NEWEST.values(), ids=NEWEST)
def test_what_it_writes_in_the_newest_format(tmp_path, write, message):
    assert_refused(tmp_path / "weights", message, hdf5_file(write, libver="latest"))


def test_another_file_in_front(tmp_path):
    """HDF5 allows it, and a reader that looked for the beginning would read something else."""
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w", userblock_size=512) as root:
        root["a"] = A
    assert_refused(path, "The file begins as no model")
