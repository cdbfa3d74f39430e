"""Arguments of the public calls that are integers, of every type."""

import functools
import json
import re

import keras
import numpy as np
import pytest

import keras_alexnet as package
from helpers import tensor
from image_files import class_folders
from keras_alexnet import AlexNet, LocalResponseNormalization, get_recipe
from keras_alexnet.arguments import integer
from keras_alexnet.cards.texts import to_texts
from keras_alexnet.errors import UserError
from signatures import signature

SHAPE = (16, 16, 3)


def small(**options):
    """Return the smallest network."""
    return AlexNet("cifar10_19pct", **{"input_shape": SHAPE, **options})


@functools.cache
def core():
    """Return one such network for the models around it."""
    return small()


def config(layer):
    """Return the configuration of a layer, and for a stack those of its layers; without a name."""
    layers = getattr(layer, "layers", [layer])
    return [{**part.get_config(), "name": "", "dtype": ""} for part in layers]


def timed(*counts):
    """Return the timings of forward passes."""
    layers = [keras.Input((2,)), keras.layers.Dense(1)]
    return package.benchmark(keras.Sequential(layers), *counts).to_dict()["timings"][0]


def shapes(folder, **options):
    """Return the shapes of the batches of a folder."""
    return [list(images.shape) for images, _ in package.image_folder(folder, **options)]


# By public call and parameter: JSON of what comes of it. `n` makes an integer of some type.
INTEGERS = {
    "AlexNet.classes": lambda n: small(classes=n(3)).get_config()["layers"],
    "AlexNet.input_shape": lambda n: small(input_shape=tuple(map(n, SHAPE))).get_config()["layers"],
    "BenchmarkCallback.batch_size": lambda n: package.BenchmarkCallback(n(8)).batch_size,
    "BenchmarkCallback.images": lambda n: package.BenchmarkCallback(images=n(9)).images,
    "BenchmarkCallback.warm_up": lambda n: package.BenchmarkCallback(warm_up=n(2)).warm_up,
    "FlatLossWarning.steps": lambda n: package.FlatLossWarning(steps=n(20)).steps,
    "FlatLossWarning.classes": lambda n: package.FlatLossWarning(classes=n(20)).classes,
    "FlatLossWarning.window": lambda n: package.FlatLossWarning(window=n(20)).window,
    "LocalResponseNormalization.size": lambda n: config(LocalResponseNormalization(n(3))),
    "LocalResponseNormalization.groups": lambda n: config(LocalResponseNormalization(groups=n(2))),
    "LocalResponseNormalization.from_tensorflow.depth_radius": lambda n: config(
        LocalResponseNormalization.from_tensorflow(n(2))
    ),
    "LocalResponseNormalization.from_torch.size": lambda n: config(
        LocalResponseNormalization.from_torch(n(5))
    ),
    "LocalResponseNormalization.from_caffe.local_size": lambda n: config(
        LocalResponseNormalization.from_caffe(n(5))
    ),
    "LocalResponseNormalization.from_onnx.size": lambda n: config(
        LocalResponseNormalization.from_onnx(n(5))
    ),
    "LocallyConnected2D.filters": lambda n: config(package.LocallyConnected2D(n(2), 3)),
    "LocallyConnected2D.kernel_size": lambda n: config(package.LocallyConnected2D(2, n(3))),
    "LocallyConnected2D.strides": lambda n: config(package.LocallyConnected2D(2, 3, (n(1), n(2)))),
    "ModelCard.input_size": lambda n: to_texts(package.ModelCard("owt", n(64))),
    "NineCrop.height": lambda n: config(package.NineCrop(n(3), 4)),
    "NineCrop.width": lambda n: config(package.NineCrop(3, n(4))),
    "PCAColorNoise.seed": lambda n: config(package.PCAColorNoise(seed=n(3))),
    "RandomCropFlip.height": lambda n: config(package.RandomCropFlip(n(3), 4, seed=1)),
    "RandomCropFlip.width": lambda n: config(package.RandomCropFlip(3, n(4), seed=1)),
    "RandomCropFlip.seed": lambda n: config(package.RandomCropFlip(3, 4, seed=n(1))),
    "Recipe.optimizer.steps_per_epoch": lambda n: (
        get_recipe("owt").optimizer(n(5)).get_config()["learning_rate"]
    ),
    "Recipe.optimizer.steps_per_epoch of each": lambda n: (
        get_recipe("cifar10_80sec").optimizer([n(5)] * 10).get_config()["learning_rate"]
    ),
    "Recipe.steps_per_epoch.images": lambda n: get_recipe("owt").steps_per_epoch(n(1000)),
    "Recipe.stretched.epochs": lambda n: (
        vars(get_recipe("owt").stretched(n(9)).learning_rate),
        get_recipe("owt").stretched(n(9)).epochs,
    ),
    "ReduceOnPlateau.times": lambda n: package.ReduceOnPlateau(times=n(2)).times,
    "ReduceOnPlateau.patience": lambda n: package.ReduceOnPlateau(patience=n(2)).patience,
    "TenCrop.height": lambda n: config(package.TenCrop(n(3), 4)),
    "TenCrop.width": lambda n: config(package.TenCrop(3, n(4))),
    "benchmark.batch_size": lambda n: timed(n(2), 1, 1)["images"],
    "benchmark.num_batches": lambda n: len(timed(1, n(2), 1)["seconds"]),
    "benchmark.burn_in": lambda n: len(timed(1, 1, n(2))["warm_up"]),
    "decode_predictions.top": lambda n: [
        name for name, _, _ in package.decode_predictions(np.zeros((1, 1000)), top=n(2))[0]
    ],
    "evaluation_preprocessor.image_size": lambda n: config(
        package.evaluation_preprocessor("owt", image_size=n(64))
    ),
    "fully_convolutional.input_shape": lambda n: package.fully_convolutional(
        core(), (n(32), n(24), n(3))
    ).get_config()["layers"][0],
    "multi_crop_model.image_size": lambda n: (
        package.multi_crop_model(core(), 10, n(20)).input_shape
    ),
    "multi_crop_model.views": lambda n: package.multi_crop_model(core(), n(9), 20).name,
    "ten_crop_model.image_size": lambda n: package.ten_crop_model(core(), n(20)).input_shape,
    "ten_crop_model.image_size of two": lambda n: (
        package.ten_crop_model(core(), (n(20), n(24))).input_shape
    ),
    "ten_crop_model.views": lambda n: package.ten_crop_model(core(), 20, n(9)).name,
    "training_preprocessor.image_size": lambda n: config(
        package.training_preprocessor("owt", image_size=n(64), seed=1)
    ),
    "training_preprocessor.seed": lambda n: config(
        package.training_preprocessor("paper", seed=n(1))
    ),
}
FOLDER_INTEGERS = {
    "image_folder.image_size": lambda folder, n: shapes(folder, image_size=n(8)),
    "image_folder.batch_size": lambda folder, n: shapes(folder, image_size=8, batch_size=n(3)),
    "image_folder.seed": lambda folder, n: shapes(folder, image_size=8, shuffle=True, seed=n(1)),
    "image_folder.first_epoch": lambda folder, n: shapes(
        folder, image_size=8, shuffle=True, first_epoch=n(1)
    ),
}
# Integers by their meaning, though neither a default nor an annotation says so.
NAMES = (
    *("batch_size", "classes", "filters", "height", "image_size", "images", "input_shape"),
    *("input_size", "kernel_size", "seed", "size", "steps", "strides", "top", "views", "width"),
)


