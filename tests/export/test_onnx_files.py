"""ONNX files compute what the models do, in ONNX Runtime."""

import keras
import numpy as np
import onnx
import pytest

import exported
from exported import assert_computes, error, every_layer, images, maps_of, outputs_of, small
from keras_alexnet import AlexNet, feature_extractor, fully_convolutional
from keras_alexnet.export import onnx_files
from keras_alexnet.export.graphs import graph_of
from keras_alexnet.export.settings import Settings

pytestmark = [pytest.mark.one_backend, pytest.mark.peer("onnx", "onnxruntime")]

NORMALIZATIONS = ("operator", "chain")


def run_of(model, folder, **settings):
    """Return a function of a batch: ONNX Runtime with the file of a model."""
    path = str(folder / "model.onnx")
    onnx_files.write(graph_of(model), {}, path, Settings(**settings))
    return onnx_files.load(path)


def kinds(folder):
    """Return the operators of the file."""
    return {node.op_type for node in onnx.load(folder / "model.onnx").graph.node}


@pytest.mark.medium
@pytest.mark.parametrize(
    ("variant", "normalization"),
    [*((name, None) for name in exported.IMAGENET), ("paper", "operator"), ("bvlc", "operator")],
)
def test_maps_of_every_variant(variant, normalization, tmp_path):
    """Convolutions in groups, normalizations and poolings, up to the last maps."""
    model = maps_of(variant)
    assert_computes(run_of(model, tmp_path, normalization=normalization), model, counts=(2,))


@pytest.mark.medium
@pytest.mark.parametrize("variant", exported.CIFAR)
def test_small_networks(variant, tmp_path):
    """Whole networks, local layers included, with batches of any size."""
    model = small(variant)
    assert_computes(run_of(model, tmp_path), model)


@pytest.mark.medium
def test_a_classifier_behind_dropout_and_maps(tmp_path):
    """The dense layers of 2012, on maps that are not square, with probabilities."""
    model = AlexNet("paper", input_shape=(67, 99, 3), classes=7, initialization="robust")
    assert_computes(run_of(model, tmp_path), model, counts=(2,))


@pytest.mark.medium
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_every_layer(data_format, normalization, tmp_path):
    """In both data formats, with inputs in the model's own."""
    model = every_layer(data_format)
    x = images(every_layer(), 3)
    expected = outputs_of(every_layer(), x)[0]
    found = run_of(model, tmp_path, normalization=normalization)
    given = x if data_format == "channels_last" else x.transpose(0, 3, 1, 2)
    assert error(found(given)[0], expected) < 2e-5


def test_both_ways_of_normalizing(tmp_path):
    """ONNX's own operator where it can be; plain operators for windows in groups and even ones."""
    run_of(small("cifar10_11pct"), tmp_path, normalization="operator")
    assert "LRN" in kinds(tmp_path)
    run_of(small("cifar10_11pct"), tmp_path)
    assert "LRN" not in kinds(tmp_path)
    run_of(every_layer(), tmp_path, normalization="operator")
    assert "LRN" not in kinds(tmp_path)


@pytest.mark.medium
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_images_of_any_size(data_format, tmp_path):
    """The dense layers slide, and the softmax is over the classes at each place."""
    first = data_format == "channels_first"
    options = {"data_format": data_format, "input_shape": (3, 32, 32) if first else (32, 32, 3)}
    dense = fully_convolutional(AlexNet("cifar10_80sec", initialization="robust", **options))
    run = run_of(dense, tmp_path)
    if not first:
        assert_computes(run, dense, counts=(2,), sizes=(48, 41))
    x = images(dense, 1, [40, 56])
    (found,) = run(x)
    np.testing.assert_allclose(found.sum(axis=1 if first else -1), 1, rtol=1e-5)
    assert found.shape[2 if first else 1 :][:2] == (2, 4)


@pytest.mark.medium
def test_features(tmp_path):
    """Several outputs, maps and rows, in the order of the model's, with the layers' names."""
    features = feature_extractor(small(), {"pool1": "b", "relu3": "c", "fc10": "a"})
    run = run_of(features, tmp_path)
    assert_computes(run, features)
    names = [output.name for output in onnx.load(tmp_path / "model.onnx").graph.output]
    assert names == ["fc10", "pool1", "relu3"]


