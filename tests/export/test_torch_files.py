"""PyTorch's export format: every operator and whole networks, against the Keras model."""

import json

import keras
import numpy as np
import pytest

from exported import LAYERS, error, images, model_of, outputs_of, with_random_weights
from helpers import to_numpy
from keras_alexnet import AlexNet, UserError, feature_extractor, fully_convolutional
from keras_alexnet.export.graphs import graph_of
from keras_alexnet.export.grey_levels import clear_of_ties
from keras_alexnet.export.operators import Pool
from keras_alexnet.export.settings import Settings
from keras_alexnet.export.torch_files import load, write
from keras_alexnet.export.torch_module import computed, torch_module
from keras_alexnet.preprocessing import CenterCrop, SquareResize
from processes import started

pytestmark = [pytest.mark.one_backend, pytest.mark.peer("torch")]

FORMATS = ("channels_last", "channels_first")
TEXTS = {"variant": "cifar10_18pct", "class_names": '["cat", "dog"]'}
# A photo's rows and columns: landscape, portrait, smaller than the square, half a pixel to cut off
# (1 and 3 too many), of the right size, tiny.
PHOTOS = ((75, 100), (100, 75), (20, 31), (48, 50), (48, 54), (40, 40), (9, 100), (1, 1))


def outputs_of_module(model, batch):
    """Return the outputs of a model's module, which is not written."""
    import torch

    with torch.no_grad():
        outputs = torch_module(graph_of(model))(torch.from_numpy(batch))
    return [output.numpy() for output in outputs]


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("name", LAYERS)
def test_operators(name, data_format):
    """The module computes what the layer does, in both data formats."""
    model = model_of(name, data_format)
    batch = images(model, 2)
    (found,) = outputs_of_module(model, batch)
    assert error(found, *outputs_of(model, batch)) < 1e-5


def test_average_with_zeros_around():
    """The places around the maps do not count; Keras counts some of them on PyTorch."""
    import torch

    pool = Pool((3, 2), (2, 1), ((1, 0), (1, 1)), "average")
    maps = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype("float32")
    around = ((0, 0), (0, 0), *pool.padding)
    padded, counted = np.pad(maps, around), np.pad(np.ones_like(maps), around)
    sums, counts = (
        sum(values[:, :, i : i + 4 : 2, j : j + 5] for i in range(3) for j in range(2))
        for values in (padded, counted)
    )
    found = computed(pool, torch, torch.from_numpy(maps), {})
    np.testing.assert_allclose(found.numpy(), sums / counts, rtol=1e-5, atol=1e-6)


@pytest.mark.medium
@pytest.mark.parametrize("name", ["cifar10_18pct", "cifar10_13pct"])
def test_a_network_in_a_file(name, tmp_path):
    """Batches of any size, with normalization, ceiling pools, local layers; and the texts."""
    import torch

    model = AlexNet(name, classes=4, classifier_activation=None)
    with_random_weights(model)
    path = str(tmp_path / "model.pt2")
    write(graph_of(model), TEXTS, path, Settings())
    run_file = load(path)
    for count in (1, 3):
        batch = 20 * images(model, count)
        (found,) = run_file(batch)
        assert error(found, *outputs_of(model, batch)) < 1e-5
    texts = dict.fromkeys(TEXTS)
    torch.export.load(path, extra_files=texts)
    assert texts == TEXTS


def test_several_outputs():
    """In the order that they were asked for."""
    model = feature_extractor(AlexNet("cifar10_18pct"), ["pool3", "norm1", "fc10"])
    batch = images(model, 2)
    for found, expected in zip(
        outputs_of_module(model, batch), outputs_of(model, batch), strict=True
    ):
        assert error(found, expected) < 1e-5


@pytest.mark.medium
def test_maps_of_any_size(tmp_path):
    """A network without dense layers takes images of any size."""
    model = fully_convolutional(AlexNet("cifar10_18pct", classifier_activation=None))
    path = str(tmp_path / "model.pt2")
    write(graph_of(model), {}, path, Settings())
    run_file = load(path)
    for sizes in ((32, 32), (48, 41), (77, 90)):
        batch = np.random.default_rng(0).normal(0, 2, (2, *sizes, 3)).astype("float32")
        (found,) = run_file(batch)
        assert error(found, *outputs_of(model, batch)) < 1e-5


