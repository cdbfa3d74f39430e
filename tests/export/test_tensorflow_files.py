"""SavedModel and LiteRT files, run by TensorFlow and LiteRT, against the Keras models."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from exported import assert_computes, every_layer, small
from helpers import tensor, to_numpy
from keras_alexnet import AlexNet, evaluation_preprocessor, feature_extractor
from keras_alexnet.data.drawn import drawn_images
from keras_alexnet.errors import UserError
from keras_alexnet.export import litert
from keras_alexnet.export.graphs import graph_of
from keras_alexnet.export.settings import Settings
from keras_alexnet.export.tensorflow_files import (
    load_litert,
    load_saved_model,
    write_litert,
    write_saved_model,
)
from keras_alexnet.preprocessing import Preprocessor

pytestmark = pytest.mark.one_backend

FLOAT32 = Settings()
NAMES = {"class_names": '["tabby, cat", "chien \\u00e9"]', "variant": "cifar10_18pct"}


def odd_names():
    """Return a model whose names are no words of TensorFlow's, and whose outputs have an order."""
    image = keras.Input((16, 16, 3), name="the image, 1")
    maps = keras.layers.MaxPooling2D(2, name="z maps")(
        keras.layers.Conv2D(4, 3, name="1 café")(image)
    )
    last = keras.layers.Dense(5, name="a")(keras.layers.Flatten()(maps))
    return keras.Model(image, [maps, last])


def network():
    """Return the logits and inner maps of a published network, in an order of their own."""
    model = small(input_shape=(16, 16, 3))
    names = ("relu3", "conv2", "fc10")
    return keras.Model(model.input, [model.get_layer(name).output for name in names])


MODELS = {"every layer": every_layer, "odd names": odd_names, "network": network}
WRITERS = {
    "saved_model": (write_saved_model, load_saved_model),
    "litert": (write_litert, load_litert),
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
both_formats = pytest.mark.parametrize("form", WRITERS)


def written(form, model, path, settings=FLOAT32, texts=NAMES):
    """Write a model and return the function that runs the file."""
    write, load = WRITERS[form]
    write(graph_of(model), texts, str(path), settings)
    return load(str(path))


@pytest.mark.medium
@every_model
@both_formats
def test_computes_what_keras_does(form, make, tmp_path):
    """All outputs in their order, whatever the names of layers are, and batches of any size."""
    model = make()
    assert_computes(written(form, model, tmp_path / "file"), model, counts=(1, 3, 1))


def kept_files(folder):
    """Return the sizes of the files in a folder, by their paths in it."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}


@pytest.mark.parametrize(("precision", "size"), [("float32", 4), ("float16", 2)])
def test_saved_model_has_each_weight_once(precision, size, tmp_path):
    """The bytes of the weights are those of the model, and the graph is small beside them."""
    model = network()
    written("saved_model", model, tmp_path / "file", Settings(precision))
    files = kept_files(tmp_path / "file")
    weights = files["variables/variables.data-00000-of-00001"]
    assert weights < size * model.count_params() + 2000
    assert sum(files.values()) - weights < 80_000


def test_saved_model_for_servers(tmp_path):
    """The signature has names and an open batch, and nothing in it needs XLA."""
    model = network()
    written("saved_model", model, tmp_path / "file")
    served = tf.saved_model.load(str(tmp_path / "file")).signatures["serving_default"]
    ((image,),) = [served.structured_input_signature[1].values()]
    assert (image.name, image.shape.as_list(), image.dtype) == (
        "image",
        [None, 16, 16, 3],
        "float32",
    )
    shapes = {name: value.shape.as_list() for name, value in served.structured_outputs.items()}
    assert shapes == {"relu3": [None, 4, 4, 64], "conv2": [None, 8, 8, 32], "fc10": [None, 10]}
    definition = served.graph.as_graph_def()
    functions = definition.library.function
    nodes = [*definition.node, *(node for function in functions for node in function.node_def)]
    assert not [node.op for node in nodes if node.op.startswith("Xla")]
    for part in (*nodes, *functions):
        assert not ("_XlaMustCompile" in part.attr and part.attr["_XlaMustCompile"].b)


@pytest.mark.parametrize(("normalization", "count"), [("operator", 2), (None, 0), ("chain", 0)])
def test_litert_has_its_own_operators(normalization, count, tmp_path):
    """None of TensorFlow's that LiteRT lacks; normalization is one if asked for; an open batch."""
    model = AlexNet("cifar10_11pct", input_shape=(16, 16, 3))
    settings = Settings(normalization=normalization)
    assert_computes(written("litert", model, tmp_path / "file", settings), model)
    interpreter = litert.interpreter(str(tmp_path / "file"))
    kinds = [operator["op_name"] for operator in interpreter._get_ops_details()]
    assert kinds.count("LOCAL_RESPONSE_NORMALIZATION") == count
    assert not [kind for kind in kinds if kind.startswith("Flex") or kind == "CUSTOM"]
    assert interpreter.get_input_details()[0]["shape_signature"].tolist() == [-1, 16, 16, 3]
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["image"], "outputs": ["prob"]}
    }
    assert (tmp_path / "file").stat().st_size < 4 * model.count_params() + 60_000