@pytest.mark.medium
def test_models_inside_models(tmp_path):
    """They are taken apart; one that is used twice is there twice, its weights once."""
    x = keras.Input((32, 32, 3), name="picture")
    scale = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 3, padding="same")])
    inner = small(include_top=False)
    outer = keras.Model(x, keras.layers.GlobalMaxPooling2D()(inner(scale(scale(x)))))
    assert_computes(run_of(outer, tmp_path), outer)
    assert onnx.load(tmp_path / "model.onnx").graph.input[0].name == "picture"


def test_computed_in_half_precision(tmp_path):
    """A model of mixed precision is exported as the float32 that its weights are."""
    model, wide = every_layer(dtype="mixed_bfloat16"), every_layer()
    assert_computes(run_of(model, tmp_path), wide)


def test_float16_halves_the_file(tmp_path):
    """The file computes in float32 with weights that are rounded to float16."""
    model = small("cifar10_11pct")
    whole = run_of(model, tmp_path), (tmp_path / "model.onnx").stat().st_size
    half = run_of(model, tmp_path, precision="float16")
    assert (tmp_path / "model.onnx").stat().st_size < 0.55 * whole[1]
    rounded = [
        w.astype("float16").astype("float32") if w.size > 1024 else w for w in model.get_weights()
    ]
    x = images(model, 2)
    assert 1e-6 < error(half(x)[0], whole[0](x)[0]) < 1e-2
    model.set_weights(rounded)
    assert_computes(half, model)


def test_what_the_file_says(tmp_path):
    """Names, sizes that are open, texts, and versions that engines of today read."""
    path = str(tmp_path / "model.onnx")
    texts = {"variant": "cifar10_18pct", "class_names": '["cat", "Käse"]'}
    onnx_files.write(graph_of(small()), texts, path, Settings())
    model = onnx.load(path)
    assert {entry.key: entry.value for entry in model.metadata_props} == texts
    (given,), (made,) = model.graph.input, model.graph.output
    shapes = [
        [size.dim_param or size.dim_value for size in x.type.tensor_type.shape.dim]
        for x in (given, made)
    ]
    assert shapes == [["batch", 32, 32, 3], ["batch", 10]]
    assert (given.name, made.name) == ("image", "fc10")
    assert (model.ir_version, model.opset_import[0].version) == (8, 13)
    assert model.producer_name == "keras_alexnet"


def test_each_weight_is_there_once(tmp_path):
    model = small()
    run_of(model, tmp_path)
    weights = 4 * model.count_params()
    assert weights < (tmp_path / "model.onnx").stat().st_size < 1.1 * weights + 5000


@pytest.mark.medium
def test_what_stays_wide_in_int8(tmp_path):
    """Sums of squares and local layers; convolutions take what was brought to 8 bits."""
    model = small("cifar10_11pct")
    run_of(model, tmp_path, precision="int8", calibration=images(model, 4))
    nodes = onnx.load(tmp_path / "model.onnx").graph.node
    wide = [x for x in nodes if x.op_type == "Conv" and x.name.startswith("norm")]
    local = [x for x in nodes if x.op_type == "MatMul"]
    convs = [x for x in nodes if x.op_type == "Conv" and x.name.startswith("conv")]
    assert len(wide) == 2 and len(local) == 2 and len(convs) == 2
    quantized = [[name for name in x.input if "Dequantize" in name] for x in (*wide, *local)]
    assert quantized == [[]] * 4
    assert all("Dequantize" in x.input[0] and "Dequantize" in x.input[1] for x in convs)


@pytest.mark.medium
@pytest.mark.peer("cv2")
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_opencv(normalization, tmp_path):
    """OpenCV reads the same file, of local layers; test_imagenet_files.py has the others."""
    import cv2

    model = small("cifar10_11pct")
    run_of(model, tmp_path, normalization=normalization)
    network = cv2.dnn.readNetFromONNX(str(tmp_path / "model.onnx"))
    x = images(model, 2)
    network.setInput(x)
    (expected,) = outputs_of(model, x)
    assert error(network.forward().reshape(expected.shape), expected) < 2e-5