@pytest.mark.medium
@pytest.mark.parametrize("method", ["shorter_side", "warp"])
@pytest.mark.parametrize("data_format", FORMATS)
def test_photos(method, data_format, tmp_path):
    """uint8 images of any size come to the square that the layer makes."""
    last = data_format == "channels_last"
    layer = SquareResize(40, method, data_format=data_format)
    photo = keras.Input((None, None, 3) if last else (3, None, None), dtype="uint8")
    square = layer(photo)
    window = CenterCrop(31, 34, data_format=data_format)(square)
    path = str(tmp_path / "model.pt2")
    write(graph_of(keras.Model(photo, [square, window])), {}, path, Settings())
    run_file = load(path)
    for sizes in PHOTOS:
        batch = np.random.default_rng(0).integers(0, 256, (2, *sizes, 3), dtype="uint8")
        batch = np.stack([clear_of_ties(image, 40, method) for image in batch])
        batch = batch if last else batch.transpose(0, 3, 1, 2)
        found, cut = run_file(batch)
        expected = to_numpy(layer(batch))
        assert found.dtype == expected.dtype == np.uint8
        np.testing.assert_array_equal(found, expected)
        inside = (slice(4, 35), slice(3, 37))
        np.testing.assert_array_equal(cut, found[:, *inside] if last else found[:, :, *inside])


def test_float16_halves_the_file(tmp_path):
    """The weights are kept in float16, and the values computed in float32."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(300, "relu"), keras.layers.Dense(4)]
    model = keras.Sequential([keras.Input((20, 20, 3)), *layers])
    with_random_weights(model)
    sizes, outputs = {}, {}
    batch = images(model, 2)
    for precision in ("float32", "float16"):
        path = tmp_path / f"{precision}.pt2"
        write(graph_of(model), {}, str(path), Settings(precision))
        sizes[precision] = path.stat().st_size
        (outputs[precision],) = load(str(path))(batch)
    assert sizes["float16"] < 0.55 * sizes["float32"]
    assert outputs["float16"].dtype == np.float32
    assert 0 < error(outputs["float16"], outputs["float32"]) < 5e-3


ALONE = """
import json, sys
for name in ("keras", "keras_alexnet", "tensorflow", "jax"):
    sys.modules[name] = None
import torch
program = torch.export.load(sys.argv[1]).module()
(outputs,) = program(torch.linspace(-9, 9, 2 * 32 * 32 * 3).reshape(2, 32, 32, 3))
print(json.dumps(outputs.tolist()))
"""


@pytest.mark.medium
def test_a_process_without_keras(tmp_path):
    """The file needs PyTorch alone."""
    model = AlexNet("cifar10_18pct")
    path = str(tmp_path / "model.pt2")
    write(graph_of(model), {}, path, Settings())
    script = tmp_path / "alone.py"
    script.write_text(ALONE)
    with started(script, path) as process:
        code, printed, errors = process.end()
    assert code == 0, errors
    batch = np.linspace(-9, 9, 2 * 32 * 32 * 3, dtype="float32").reshape(2, 32, 32, 3)
    found = np.array(json.loads(printed), "float32")
    assert error(found, *outputs_of(model, batch)) < 1e-5


def test_int8_is_refused(tmp_path):
    """PyTorch's own formats for whole numbers are another package's."""
    graph = graph_of(AlexNet("cifar10_18pct"))
    with pytest.raises(UserError, match=r"'int8' for the format 'torch'.*'onnx', 'openvino'"):
        write(graph, {}, str(tmp_path / "model.pt2"), Settings("int8"))
    assert not [*tmp_path.iterdir()]


def test_an_old_pytorch_is_refused(tmp_path, monkeypatch):
    """Before 2.6 it knows no sizes that it finds out by itself."""
    import torch

    monkeypatch.delattr(torch.export.Dim, "AUTO")
    with pytest.raises(UserError, match=r"with PyTorch .*must be 2\.6 or newer.*'onnx'"):
        write(graph_of(AlexNet("cifar10_18pct")), {}, str(tmp_path / "model.pt2"), Settings())
