"""HDF5 files with bytes missing, changed or added are refused, whatever they then ask for."""

import struct

import h5py
import numpy as np
import pytest

from hostile import assert_refused, patched
from keras_files import archive, hdf5_file
from stored import assert_same, read_all

pytestmark = pytest.mark.backend_free

A = np.arange(77, dtype="f4").reshape(7, 11)
NOWHERE = (1 << 64) - 1


def crowd(root):
    """Write so much into a group that its list of links is a tree of nodes and a heap of blocks."""
    for i in range(200):
        root.create_dataset(f"kernel of layer {i}", data=np.int16(i))


def pieces(root):
    """Write an array whose header goes on elsewhere, as it does when there is more to say."""
    root["a"] = A
    for i in range(7):
        root["a"].attrs[str(i)] = np.bytes_(b"a" * 60)


def two(root):
    root["a"] = A
    root["b"] = A[:5]


def chunks(root):
    root.create_dataset("a", data=A, chunks=(4, 11))


WHOLE = {  # name: what writes it, and the options of the library
    "old": (two, {}),
    "chunks": (chunks, {}),
    "pieces": (pieces, {}),
    "new": (two, {"libver": "latest"}),
    "new pieces": (pieces, {"libver": "latest"}),
    "crowd": (crowd, {"libver": "latest"}),
}
WORD, BYTE, HALF, LONG = "<I", "B", "<H", "<Q"
SHAPE, SIZE, PLACE = struct.pack("<2Q", 7, 11), struct.pack("<Q", 308), b"\x03\x01"
NAMES = b"a\0\0\0\0\0\0\0b"
CHUNK = struct.pack("<3I", 4, 11, 4)
PIECE = b"\x10\0\x10\0\0\0\0\0"  # the message that says where the header goes on
HDF5 = b"\x89HDF\r\n\x1a\n"
# The file; bytes in it, and how far behind their beginning the change is made; what is written.
BYTES = {
    "version": ("old", HDF5, 8, BYTE, 9, "begins in the unknown version 9"),
    "narrow addresses": ("old", HDF5, 13, BYTE, 4, "are not of 64 bits from its start"),
    "narrow sizes": ("new", HDF5, 10, BYTE, 2, "are not of 64 bits from its start"),
    "begins elsewhere": ("old", HDF5, 24, LONG, 512, "from its start"),
    "several files": ("old", HDF5, 48, LONG, 96, "is one part of several"),
    "longer": ("new", HDF5, 28, LONG, 1 << 40, "bytes and states 1099511627776"),
    "root outside": ("old", HDF5, 64, LONG, 1 << 62, "bytes at byte 4611686018427387904"),
    "root wraps around": ("new", HDF5, 36, LONG, NOWHERE - 3, "ends inside the"),
    "root in the head": ("old", HDF5, 64, LONG, 0, "lacks a header of an object"),
    "no tree": ("old", b"TREE", 0, BYTE, 0, "lacks a B-tree, or has one of an unknown version"),
    "tree of chunks": ("old", b"TREE", 4, BYTE, 1, "lacks a B-tree"),
    "too many leaves": ("old", b"TREE", 6, HALF, 0xFFFF, "ends inside the"),
    "tree in itself": ("old", b"TREE", 5, BYTE, 1, "lacks a B-tree"),
    "no table": ("old", b"SNOD", 0, BYTE, 0, "lacks a symbol table"),
    "too many symbols": ("old", b"SNOD", 6, HALF, 0xFFFF, "ends inside the"),
    "more symbols": ("old", b"SNOD", 6, HALF, 3, "The member '' of a group has an empty name"),
    "name outside": ("old", b"SNOD", 8, LONG, 1 << 40, "has a name without an end"),
    "no name": ("old", b"SNOD", 8, LONG, 0, "The member '' of a group has an empty name"),
    "a name twice": ("old", NAMES, 0, BYTE, ord("b"), "member 'b' .* occurs twice"),
    "name with a slash": (
        "old",
        b"a\0\0\0\0\0\0\0b",
        0,
        BYTE,
        ord("/"),
        "'/' of a group has an empty name, or one with a slash",
    ),
    "name in no UTF-8": ("old", b"a\0\0\0\0\0\0\0b", 0, BYTE, 0xFF, r"'\\udcff'.* not UTF-8"),
    "soft symbol": ("old", b"SNOD", 24, WORD, 2, "member 'a' of a group is a soft link"),
    "array outside": ("old", b"SNOD", 16, LONG, 1 << 50, "ends inside the"),
    "array in the root": ("old", b"SNOD", 16, LONG, 96, "'a' has a second name"),
    "many names": ("old", b"HEAP", 8, LONG, 1 << 21, "a group with 2097152 bytes of names"),
    "names outside": ("old", b"HEAP", 24, LONG, 1 << 50, "ends inside the"),
    "no heap": ("old", b"HEAP", 4, BYTE, 1, "lacks a heap of names"),
    "another shape": ("old", SHAPE, 0, LONG, 8, r"\(8, 11\) has 308 bytes. .* 352 bytes"),
    "shape of 2^64": ("old", SHAPE, 8, LONG, 1 << 62, "at most 1099511627776 elements"),
    "shape of 4 TB": ("old", SHAPE, 8, LONG, 10**11, "would lie in bytes .* of a file of"),
    "unknown shape": ("old", SHAPE, -8, BYTE, 9, "a shape of an unknown version"),
    "too many axes": ("old", SHAPE, -7, BYTE, 200, "a block that is shorter than its content"),
    "size": ("old", SIZE, 0, LONG, 304, r"\(7, 11\) has 304 bytes. .* 308 bytes"),
    "numbers outside": ("old", SIZE, -8, LONG, 1 << 40, "would lie in bytes 1099511627776 to"),
    "numbers wrap": ("old", SIZE, -8, LONG, NOWHERE - 307, "would lie in bytes 1844674407370955"),
    "never written": ("old", SIZE, -8, LONG, NOWHERE, "were never written"),
    "chunk tree of groups": ("chunks", b"TREE\1", 4, BYTE, 0, "lacks a B-tree"),
    "chunk tree in itself": ("chunks", b"TREE\1", 5, BYTE, 1, "lacks a B-tree"),
    "a chunk less": ("chunks", b"TREE\1", 6, HALF, 1, "lacks chunks, or has too many"),
    "a chunk outside": ("chunks", b"TREE\1", 24 + 32, LONG, 1 << 50, "lacks chunks"),
    "a chunk elsewhere": ("chunks", b"TREE\1", 24 + 8, LONG, 1, "lacks chunks"),
    "a chunk twice": ("chunks", b"TREE\1", 24 + 40 + 8, LONG, 0, "has a chunk twice"),
    "a short chunk": ("chunks", b"TREE\1", 24, WORD, 175, "a chunk of 175 bytes instead of 176"),
    "chunks of nothing": ("chunks", CHUNK, 0, WORD, 0, "chunks with another number of axes"),
    "huge chunks": ("chunks", CHUNK, 0, WORD, (1 << 32) - 1, "would grow to 377957122268 bytes"),
    "chunks of halves": ("chunks", CHUNK, 8, WORD, 2, "chunks of another type or rank"),
    "chunks of two axes": (
        "chunks",
        CHUNK,
        -9,
        BYTE,
        2,
        "chunks of another type or rank",
    ),
    "piece outside": ("pieces", PIECE, 8, LONG, 1 << 40, "ends inside the"),
    "piece too long": ("pieces", PIECE, 16, LONG, 1 << 40, "ends inside the"),
    "no rest": ("new pieces", b"OCHK", 0, BYTE, 0, "lacks a continuation of a header"),
    "no header": ("new", b"OHDR", 0, BYTE, 0, "lacks a header of an object"),
    "header, version 3": ("new", b"OHDR", 4, BYTE, 3, "lacks a header of an object"),
    "header, cut": ("new", b"OHDR", 5, BYTE, 0x23, "ends inside the"),
    "no heap of links": ("crowd", b"FRHP", 0, BYTE, 0, "lacks a heap of links"),
    "heap, version 1": ("crowd", b"FRHP", 4, BYTE, 1, "lacks a heap of links"),
    "heap, filters": ("crowd", b"FRHP", 7, HALF, 8, "heap of links with invalid sizes"),
    "heap, 65,535 rows": ("crowd", b"FRHP", 140, HALF, 0xFFFF, "heap of links with invalid sizes"),
    "heap, 65,535 columns": ("crowd", b"FRHP", 110, HALF, 0xFFFF, "ends inside the"),
    "heap, blocks of 0": ("crowd", b"FRHP", 112, LONG, 0, "heap of links with invalid sizes"),
    "heap, small blocks": ("crowd", b"FRHP", 112, LONG, 8, "has a link that is not in its heap"),
    "heap, one block": ("crowd", b"FRHP", 140, HALF, 0, "has a link that is not in its heap"),
    "heap, long identities": ("crowd", b"FRHP", 5, HALF, 9, "has a link that is not in its heap"),
    "no block of blocks": ("crowd", b"FHIB", 0, BYTE, 0, "lacks a block of a heap"),
    "no block": ("crowd", b"FHDB", 0, BYTE, 0, "lacks a block of a heap"),
    "no links": ("crowd", b"BTHD", 0, BYTE, 0, "lacks a B-tree of links"),
    "links by order": ("crowd", b"BTHD", 5, BYTE, 6, "lacks a B-tree of links"),
    "nodes of 1 byte": ("crowd", b"BTHD", 6, WORD, 1, "tree of links with invalid sizes"),
    "records of 4 bytes": ("crowd", b"BTHD", 10, HALF, 4, "tree of links with invalid sizes"),
    "records of 65,535": ("crowd", b"BTHD", 10, HALF, 0xFFFF, "ends inside the"),
    "9 levels": ("crowd", b"BTHD", 12, HALF, 9, "tree of links with invalid sizes"),
    "0 levels": ("crowd", b"BTHD", 12, HALF, 0, "lacks a node of a B-tree"),
    "8 levels": ("crowd", b"BTHD", 12, HALF, 8, "lacks a node of a B-tree"),
    "too many links": ("crowd", b"BTHD", 24, HALF, 0xFFFF, "ends inside the"),
    "root of links outside": ("crowd", b"BTHD", 16, LONG, 1 << 50, "ends inside the"),
    "no leaf": ("crowd", b"BTLF", 0, BYTE, 0, "lacks a node of a B-tree"),
    "no node": ("crowd", b"BTIN", 0, BYTE, 0, "lacks a node of a B-tree"),
    "not in a block": ("crowd", b"BTLF", 6 + 4, BYTE, 0x20, "has a link that is not in its heap"),
    "huge link": ("crowd", b"BTLF", 6 + 9, HALF, 0xFFFF, "has a link that is not in its heap"),
}


