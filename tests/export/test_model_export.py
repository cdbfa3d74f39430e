"""`export_model`: the file, the comparison and the report."""

import os
import pathlib

import keras
import numpy as np
import onnx
import pytest
from PIL import Image

from exported import every_layer, small
from helpers import to_numpy
from keras_alexnet import AlexNet, evaluation_preprocessor, export_model
from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.export import comparison, formats, onnx_files
from keras_alexnet.export.formats import EXPORT_FORMATS, chosen_format
from keras_alexnet.export.operators import Dense, Graph, Node, Softmax, Value
from keras_alexnet.training.job import Job, build_model

pytestmark = pytest.mark.peer("onnx", "onnxruntime")

SIZES = [(40, 60), (61, 43), (32, 32), (20, 75), (300, 500)]  # of photos


@pytest.fixture(scope="module")
def network():
    """A small network with classes."""
    return small(classifier_activation="softmax")


@pytest.fixture
def photos(tmp_path):
    """A folder of photos of several sizes; returns their pixels too."""
    folder = tmp_path / "photos"
    folder.mkdir()
    drawn, _ = drawn_images(len(SIZES), seed=1, size=64)
    images = []
    for number, (image, (rows, columns)) in enumerate(zip(drawn, SIZES, strict=True)):
        picture = Image.fromarray(image).resize((columns, rows))
        picture.save(folder / f"{number}.png")
        images.append(np.asarray(picture))
    return folder, images


def files(folder):
    return sorted(entry.name for entry in pathlib.Path(folder).iterdir())


def test_a_network_with_small_initial_values(tmp_path):
    """Its classes are all as probable within the rounding of float32, which is no fault."""
    model = AlexNet("cifar10_18pct")
    made = export_model(model, tmp_path / "net.onnx", verbose=False)
    assert made.error < 1e-4


@pytest.mark.medium
def test_report(network, tmp_path, capsys):
    """What was written, how it was run, and how far it is from Keras."""
    path = str(tmp_path / "net.onnx")
    made = export_model(network, path)
    assert (made.format, made.precision, made.path) == ("onnx", "float32", path)
    assert made.size == os.path.getsize(path)
    assert made.error < 1e-5 and made.kept == 1 and made.images == 12
    assert made.runtime.startswith("onnxruntime 1.")
    said = str(made)
    assert capsys.readouterr().out == f"{said}\n"
    assert f"Wrote {path!r}: onnx, float32, {made.size:,} bytes." in said
    assert "ran it on 12 drawn images" in said and "100 % of the best classes are the same" in said
    assert repr(made).startswith("Exported(path=") and files(tmp_path) == ["net.onnx"]
    assert made.to_dict()["error"] == made.error


@pytest.mark.medium
def test_what_the_file_says(network, tmp_path):
    """The card, the inputs and outputs, and how images are prepared."""
    path = tmp_path / "net.onnx"
    network.save(tmp_path / "net.keras")
    export_model(str(tmp_path / "net.keras"), path, verbose=False)
    texts = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert texts["variant"] == "cifar10_18pct"
    assert texts["preprocessing"] == str(evaluation_preprocessor("cifar10_18pct"))
    assert texts["outputs"] == '[{"name": "prob", "dtype": "float32", "shape": [null, 10]}]'


@pytest.mark.medium
@pytest.mark.parametrize("activation", ["softmax", None])
def test_photos_of_any_size(activation, photos, tmp_path):
    """Whole numbers in, probabilities out, as with the layers in front in Keras."""
    folder, images = photos
    model = small(classifier_activation=activation)
    path = str(tmp_path / "net.onnx")
    made = export_model(model, path, preprocessing=True, photos=folder, verbose=False)
    assert made.images == len(SIZES) and made.photos == "5 photos"
    assert made.error < 1e-4 and made.kept == 1
    ready = onnx_files.load(path)
    stack = evaluation_preprocessor("cifar10_18pct", data_format="channels_last")
    for image in images:
        (found,) = ready(image[None])
        expected = to_numpy(model(to_numpy(stack(image[None], training=False))))
        if activation is None:
            expected = to_numpy(keras.ops.softmax(expected))
        np.testing.assert_allclose(found, expected, atol=1e-3)
        assert abs(found.sum() - 1) < 1e-5