def test_texts(tmp_path):
    """The card stands where servers and LiteRT's tools look for further files."""
    model = network()
    written("saved_model", model, tmp_path / "folder")
    card = json.loads((tmp_path / "folder/assets.extra/model_card.json").read_text("utf-8"))
    assert card == {**NAMES, "output_names": '["relu3", "conv2", "fc10"]'}
    written("litert", model, tmp_path / "file.tflite")
    with zipfile.ZipFile(tmp_path / "file.tflite") as archive:
        assert json.loads(archive.read("model_card.json")) == card
        assert archive.read("labels.txt").decode() == "tabby, cat\nchien é\n"
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())


def test_litert_in_tensorflow(tmp_path, monkeypatch):
    """Without LiteRT's own package TensorFlow's interpreter runs the file, and does not warn."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    model = network()
    assert_computes(written("litert", model, tmp_path / "file"), model)


def test_channels_first(tmp_path):
    """A file of a model with channels first takes such images."""
    settings = {"data_format": "channels_first"}
    model = AlexNet("cifar10_18pct", input_shape=(3, 16, 16), initialization="robust", **settings)
    last = AlexNet("cifar10_18pct", input_shape=(16, 16, 3), data_format="channels_last")
    last.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(0, 20, (2, 16, 16, 3)).astype("float32")
    for form in WRITERS:
        (found,) = written(form, model, tmp_path / form)(x.transpose(0, 3, 1, 2))
        np.testing.assert_allclose(found, to_numpy(last(tensor(x))), atol=1e-5)


@pytest.fixture(scope="module")
def classifier():
    """A network that tells drawn images apart: random maps, with the best dense layer on them.

    It takes photos of any size. With it come the images that it was not made from, at two sizes,
    each with what Keras computes of it, and their labels.
    """
    images, labels = drawn_images(400, seed=0, size=32)
    model = AlexNet("cifar10_18pct", initialization="robust")
    prepared = to_numpy(evaluation_preprocessor("cifar10_18pct")(images)).astype("float32")
    maps = to_numpy(feature_extractor(model, "pool3")(tensor(prepared))).reshape(len(images), -1)
    maps = np.concatenate([maps, np.ones_like(maps[:, :1])], axis=1)
    train, test = slice(0, 300), slice(300, None)
    gram = maps[train] @ maps[train].T
    ridge = 1e-2 * np.trace(gram) / len(gram) * np.eye(len(gram))
    targets = np.eye(10)[labels[train]] - 0.1
    solution = maps[train].T @ np.linalg.solve(gram + ridge, targets)
    model.get_layer("fc10").set_weights([10 * solution[:-1], 10 * solution[-1]])
    image = keras.Input((None, None, 3), dtype="uint8")
    whole = keras.Model(image, model(evaluation_preprocessor("cifar10_18pct")(image)))
    sizes = (images[test], larger(images[test]))
    return whole, [(photos, to_numpy(whole(tensor(photos)))) for photos in sizes], labels[test]


def larger(images):
    """Return the images at a size that is not one of theirs."""
    return np.asarray(tf.cast(tf.image.resize(images, (50, 67), "bicubic"), "uint8"))


@pytest.mark.medium
@pytest.mark.parametrize(
    ("form", "precision", "tolerance", "kept"),
    [
        ("saved_model", "float16", 1e-2, 0.98),
        ("litert", "float16", 1e-2, 0.98),
        ("litert", "int8", 0.2, 0.9),
    ],
)
def test_fewer_bits(form, precision, tolerance, kept, classifier, tmp_path):
    """Photos in, probabilities out: near to Keras's, mostly the same class, and a smaller file."""
    model, computed, labels = classifier
    settings = Settings(precision, calibration=computed[0][0][:50])
    run = written(form, model, tmp_path / "file", settings)
    for photos, expected in computed:
        assert np.mean(expected.argmax(1) == labels) > 0.5
        (found,) = run(photos)
        assert np.abs(found - expected).max() < tolerance
        assert np.mean(found.argmax(1) == expected.argmax(1)) >= kept
    if form == "litert":
        size = model.count_params() * (2 if precision == "float16" else 1)
        assert (tmp_path / "file").stat().st_size < size + 50_000


def test_int8_is_not_for_every_file(tmp_path):
    """Messages: a SavedModel has none, and LiteRT needs images to measure the ranges on."""
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()])
    with pytest.raises(UserError, match=r"'int8' for a SavedModel.*Export the model as LiteRT"):
        written("saved_model", model, tmp_path / "file", Settings("int8"))
    for images in (None, np.zeros((0, 4, 4, 3), "float32")):
        with pytest.raises(UserError, match=r"'int8' without images.*Give a folder of photos"):
            written("litert", model, tmp_path / "file", Settings("int8", images))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("variant", ["owt", "bvlc", "source2012"])
@both_formats
def test_photos(form, variant, tmp_path):
    """The preparation of each family alone, on photos of other sizes: within a grey level."""
    stack = evaluation_preprocessor(variant, image_size=24)
    image = keras.Input((None, None, 3), dtype="uint8")
    run = written(form, keras.Model(image, stack(image)), tmp_path / "file")
    exact = Preprocessor(stack.layers[-1:])
    level = np.ptp(to_numpy(exact(np.array([0, 1], "uint8").reshape(2, 1, 1, 1).repeat(3, -1))), 0)
    for sizes in ((1, 40, 75), (2, 60, 33), (1, 14, 20), (1, 24, 24)):
        photos = np.random.default_rng(0).integers(0, 256, (*sizes, 3), dtype="uint8")
        difference = np.abs(run(photos)[0] - to_numpy(stack(photos)))
        assert (difference <= level * 1.001).all()
        assert (difference < 1e-4).mean() > 0.95
