"""What fails in every format: no runtime, no package, a full disk, a file that is too large."""

import builtins
import errno
import io
import os

import numpy as np
import pytest

import exported
from exported import small
from keras_alexnet import UserError, export_model
from keras_alexnet.export import formats, onnx_files, openvino_files, run, tensorflow_files
from keras_alexnet.export.formats import ExportFormat

every_format = pytest.mark.parametrize("form", exported.formats())
pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def network():
    """The smallest network."""
    return small("cifar10_80sec")


def write_note(form, graph, texts, path, settings):
    """Write a file, or a folder with one, in place of a network."""
    if form.is_folder:
        os.mkdir(path)
        path = os.path.join(path, "saved_model.pb")
    with open(path, "w") as file:
        file.write("network")


@every_format
def test_without_its_runtime(form, network, tmp_path, monkeypatch):
    """The file is kept, and the report says that it was not run, and what to install."""
    monkeypatch.setattr(ExportFormat, "runtime", None)
    monkeypatch.setattr(ExportFormat, "write", write_note)
    made = export_model(network, tmp_path / f"net{form.ending}", verbose=False)
    assert (made.runtime, made.error, made.kept, made.images) == (None, None, None, 0)
    assert f"It was not run, since no program that can is installed: {form.install}" in str(made)
    assert made.size == len("network")
    assert os.listdir(tmp_path) == [f"net{form.ending}"]


@every_format
def test_the_runtime_is_one_of_its_packages(form, monkeypatch):
    """The first that is installed, or none."""
    for present in (*form.runtimes, "none"):
        monkeypatch.setattr(formats, "_is_installed", lambda name, there=present: name == there)
        assert form.runtime == (None if present == "none" else present)


@every_format
def test_without_what_writes_it(form, network, tmp_path, monkeypatch):
    """Every package that is missing is named, with a command that installs it."""
    monkeypatch.setattr(formats, "_is_installed", lambda name: False)
    with pytest.raises(UserError, match=" and ".join(form.needs)) as caught:
        export_model(network, tmp_path / f"net{form.ending}")
    assert form.install in caught.value.remedy
    assert not [*tmp_path.iterdir()]


@every_format
def test_no_room(form, network, tmp_path, monkeypatch):
    """A full disk that is seen before the file is written."""

    def full(path, size):
        assert size >= 4 * network.count_params()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for module in (run, tensorflow_files, openvino_files):
        monkeypatch.setattr(module, "check_room", full)
    with pytest.raises(UserError, match=r"Could not write '.*No space left on device"):
        export_model(network, tmp_path / f"net{form.ending}")
    assert not [*tmp_path.iterdir()]


class Full(io.FileIO):
    """A file on a disk that is full after half of what is written."""

    def write(self, content):
        super().write(bytes(content)[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.medium
@pytest.mark.parametrize(
    "form", [x for x in exported.formats() if x.id not in ("saved_model", "openvino")]
)
def test_a_disk_that_becomes_full(form, network, tmp_path, monkeypatch):
    """No half file is left. (TensorFlow and OpenVINO write files of their own, after the check.)"""
    opened = builtins.open

    def open_full(path, mode="r", *arguments, **options):
        ours = str(path).startswith(str(tmp_path)) and str(path).endswith(form.ending)
        if ours and mode == "wb" and os.path.isdir(os.path.dirname(path)) and writing:
            return Full(path, "w")
        return opened(path, mode, *arguments, **options)

    writing = []
    write = ExportFormat.write
    monkeypatch.setattr(
        ExportFormat, "write", lambda *arguments: (writing.append(1), write(*arguments))
    )
    monkeypatch.setattr(builtins, "open", open_full)
    with pytest.raises(UserError, match=r"Could not write '.*No space left on device"):
        export_model(network, tmp_path / f"net{form.ending}")
    assert writing and not [*tmp_path.iterdir()]


@pytest.mark.peer("onnx", "openvino")
@pytest.mark.parametrize("ending", [".onnx", ".xml"])
def test_an_onnx_file_that_is_too_large(ending, network, tmp_path, monkeypatch):
    """Over 2 GiB ONNX has no file; OpenVINO's are made from one."""
    monkeypatch.setattr(onnx_files, "LARGEST", 4 * network.count_params())
    with pytest.raises(UserError, match=r"whose ONNX file would have \d+,\d+ bytes\.") as caught:
        export_model(network, tmp_path / f"net{ending}")
    assert "must not be larger than 2 GiB" in caught.value.expected
    assert "--precision float16" in caught.value.remedy
    assert not [*tmp_path.iterdir()]


@pytest.mark.backend_free
def test_the_limit_of_onnx():
    """That of a Protocol Buffers message, 2 GiB."""
    assert onnx_files.LARGEST == 2**31 - 1 == np.iinfo("int32").max