@pytest.mark.medium
def test_a_model_that_fit_saves(photos, tmp_path):
    """It has the layers that prepare images; on request it takes whole numbers."""
    job = Job("cifar10_18pct", image_size=24, initialization="robust")
    model = build_model(job, 10)
    plain = export_model(model, tmp_path / "a.onnx", photos=photos[0], verbose=False)
    ready = export_model(
        model, tmp_path / "b.onnx", preprocessing=True, photos=photos[1], verbose=False
    )
    assert plain.error < 1e-4 and ready.error < 1e-4 and ready.kept == plain.kept == 1
    kinds = [
        onnx.load(tmp_path / name).graph.input[0].type.tensor_type.elem_type
        for name in ("a.onnx", "b.onnx")
    ]
    assert kinds == [onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8]


@pytest.mark.medium
def test_mixed_precision_is_compared_in_float32(tmp_path):
    """The file is float32, and so is what Keras computes for the comparison."""
    model = small(dtype="mixed_bfloat16")
    assert export_model(model, tmp_path / "a.onnx", verbose=False).error < 1e-5


@pytest.mark.medium
def test_channels_first(tmp_path):
    """On TensorFlow too, which computes it under XLA alone."""
    model = AlexNet(
        "cifar10_80sec",
        data_format="channels_first",
        input_shape=(3, 32, 32),
        initialization="robust",
    )
    assert export_model(model, tmp_path / "a.onnx", verbose=False).error < 1e-5
    made = export_model(
        model, tmp_path / "b.onnx", preprocessing=True, photos=np.zeros((1, 40, 50, 3), "uint8")
    )
    assert made.images == 1


def test_any_other_model(tmp_path):
    """Without a card, without classes, of other channels."""
    made = export_model(every_layer(), tmp_path / "a.onnx", verbose=False)
    assert made.error < 1e-4


def test_float16_says_what_it_costs(network, tmp_path):
    made = export_model(network, tmp_path / "a.onnx", precision="float16", verbose=False)
    assert 1e-6 < made.error < 1e-2 and made.kept == 1


def test_without_its_runtime(network, tmp_path, monkeypatch):
    """It says that the file was not run, and how it would be."""
    installed = formats._is_installed
    monkeypatch.setattr(
        formats, "_is_installed", lambda name: name != "onnxruntime" and installed(name)
    )
    made = export_model(network, tmp_path / "a.onnx", verbose=False)
    assert (made.runtime, made.error, made.kept, made.images) == (None, None, None, 0)
    assert "It was not run, since no program that can is installed: pip install" in str(made)
    monkeypatch.setattr(formats, "_is_installed", lambda name: name != "onnx")


@pytest.mark.backend_free
def test_formats():
    """Each is known by its name and by its ending."""
    for name, form in EXPORT_FORMATS.items():
        assert chosen_format(None, f"net{form.ending}") is chosen_format(name, f"net{form.ending}")
        assert form.name == name


@pytest.mark.backend_free
def test_comparison_of_probabilities_is_one_of_logits():
    """A small probability counts as much as a large one; what is no number is no result."""
    softmax = Node("prob", Softmax(), "logits", Value("prob", (None, 3)))
    graph = Graph("net", Value("logits", (None, 3)), (softmax,), (softmax.output,), "channels_last")
    logits = np.array([[3.0, -12.0, 1.0]])

    def probabilities(values):
        return np.exp(values) / np.exp(values).sum()

    def compared(found):
        batches, expected = [logits], [[probabilities(logits)]]
        return comparison.compare(lambda batch: [found], batches, expected, graph, graph)

    assert compared(probabilities(logits)).error < 1e-6
    assert compared(probabilities(logits + 5)).error < 1e-6
    other = compared(probabilities(logits + np.array([0, 1.5, 0])))
    largest = np.abs(logits - logits.mean()).max()
    assert other.error == pytest.approx(1.0 / largest, rel=1e-4)  # 1.5 less its mean, 0.5
    assert (other.kept, other.images) == (1, 1)
    assert compared(np.array([[np.nan, 0, 1]])).error == float("inf")


@pytest.mark.backend_free
def test_comparison_with_a_softmax_that_the_model_lacks():
    """Probabilities of a file vanish where logits are far below the largest, which is no fault."""
    nodes = [
        Node(name, operator, "rows", Value(name, (None, 3)))
        for name, operator in (("fc", Dense(np.eye(3), np.zeros(3))), ("prob", Softmax()))
    ]
    dense, softmax = (
        Graph("net", Value("rows", (None, 3)), (node,), (node.output,), "channels_last")
        for node in nodes
    )
    logits = np.array([[3.0, 250.0, -12.0], [20.0, -7.0, 1.0]], "float32")
    powers = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = powers / powers.sum(1, keepdims=True)
    for found, error in ((probabilities, 0), (probabilities[:, ::-1], 1)):
        made = comparison.compare(lambda batch, y=found: [y], [logits], [[logits]], softmax, dense)
        assert (made.error > 0.1) == error and (made.error < 1e-5) != error
