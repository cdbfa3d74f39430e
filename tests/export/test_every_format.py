"""Every format, from a model to the file that its own runtime has run."""

import os

import numpy as np
import pytest
from PIL import Image

from exported import formats, small
from keras_alexnet import UserError, export_model
from keras_alexnet.data.drawn import drawn_images


@pytest.fixture(scope="module")
def network():
    """A network with normalizations, groups of none, and local layers; with classes."""
    return small("cifar10_11pct", classifier_activation="softmax")


@pytest.fixture(scope="module")
def photos():
    """Photos of several sizes, with noise."""
    rng = np.random.default_rng(0)
    drawn, _ = drawn_images(4, size=64)
    sizes = [(64, 64), (40, 30), (30, 70), (200, 168)]
    made = [np.asarray(Image.fromarray(x).resize(n)) for x, n in zip(drawn, sizes, strict=True)]
    return [(0.8 * x + 0.2 * rng.integers(0, 256, x.shape)).astype("uint8") for x in made]


def sizes_of(path):
    return sum(os.path.getsize(os.path.join(a, n)) for a, _, names in os.walk(path) for n in names)


@pytest.mark.medium
@pytest.mark.parametrize("form", formats("float32"))
def test_float32(form, network, tmp_path):
    """Right, with each weight once."""
    path = tmp_path / f"net{form.ending}"
    made = export_model(network, path, verbose=False)
    assert made.format == form.name and made.runtime is not None
    assert made.error < 1e-5 and made.kept == 1
    weights = 4 * network.count_params()
    assert made.size == sizes_of(tmp_path)
    assert 0.99 * weights < made.size < 1.05 * weights + 100_000  # of equal biases LiteRT has one


@pytest.mark.medium
@pytest.mark.parametrize("form", formats("float32"))
def test_photos_of_any_size(form, network, photos, tmp_path):
    """Prepared inside the file."""
    path = tmp_path / f"net{form.ending}"
    made = export_model(network, path, preprocessing=True, photos=photos, verbose=False)
    assert made.error < 1e-4 and made.images == 4


@pytest.mark.one_backend
@pytest.mark.medium
@pytest.mark.parametrize("form", formats("float16"))
def test_float16(form, network, tmp_path):
    """Half the size."""
    path = tmp_path / f"net{form.ending}"
    made = export_model(network, path, precision="float16", verbose=False)
    assert 1e-5 < made.error < 5e-3
    assert made.size < 2.2 * network.count_params()


@pytest.mark.one_backend
@pytest.mark.medium
@pytest.mark.parametrize("form", formats("int8"))
def test_int8(form, photos, tmp_path):
    """About a quarter of the size, with probabilities that remain near."""
    network = small("cifar10_18pct", classifier_activation="softmax")
    path = tmp_path / f"net{form.ending}"
    made = export_model(network, path, precision="int8", photos=photos, verbose=False)
    assert 1e-5 < made.error < 0.3
    assert made.size < 1.5 * network.count_params() + 60_000


@pytest.mark.one_backend
@pytest.mark.peer("onnx", "openvino")
def test_both_files_of_openvino_are_kept(network, tmp_path):
    """The weights stand in the second one, which nothing replaces unasked."""
    (tmp_path / "net.bin").write_text("of before")
    with pytest.raises(UserError, match=r"net\.bin', but there is a file already"):
        export_model(network, tmp_path / "net.xml")
    assert os.listdir(tmp_path) == ["net.bin"]
    export_model(network, tmp_path / "net.xml", overwrite=True, verbose=False)
    assert sorted(os.listdir(tmp_path)) == ["net.bin", "net.xml"]


@pytest.mark.one_backend
@pytest.mark.peer("onnx", "openvino")
def test_what_an_openvino_file_says(network, tmp_path):
    import openvino

    export_model(network, tmp_path / "net.xml", verbose=False)
    model = openvino.Core().read_model(tmp_path / "net.xml")
    assert str(model.get_rt_info(["keras_alexnet", "variant"]).value) == "cifar10_11pct"
    assert [x.get_any_name() for x in (*model.inputs, *model.outputs)] == ["image", "prob"]


@pytest.mark.one_backend
@pytest.mark.peer("tensorflow")
def test_an_older_saved_model_is_replaced(network, tmp_path):
    """With overwrite=True, and only such a folder."""
    path = tmp_path / "net"
    export_model(network, path, verbose=False)
    with pytest.raises(UserError, match="there is a folder already"):
        export_model(network, path, verbose=False)
    (path / "old").write_text("gone")
    export_model(network, path, overwrite=True, verbose=False)
    assert os.listdir(tmp_path) == ["net"] and not (path / "old").exists()
