"""Zip archives that are damaged, or made to do harm, are refused."""

import io
import struct
import zipfile

import pytest

import numpy_files
from hostile import assert_refused, patched
from keras_alexnet.formats.opening import open_checkpoint
from numpy_files import NUMBERS, array2, npy_file
from pickle_writer import Text2, pickled
from torch_files import tensor, zip_file, zip_parts

pytestmark = pytest.mark.backend_free

# Archives: a part of the file is replaced; local headers come first, the directory later.
ARCHIVE = zip_file(zip_parts())


DIRECTORY = ARCHIVE.index(b"PK\1\2")


END = ARCHIVE.rindex(b"PK\5\6")


NPZ = zip_file({"a.npy": npy_file()})


def end_record(count, size, start):
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, 0)


def flipped(name):
    """Return the archive with one bit of a member flipped."""
    content = bytearray(ARCHIVE)
    with zipfile.ZipFile(io.BytesIO(ARCHIVE)) as archive:
        info = archive.getinfo(name)
    content[info.header_offset + 30 + len(name) + info.file_size // 2] ^= 4
    return bytes(content)


def overlapping():
    """Return an archive whose second member is the inside of the first."""
    inner = npy_file()
    name = b"b.npy"
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, len(inner), len(inner), 5, 0)
    parts = {"a.npy": local + name + inner, "c.npy": inner}
    content = zip_file(parts)
    directory = content.index(b"PK\1\2")
    second = content.index(b"PK\1\2", directory + 4)
    patches = [(second + 42, "<L", 35), (second + 46, "5s", name), (second + 16, "<L", 0)]
    return patched(content, *patches)


def longer_than_it_says(content):
    """Return an archive whose first member is said to be as long as its header says."""
    return patched(content, (content.index(b"PK\1\2") + 24, "<L", len(npy_file())))


MANY = {f"{i}.npy": b"" for i in range(5000)}


ZEROS = b"\0" * (1 << 20)


ARCHIVES = {
    "flipped in a storage": (flipped("archive/data/0"), "'archive/data/0' .* is damaged: its CRC"),
    "flipped in the pickle": (flipped("archive/data.pkl"), r"'archive/data\.pkl' .* is damaged"),
    "deflated": (zip_file(zip_parts(), zipfile.ZIP_DEFLATED), "compressed.*not with an archiver"),
    "deflate bomb": (
        zip_file(zip_parts() | {"archive/data.pkl": ZEROS}, zipfile.ZIP_DEFLATED),
        "is compressed",
    ),
    "longer than it says": (
        longer_than_it_says(zip_file({"a.npy": npy_file(content=ZEROS)}, zipfile.ZIP_DEFLATED)),
        "does not have its declared size",
    ),
    "two of one name": (
        zip_file(zip_parts()).replace(b"archive/data/1", b"archive/data/0"),
        "two members of one name",
    ),
    "name with NUL": (
        ARCHIVE.replace(b"data/1", b"data\0001"),
        r"member name b'archive/data\\x001'",
    ),
    "name in no UTF-8": (ARCHIVE.replace(b"data/1", b"data/\xff"), "is not UTF-8"),
    "no name": (zip_file({"a.npy": npy_file(), "": b""}), "The member name"),
    "encrypted": (patched(ARCHIVE, (DIRECTORY + 8, "<H", 1)), "is encrypted, or"),
    "encrypted in front": (patched(ARCHIVE, (6, "<H", 1)), "in two ways"),
    "method 12": (patched(ARCHIVE, (DIRECTORY + 10, "<H", 12)), r"flags 0x0, method 12"),
    "method 99": (patched(ARCHIVE, (DIRECTORY + 10, "<H", 99)), r"flags 0x0, method 99"),
    "method in front": (patched(ARCHIVE, (8, "<H", 8)), "in two ways"),
    "two sizes": (patched(ARCHIVE, (DIRECTORY + 20, "<L", 5)), "declares two sizes"),
    "size too large": (
        patched(ARCHIVE, (DIRECTORY + 20, "<L", 1 << 20), (DIRECTORY + 24, "<L", 1 << 20)),
        "reaches past the end of the archive",
    ),
    "size 2^32": (
        patched(ARCHIVE, (DIRECTORY + 20, "<L", 0xFFFFFFFF), (DIRECTORY + 24, "<L", 0xFFFFFFFF)),
        "reaches past the end of the archive",
    ),
    "place after the end": (
        patched(ARCHIVE, (DIRECTORY + 42, "<L", 1 << 30)),
        "begins after the end",
    ),
    "place elsewhere": (
        patched(ARCHIVE, (DIRECTORY + 42, "<L", 1)),
        "reaches past the end of the archive",
    ),
    "other name in front": (patched(ARCHIVE, (30, "1s", b"A")), "has another name in its header"),
    "overlap": (overlapping(), "'b.npy' of the archive overlaps another"),
    "part of several": (patched(ARCHIVE, (END + 4, "<H", 1)), "one part of several"),
    "fewer here": (patched(ARCHIVE, (END + 8, "<H", 1)), "one part of several"),
    "one entry more": (
        patched(ARCHIVE, (END + 8, "<H", 6), (END + 10, "<H", 6)),
        "shorter than its number of entries",
    ),
    "one entry less": (
        patched(ARCHIVE, (END + 8, "<H", 4), (END + 10, "<H", 4)),
        "longer than its number of entries",
    ),
    "directory too long": (patched(ARCHIVE, (END + 12, "<L", 1 << 19)), "does not end where"),
    "directory after the end": (patched(ARCHIVE, (END + 16, "<L", 1 << 30)), "does not end where"),
    "5000 entries": (zip_file(MANY), "has 5000 entries"),
    "65535 entries in 100 MB": (
        ARCHIVE[:END] + end_record(65535, 100 << 20, DIRECTORY),
        "has 65535 entries in 104857600 bytes",
    ),
    "signature": (patched(ARCHIVE, (DIRECTORY, "4s", b"PK\1\3")), "cannot be read"),
    "TorchScript": (zip_file(zip_parts() | {"archive/constants.pkl": b"\x80\2)."}), "TorchScript"),
    "no pickle": (
        zip_file({k: v for k, v in zip_parts().items() if "pkl" not in k}),
        "a zip archive that begins with 'archive/byteorder'",
    ),
    "two pickles": (zip_file(zip_parts() | {"b/data.pkl": b"\x80\2}."}), "2 members called"),
    "byte order": (
        zip_file(zip_parts() | {"archive/byteorder": b"\x1b[2J"}),
        r"The byte order is b'\\x1b\[2J'",
    ),
    "byte order of 1 MB": (
        zip_file(zip_parts() | {"archive/byteorder": b"\0" * (1 << 20)}),
        "has 1048576 bytes. The member must have at most 16",
    ),
    "storage in a folder": (
        zip_file(zip_parts({"a": tensor("../data/0")})),
        "is not in the archive",
    ),
    "cut in deflated": (
        patched(zip_file({"a.npy": npy_file()}, zipfile.ZIP_DEFLATED), (40, "<L", 0xFFFFFFFF)),
        "cannot be inflated|not of the size|ends where|damaged",
    ),
    "flipped in .npz": (NPZ.replace(NUMBERS.tobytes(), b"x" * 24), r"'a\.npy' .* is damaged"),
}