def public_parameters():
    """Yield the name, `call.parameter`, and the parameter of every public call."""
    for name in package.__all__:
        for parameter in signature(getattr(package, name)).parameters.values():
            yield f"{name}.{parameter.name}", parameter


def takes_integers(parameter):
    """Return whether a parameter is one for integers."""
    is_integer = isinstance(parameter.default, int) and not isinstance(parameter.default, bool)
    annotated = re.search(r"\bint\b", str(parameter.annotation)) is not None
    return parameter.name in NAMES or is_integer or annotated


@pytest.mark.backend_free
def test_every_public_integer_is_tried():
    """A new parameter for integers must join the tables above."""
    # Any positive number; and one for JAX alone, which tests/test_distribution.py tries.
    no_integers = {"PCAColorNoise.value_range", "distribution.devices"}
    integers = {name for name, parameter in public_parameters() if takes_integers(parameter)}
    assert integers - no_integers - INTEGERS.keys() == FOLDER_INTEGERS.keys()


@functools.cache
def from_an_int(name):
    """Return what comes of Python's own type, as JSON."""
    return json.dumps(INTEGERS[name](int))


@pytest.mark.parametrize("kind", [np.int64, np.array], ids=["NumPy", "array without axes"])
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_of_every_type_give_the_same(name, kind):
    """What comes of them can be written as JSON, so that a model can be saved."""
    assert json.dumps(INTEGERS[name](kind)) == from_an_int(name)


@pytest.mark.parametrize("name", INTEGERS)
def test_bools_and_floats_are_refused(name):
    """With a sentence that names the argument, also where they have a whole value."""
    argument = name.split(" ")[0].rsplit(".", 1)[1]
    for kind in (float, np.float32, lambda n: n > 0, lambda n: np.bool_(n > 0), str):
        with pytest.raises(UserError, match=rf"Received {argument}=.*`{argument}` must be"):
            INTEGERS[name](kind)


@pytest.mark.backend_free
@pytest.mark.parametrize(
    "value", [True, np.True_, 2.0, np.float64(2), "2", b"2", None, [2], np.array([2, 3]), 2j]
)
def test_no_integer(value):
    """What has the value of an integer but is none is refused like what has not."""
    with pytest.raises(
        UserError, match=r"Received size=.*`size` must be a whole number of at.*Why"
    ):
        integer("size", value, 1, "Why.")


def test_tensors_are_integers_too():
    """Those of the backend without axes, such as a maximum of labels; but none of bools."""
    found = integer("classes", tensor(7, "int32") + 1, 1, "Why.")
    assert (found, type(found)) == (8, int)
    for other in (tensor(7.0), tensor(True)):
        with pytest.raises(UserError, match="`classes` must be a whole number"):
            integer("classes", other, 1, "Why.")


@pytest.mark.backend_free
def test_bounds():
    """The least value is allowed, one less is not."""
    assert integer("seed", np.int64(0), 0, "Why.") == 0
    with pytest.raises(UserError, match=r"Received seed=-1\. `seed` must be a whole number of at"):
        integer("seed", -1, 0, "Why.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with two classes of two images."""
    return class_folders(tmp_path_factory.mktemp("photos"), 2)


@pytest.mark.parametrize("name", FOLDER_INTEGERS)
def test_integers_of_a_folder(name, folder):
    """NumPy's do what Python's do; others are refused with the argument's name."""
    case = FOLDER_INTEGERS[name]
    assert case(folder, np.int64) == case(folder, int)
    argument = name.split(".")[1]
    for kind in (float, lambda n: n > 0):
        with pytest.raises(UserError, match=rf"Received {argument}=.*`{argument}` must be"):
            case(folder, kind)
