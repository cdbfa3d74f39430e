"""Whether a model is being exported, and by which exporter."""

import concurrent.futures

import pytest

from exporting import ask_from
from keras_alexnet.operations.exports import EXPORTERS, is_exporting


@pytest.mark.backend_free
@pytest.mark.parametrize("package", EXPORTERS)
def test_exporters_are_known(package):
    """A call that one of them has led to is part of an export, and nothing is after it."""
    assert ask_from(f"{package}convert")
    assert ask_from(f"{package}convert", lambda: ask_from("user"))
    assert not is_exporting.plain()


@pytest.mark.backend_free
def test_where_keras_exports():
    """The functions behind `model.export` stand in one package with the public class."""
    assert EXPORTERS[0].split(".")[0] == "keras"
    assert EXPORTERS[0].endswith(".export.")


@pytest.mark.backend_free
def test_others_are_no_exporters():
    """Neither is a module whose name begins alike, nor what runs in another thread."""
    assert not ask_from("tf2onnx_of_mine")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        assert not ask_from("tf2onnx.convert", lambda: pool.submit(is_exporting.plain).result())
