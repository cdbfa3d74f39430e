"""`export_model` refuses mistakes in three sentences, and leaves no file that failed."""

import errno
import os
import pathlib

import numpy as np
import pytest

from exported import every_layer, small
from keras_alexnet import UserError, export_model, jobs
from keras_alexnet.export import formats, onnx_files, run
from keras_alexnet.export.formats import EXPORT_FORMATS

pytestmark = pytest.mark.peer("onnx", "onnxruntime")


@pytest.fixture(scope="module")
def network():
    """A small network with classes."""
    return small(classifier_activation="softmax")


def files(folder):
    return sorted(os.listdir(folder))


def test_a_wrong_file_is_not_kept(network, tmp_path, monkeypatch):
    """The error is in the message, and an older file stays."""
    (tmp_path / "a.onnx").write_text("older")
    monkeypatch.setattr(formats.importlib, "import_module", lambda name: Wrong)
    monkeypatch.setattr(run, "version_of", lambda name: "1")
    with pytest.raises(
        UserError, match=r"differ from Keras's by \d\.\de[+-]\d\d of the largest.*No file"
    ):
        export_model(network, tmp_path / "a.onnx", overwrite=True)
    assert files(tmp_path) == ["a.onnx"] and (tmp_path / "a.onnx").read_text() == "older"


class Wrong:
    """A writer whose file computes something else."""

    @staticmethod
    def write(graph, texts, path, settings):
        pathlib.Path(path).write_text("new")

    @staticmethod
    def load(path):
        return lambda batch: [np.random.default_rng(0).dirichlet(np.ones(10), len(batch))]


@pytest.mark.parametrize(
    ("form", "missing", "message"),
    [
        ("onnx", {"onnx"}, r"format='onnx', but onnx is not installed\. .* Install it: pip"),
        (
            "openvino",
            {"onnx", "openvino"},
            r"'openvino', but onnx and openvino are not installed\. .* Install them: pip",
        ),
    ],
)
def test_without_what_writes_it(form, missing, message, network, tmp_path, monkeypatch):
    """The packages are named, after a mistake in the file of the model, and before a download."""
    monkeypatch.setattr(formats, "_is_installed", lambda name: name not in missing)
    path = tmp_path / f"b{EXPORT_FORMATS[form].ending}"
    with pytest.raises(UserError, match=message):
        export_model(network, path)
    with pytest.raises(UserError, match=message):
        jobs.export("owt_torchvision", path)
    damaged = tmp_path / "damaged.keras"
    damaged.write_text("PK of before")
    for export in (export_model, jobs.export):
        with pytest.raises(UserError, match=r"'no\.keras', but there is no such file"):
            export("no.keras", path)
        with pytest.raises(
            UserError, match=r"damaged\.keras'(, which is no Keras| cannot be read)"
        ):
            export(damaged, path)
    assert files(tmp_path) == ["damaged.keras"]


MISTAKES = [
    ({"format": "onx"}, r"format='onx'\..*'onnx', 'saved_model'.*Did you mean 'onnx'"),
    ({"path": "a.h5"}, r"'a\.h5' without a format.*\.onnx for onnx.*--format"),
    ({"format": "litert"}, r"'a\.onnx' for the format 'litert'.*'\.tflite'.*'a\.tflite'"),
    ({"precision": "float64"}, r"precision='float64'.*'float32', 'float16', 'int8'"),
    ({"precision": "int8"}, r"precision='int8' without photos.*--photos"),
    ({"path": "a", "precision": "int8"}, "float32 and float16.*onnx"),
    ({"normalization": "plain"}, r"normalization='plain'.*'operator', 'chain'"),
    ({"path": "no/a.onnx"}, "folder .* does not exist"),
    ({"path": "there.onnx"}, "there is a file already.*--overwrite"),
    ({"path": "folder"}, "there is a folder already.*Choose another name"),
    ({"path": "folder", "overwrite": True}, "there is a folder already"),
    ({"path": 3}, "path=3"),
    ({"preprocessing": "yes"}, "preprocessing='yes'"),
    ({"model": "no.keras"}, r"'no\.keras', but there is no such file"),
    ({"model": "damaged.keras"}, r"'damaged\.keras', which is no Keras model, or a damaged"),
    ({"photos": "empty"}, "'empty' holds no images"),
    ({"photos": "there.onnx"}, "cannot be read"),
    ({"photos": np.zeros((2, 8, 8))}, "uint8 array of shape"),
]


@pytest.mark.parametrize(("given", "message"), MISTAKES)
def test_mistakes(given, message, network, tmp_path, monkeypatch):
    """One error, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    for name in ("there.onnx", "damaged.keras"):
        (tmp_path / name).write_text("PK of before")
    for name in ("folder", "empty"):
        (tmp_path / name).mkdir()
    before = files(tmp_path)
    with pytest.raises(UserError, match=f"(?s)Received.*{message}|{message}") as caught:
        export_model(**{"model": network, "path": "a.onnx", **given})
    assert caught.value.expected and caught.value.remedy
    assert files(tmp_path) == before


def test_preparation_that_is_not_known(tmp_path):
    with pytest.raises(UserError, match=r"does not say how its images are prepared.*model card"):
        export_model(every_layer(), tmp_path / "a.onnx", preprocessing=True)
    assert files(tmp_path) == []


@pytest.mark.parametrize("target", ["write", "load"])
def test_failures_of_the_writer(target, network, tmp_path, monkeypatch):
    """A full disk, and a runtime that refuses the file: no file is left."""

    def fail(*arguments):
        if target == "write":
            raise OSError(errno.ENOSPC, "No space left on device")
        raise RuntimeError("Fail: no kernel\nand more")

    monkeypatch.setattr(onnx_files, target, fail)
    message = {"write": "No space left", "load": "onnxruntime cannot run it: Fail: no kernel"}
    with pytest.raises(UserError, match=message[target]):
        export_model(network, tmp_path / "a.onnx")
    assert files(tmp_path) == []
