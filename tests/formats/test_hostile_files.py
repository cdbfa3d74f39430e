"""Files that are no checkpoint at all, or a part of one, are refused in words that help."""

import os
import pickle

import pytest

import numpy_files
import torch_files
from hostile import assert_refused
from keras_alexnet.formats.opening import open_checkpoint
from torch_files import tar_file, tar_parts, zip_file, zip_parts

pytestmark = pytest.mark.backend_free

COMMON = {
    "empty": (b"", r"empty \(0 bytes\).*Download the file again"),
    "one byte": (
        b"P",
        r"begins as no model .*of these: PyTorch \(zip\).*right, get or save",
    ),
    "web page": (b"\n\n <!DOCTYPE html><html><head>", "a web page.*Download the file again"),
    "xml": (b"<?xml version='1.0'?><Error>", "a web page"),
    "git lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "Git LFS"),
    "gzip": (b"\x1f\x8b\x08\x00" + b"x" * 100, "is compressed.*Unpack the file"),
    "matlab": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file"),
    "prototxt": (b'name: "AlexNet"\nlayer {', r"is text.*Give the path of the \.caffemodel"),
    "control characters": (
        b"\x1b[2J\x1b]0;x\x07",
        "begins as no model and no file of weights",
    ),
    "picture": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "is an image.*path of the model"),
    "another archive": (zip_file({"a.txt": b"a"}), "a zip archive that begins with 'a.txt'"),
}


@pytest.mark.parametrize(("content", "message"), COMMON.values(), ids=COMMON)
def test_no_checkpoint(tmp_path, content, message):
    assert_refused(tmp_path / "weights", message, content)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    assert_refused(tmp_path / "folder", "cannot be opened: it is a folder.*Give a file in it")
    for path, message in (
        (tmp_path / "pipe", "it is a pipe"),
        (tmp_path / "missing", "No such file"),
        (tmp_path / "loop", "symbolic links"),
        ("/dev/zero", "it is a device"),
        ("a\0b", "null byte"),
    ):
        assert_refused(path, f"cannot be opened: .*{message}.*Check the path")


def test_what_may_not_be_read(tmp_path, monkeypatch):
    """Who is root may read everything, so the system's answer is made up."""

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert_refused(tmp_path / "weights", "cannot be opened: Permission denied")


def test_a_link_is_followed_and_an_ending_is_not_believed(tmp_path):
    (tmp_path / "weights.caffemodel").write_bytes(zip_file(zip_parts()))
    (tmp_path / "link.h5").symlink_to("weights.caffemodel")
    with open_checkpoint(tmp_path / "link.h5") as contents:
        assert contents.format == "torch_zip"


@pytest.mark.parametrize("start", [b"", b"PK\x03\x04", b"\x80\x02}q", b"\x93NUMPY\1\0v\0"])
def test_a_huge_file_with_nothing_in_it(tmp_path, start):
    """A hole of 64 GB takes no longer than its ends."""
    (tmp_path / "weights").write_bytes(start)
    os.truncate(tmp_path / "weights", 1 << 36)
    assert_refused(tmp_path / "weights", "Download the file again|Check the path")


VALID = {
    "torch_zip": zip_file(zip_parts()),
    "torch_legacy": torch_files.joined(torch_files.legacy_parts()),
    "torch_tar": tar_file(tar_parts()),
    "npy": numpy_files.npy_file(),
    "npz": zip_file({"conv1.npy": numpy_files.npy_file(), "fc6.npy": numpy_files.npy_file()}),
    "pickle": pickle.dumps({"conv1": [numpy_files.NUMBERS] * 2}),
}


@pytest.mark.medium
@pytest.mark.parametrize("kind", VALID)
def test_every_truncation(tmp_path, kind):
    """However many bytes are missing at the end; of the padding in tar archives, some."""
    content = VALID[kind]
    with_padding = kind == "torch_tar"
    for length in range(0, len(content), 97 if with_padding else 1):
        assert_refused(tmp_path / "weights", "", content[:length])
    for length in range(0, len(content), 512 if with_padding else len(content)):
        assert_refused(tmp_path / "weights", "", content[:length])


@pytest.mark.parametrize("junk", [b"\0", b"x", b"PK\x05\x06", b"\0" * 10240])
@pytest.mark.parametrize("kind", VALID)
def test_trailing_junk(tmp_path, kind, junk):
    message = "after its end|has no directory|ends at byte|bytes. .* must have|ends early"
    assert_refused(tmp_path / "weights", message, VALID[kind] + junk)


@pytest.mark.parametrize("kind", VALID)
def test_a_file_behind_a_file(tmp_path, kind):
    """What one program would read from the front, and another from the end."""
    message = "does not end where the end|ends at byte|bytes. .* must have|ends early|after its end"
    assert_refused(tmp_path / "weights", message, VALID[kind] + VALID["torch_zip"])