@pytest.mark.parametrize(("content", "message"), ARCHIVES.values(), ids=ARCHIVES)
def test_hostile_archive(tmp_path, content, message):
    assert_refused(tmp_path / "weights", message, content)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (10, "has 10 bytes. Header and numbers together must have 93 bytes"),
        (1000, "1000 bytes. .* must have"),
        (0xFFFFFFFE, "would grow from .* to 4294967294 bytes.*without compression"),
    ],
)
def test_deflated_to_another_size(tmp_path, size, message):
    """The archive says one size, and there is another inside."""
    content = zip_file({"a.npy": npy_file()}, zipfile.ZIP_DEFLATED)
    content = patched(content, (content.index(b"PK\1\2") + 24, "<L", size))
    assert_refused(tmp_path / "weights", message, content)


def test_large_records(tmp_path):
    """Archives with the numbers of 64 bits, as PyTorch always writes; both records must agree."""
    size = END - DIRECTORY
    large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 5, 5, size, DIRECTORY)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, END, 1)
    path = tmp_path / "weights"
    path.write_bytes(ARCHIVE[:END] + large + locator + end_record(5, size, DIRECTORY))
    with open_checkpoint(path) as contents:
        assert len(contents.arrays) == 2
    path.write_bytes(ARCHIVE[:END] + large + locator + end_record(0xFFFF, size, 0xFFFFFFFF))
    with open_checkpoint(path) as contents:
        assert len(contents.arrays) == 2
    content = ARCHIVE[:END] + large + locator + end_record(4, size, DIRECTORY)
    assert_refused(path, "two end records that differ", content)
    content = ARCHIVE[:END] + b"x" + large + locator + end_record(5, size, DIRECTORY)
    assert_refused(path, "no end record where its locator says", content)


def test_a_comment_is_allowed(tmp_path):
    (tmp_path / "weights").write_bytes(patched(ARCHIVE, (END + 20, "<H", 5)) + b"hello")
    with open_checkpoint(tmp_path / "weights") as contents:
        assert len(contents.arrays) == 2


def test_numbers_are_not_touched_by_a_refusal(tmp_path):
    """One bad array among good ones: nothing is given at all."""
    layers = numpy_files.dictionary2() | {"bad": array2(NUMBERS, shape=(7,))}
    (tmp_path / "weights").write_bytes(pickled({Text2(b"good"): array2(NUMBERS)}))
    with open_checkpoint(tmp_path / "weights") as contents:
        assert list(contents.arrays) == ["good"]
    assert_refused(tmp_path / "weights", "Tensor 'bad'", pickled(layers))


def test_a_comment_with_the_signature_of_an_end(tmp_path):
    """Text that begins as the end of an archive does is a comment; a second end is refused."""
    path = tmp_path / "weights"
    for comment in (b"PK\5\6", b"see PK\5\6 " + b"x" * 40, b"PK\5\6" * 30):
        length = struct.pack("<H", len(comment))
        path.write_bytes(ARCHIVE[:-2] + length + comment)
        with open_checkpoint(path) as contents:
            assert len(contents.arrays) == 2
    other = end_record(0, 0, 0)
    content = ARCHIVE[:-2] + struct.pack("<H", len(other)) + other
    assert_refused(path, "has two end records", content)
    assert_refused(path, "has bytes after its end", ARCHIVE + b"PK\5\6" + b"x" * 30)
