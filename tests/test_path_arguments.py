"""Arguments of the public calls that are paths, of every type."""

import os
import pathlib

import keras
import pytest

import keras_alexnet as package
from image_files import class_folders
from keras_alexnet import AlexNet
from keras_alexnet.arguments import file_path
from keras_alexnet.benchmarking import Report
from keras_alexnet.errors import UserError
from signatures import signature

QUIET = {"verify": "off", "verbose": False}
PATHS = (
    *("AlexNet.weights", "BenchmarkCallback.path", "convert_checkpoint.out"),
    *("convert_checkpoint.path", "export_model.path", "get_model_card.source"),
    *("image_folder.cache",),
    *("image_folder.directory", "load_checkpoint.path", "Report.save.path"),
)
WORDS = ("path", "out", "directory", "cache", "weights", "source", "file", "folder")


@pytest.mark.backend_free
def test_every_public_path_is_tried():
    """A new parameter for paths must join the table above."""
    signatures = {name: signature(getattr(package, name)) for name in package.__all__}
    paths = {f"{name}.{word}" for name in signatures for word in signatures[name].parameters}
    paths = {path for path in paths if path.rsplit(".", 1)[1] in WORDS}
    assert paths - {"ModelCard.source"} == set(PATHS) - {"Report.save.path"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with two classes of two images."""
    return class_folders(tmp_path_factory.mktemp("photos"), 2)


def shapes(folder, **options):
    """Return the shapes of the batches of a folder."""
    return [list(images.shape) for images, _ in package.image_folder(folder, **options)]


def path_calls(folder, photos):
    """Return the calls that take a path, by name, and where each path is."""
    source, out = str(folder / "net.weights.h5"), str(folder / "out.safetensors")
    report = Report((), {}, {})

    def converted(path, out):
        convert = package.convert_checkpoint
        return convert(path, out, variant="cifar10_19pct", overwrite=True, **QUIET).path

    def exported(path):
        small = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.MaxPooling2D()])
        return package.export_model(small, path, overwrite=True, verbose=False)

    return {
        "AlexNet.weights": (
            lambda path: AlexNet("cifar10_19pct", weights=path).name,
            source,
        ),
        "BenchmarkCallback.path": (lambda path: package.BenchmarkCallback(path=path).path, source),
        "convert_checkpoint.path": (lambda path: converted(path, out), source),
        "convert_checkpoint.out": (lambda path: converted(source, path), out),
        "export_model.path": (
            lambda path: exported(path).path,
            str(folder / "out.onnx"),
        ),
        "get_model_card.source": (lambda path: package.get_model_card(path).variant, out),
        "image_folder.cache": (
            lambda path: shapes(photos, image_size=8, cache=path),
            str(folder / "cache"),
        ),
        "image_folder.directory": (lambda path: shapes(path, image_size=8), str(photos)),
        "load_checkpoint.path": (
            lambda path: package.load_checkpoint(AlexNet("cifar10_19pct"), path, **QUIET).path,
            source,
        ),
        "Report.save.path": (report.save, str(folder / "report.json")),
    }


@pytest.mark.filterwarnings("ignore:.*look untrained")
@pytest.mark.parametrize("name", PATHS)
def test_paths_of_every_type_give_the_same(name, folder, tmp_path, capsys):
    """`pathlib.Path` and bytes, as text; another type is refused with the argument's name."""
    AlexNet("cifar10_19pct").save_weights(tmp_path / "net.weights.h5")
    calls = path_calls(tmp_path, folder)
    calls["convert_checkpoint.path"][0](str(tmp_path / "net.weights.h5"))
    call, path = calls[name]
    expected = call(path)
    assert call(pathlib.Path(path)) == expected
    assert call(os.fsencode(path)) == expected
    argument = name.rsplit(".", 1)[1]
    for other in (5, ["a"]):
        with pytest.raises(UserError, match=rf"Received {argument}=.*`{argument}` must be a path"):
            call(other)


@pytest.mark.backend_free
def test_a_path_with_other_bytes():
    """Names that are no text in UTF-8 are those that Python's own functions give."""
    assert file_path("path", b"caf\xe9") == os.fsdecode(b"caf\xe9")
    assert os.fsencode(file_path("path", b"caf\xe9")) == b"caf\xe9"