def whole(name):
    """Return a file with nothing wrong in it."""
    write, options = WHOLE[name]
    return hdf5_file(write, **options)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files(tmp_path, name):
    """Before a byte is changed, they are read as the library reads them."""
    arrays = read_all(tmp_path / "weights", whole(name))[1]
    with h5py.File(tmp_path / "weights") as root:
        assert_same(arrays, {key: root[key][()] for key in sorted(root)})


@pytest.mark.parametrize("case", BYTES)
def test_a_few_bytes(tmp_path, case):
    name, mark, behind, layout, value, message = BYTES[case]
    content = whole(name)
    place = content.index(mark) + behind
    assert_refused(tmp_path / "weights", message, patched(content, (place, layout, value)))


LOOPS = {  # what must be changed so that a block names itself, once it is found
    "tree of names": ("old", b"TREE", ((5, BYTE, 1), 32), "levels are not in order"),
    "tree of chunks": ("chunks", b"TREE\1", ((5, BYTE, 1), 56), "levels are not in order"),
    "header": ("pieces", PIECE, ((16, LONG, 24), 8), "A header has too many blocks"),
}


@pytest.mark.parametrize("case", LOOPS)
def test_loops(tmp_path, case):
    """What names itself is not followed for ever."""
    name, mark, (other, address), message = LOOPS[case]
    content = whole(name)
    place = content.index(mark)
    changes = [(place + other[0], *other[1:]), (place + address, LONG, place)]
    assert_refused(tmp_path / "weights", message, patched(content, *changes))


@pytest.mark.medium
@pytest.mark.parametrize("name", ["old", "chunks", "pieces", "new", "new pieces"])
def test_every_truncation(tmp_path, name):
    """However many bytes are missing, or follow."""
    content = whole(name)
    for length in range(0, len(content), 1 if len(content) < 1500 else 7):
        assert_refused(tmp_path / "weights", "", content[:length])
    for junk in (b"\0", b"x" * 1000, content):
        assert_refused(tmp_path / "weights", "bytes and states", content + junk)


@pytest.mark.parametrize("content", [b"", b"x", HDF5, whole("old")[:-1], whole("old") + b"x"])
def test_in_an_archive(tmp_path, content):
    """A .keras archive is refused for what is wrong with the file in it."""
    assert_refused(
        tmp_path / "weights", "(The HDF5 file (begins|has|ends)|The addresses)", archive(content)
    )
