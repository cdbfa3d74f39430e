"""`AlexNet`'s arguments, data formats, precision, files and mistakes."""

import json

import keras
import numpy as np
import pytest

from helpers import double_precision, run_channels_first, to_numpy, zeros_at_first
from keras_alexnet import AlexNet, list_variants
from narrow_networks import narrow

SMALL = {"variant": "paper", "input_shape": (67, 67, 3), "classes": 7}


def images(size=67, channels=3, count=2):
    """Return random images of 0 to 255 less their mean."""
    rng = np.random.default_rng(0)
    return rng.uniform(-120, 120, (count, size, size, channels)).astype("float32")


@pytest.mark.medium
def test_without_top_any_size():
    """As in keras.applications, features alone take images of any size."""
    model = AlexNet("bvlc", include_top=False)
    assert model.input_shape == (None, None, None, 3)
    assert model.output_shape == (None, None, None, 256)
    assert model(images(67)).shape == (2, 1, 1, 256)
    assert model(images(100)).shape == (2, 2, 2, 256)
    assert model.layers[-1].name == "pool5"


@pytest.mark.parametrize(("pooling", "reduce"), [("avg", np.mean), ("max", np.max)])
def test_pooling_is_global(pooling, reduce):
    """`pooling` reduces the feature maps of the same network over all places."""
    maps = AlexNet("owt", include_top=False)
    with zeros_at_first():
        pooled = AlexNet("owt", include_top=False, pooling=pooling)
    pooled.set_weights(maps.get_weights())
    x = images(130)
    expected = reduce(to_numpy(maps(x)), axis=(1, 2))
    np.testing.assert_allclose(to_numpy(pooled(x)), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.medium
def test_input_tensor_continues_a_model(monkeypatch):
    """With `input_tensor` the model starts where that tensor comes from."""
    narrow(monkeypatch, "owt")
    pixels = keras.Input((67, 67, 3), name="pixels")
    scaled = keras.layers.Rescaling(1 / 255, name="scale")(pixels)
    model = AlexNet("owt", input_tensor=scaled, classes=3)
    assert [layer.name for layer in model.layers[:3]] == ["pixels", "scale", "pad1"]
    assert model(images()).shape == (2, 3)
    assert model.get_layer("fc8").units == 3


def test_input_tensor_must_be_one():
    """An array is not an input tensor."""
    with pytest.raises(ValueError, match=r"type ndarray.*Keras tensor.*keras\.Input"):
        AlexNet(input_tensor=images())


@pytest.mark.medium
@pytest.mark.parametrize("channels", [1, 4])
def test_other_channels(channels, monkeypatch):
    """Images may have any number of channels."""
    narrow(monkeypatch, "paper")
    model = AlexNet("paper", input_shape=(67, 67, channels), classes=7)
    assert model.get_layer("conv1").kernel.shape == (11, 11, channels, 96)
    assert model(images(channels=channels)).shape == (2, 7)


@pytest.mark.medium
def test_classifier_activation(monkeypatch):
    """The activation is the last layer's; None leaves the logits, the same weights."""
    narrow(monkeypatch, "paper")
    probabilities = AlexNet(**SMALL)
    logits = AlexNet(**SMALL, classifier_activation=None)
    logits.set_weights(probabilities.get_weights())
    assert logits.layers[-1].name == "fc8"
    values = to_numpy(logits(images()))
    expected = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(to_numpy(probabilities(images())), expected, rtol=1e-5)


def test_names():
    """Models are named after their variant unless told otherwise."""
    assert AlexNet("cifar10_19pct").name == "alexnet_cifar10_19pct"
    assert AlexNet("cifar10_19pct", name="mine").name == "mine"


@pytest.mark.medium
@pytest.mark.parametrize("name", list_variants())
def test_data_formats_compute_the_same(name, monkeypatch):
    """The same weights give the same features and outputs in both data formats.

    The last maps have 2 x 2 places, whose order in the dense layers is not that of memory.
    """
    narrow(monkeypatch, name)
    size = 35 if name.startswith("cifar") else 99
    last = AlexNet(name, input_shape=(size, size, 3), classes=5)
    with zeros_at_first():
        first = AlexNet(name, input_shape=(3, size, size), classes=5, data_format="channels_first")
    first.set_weights(last.get_weights())
    x = images(size)
    np.testing.assert_allclose(
        run_channels_first(first, x.transpose(0, 3, 1, 2)), to_numpy(last(x)), atol=1e-5
    )


@pytest.mark.medium
@pytest.mark.parametrize("size", [100, 300])
def test_owt_averages_other_sizes_down(size, monkeypatch):
    """torchvision's network pools any size to 6 x 6, so weights fit every size."""
    narrow(monkeypatch, "owt")
    model = AlexNet("owt", input_shape=(size, size, 3), classes=5)
    assert model.get_layer("avgpool").output.shape == (None, 6, 6, 256)
    assert model.get_layer("fc6").kernel.shape == (9216, 64)


@pytest.mark.long
@pytest.mark.parametrize(
    ("policy", "inner"),
    [("mixed_float16", "float16"), ("mixed_bfloat16", "bfloat16"), ("float64", "float64")],
)
def test_dtype_policies(policy, inner):
    """Layers compute in the policy's type; a softmax in half precision is float32."""
    with double_precision():
        model = AlexNet("cifar10_18pct", classes=7, dtype=policy)
        features = keras.Model(model.input, [model.get_layer("norm1").output, model.output])
        norm1, prob = features(images(32))
    assert keras.backend.standardize_dtype(norm1.dtype) == inner
    outer = "float32" if inner != "float64" else "float64"
    assert keras.backend.standardize_dtype(prob.dtype) == outer
    np.testing.assert_allclose(to_numpy(prob).sum(axis=1), 1, rtol=1e-4)


@pytest.mark.medium
@pytest.mark.initial_values
def test_robust_initialization(monkeypatch):
    """Robust values are He's, with zero biases and a small classifier."""
    narrow(monkeypatch, "paper")
    model = AlexNet("paper", initialization="robust", input_shape=(67, 67, 3))
    kernel, bias = model.get_layer("conv2").get_weights()
    assert kernel.std() == pytest.approx((2 / (5 * 5 * 48)) ** 0.5, rel=0.02)
    assert not bias.any()
    assert model.get_layer("fc8").get_weights()[0].std() == pytest.approx(0.01, rel=0.02)


@pytest.mark.long
@pytest.mark.parametrize("name", ["paper", "source2012", "ungrouped", "cifar10_18pct"])
def test_gradient_reaches_every_weight(name, monkeypatch):
    """One training step changes every kernel and bias."""
    narrow(monkeypatch, name)
    keras.utils.set_random_seed(0)
    size = 32 if name.startswith("cifar") else 67
    model = AlexNet(name, input_shape=(size, size, 3), classes=4, initialization="robust")
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.train_on_batch(images(size, count=8) / 60, np.arange(8) % 4)
    names = [weight.path for weight in model.weights]
    same = [
        name
        for name, old, new in zip(names, before, model.get_weights(), strict=True)
        if np.array_equal(old, new)
    ]
    assert same == []


# The weights that these tests save are initial values, which is what is warned of.
UNTRAINED = pytest.mark.filterwarnings("ignore:(?s).*The weights look untrained:UserWarning")


@pytest.mark.long
@UNTRAINED
@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_files_round_trip(tmp_path, ending, data_format, monkeypatch):
    """A saved model or its weights come back equal, to the last bit."""
    narrow(monkeypatch, "source2012")
    shape = (67, 67, 3) if data_format == "channels_last" else (3, 67, 67)
    arguments = {"input_shape": shape, "classes": 4, "data_format": data_format}
    model = AlexNet("source2012", **arguments)
    path = str(tmp_path / f"alexnet{ending}")
    if ending == ".keras":
        model.save(path)
        again = keras.saving.load_model(path)
        assert json.dumps(again.get_config()) == json.dumps(model.get_config())
    else:
        model.save_weights(path)
        again = AlexNet("source2012", weights=path, **arguments)
    for old, new in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", list_variants())
def test_an_older_file_keeps_every_setting(name, tmp_path):
    """Also words that Keras takes for the names of its operations in an .h5 file: "max"."""
    size = 35 if name.startswith("cifar") else 79
    with zeros_at_first():
        model = AlexNet(name, input_shape=(size, size, 3), include_top=False)
    model.save(tmp_path / "model.h5")
    again = keras.saving.load_model(tmp_path / "model.h5", compile=False)
    configs = [[layer.get_config() for layer in one.layers] for one in (model, again)]
    assert json.dumps(configs[0]) == json.dumps(configs[1])


@pytest.mark.medium
@UNTRAINED
def test_weights_fit_the_other_data_format(tmp_path):
    """Weights saved in one data format load in the other."""
    path = tmp_path / "small.weights.h5"
    last = AlexNet("cifar10_80sec", data_format="channels_last")
    last.save_weights(path)
    first = AlexNet("cifar10_80sec", weights=path, data_format="channels_first")
    x = images(32)
    np.testing.assert_allclose(
        run_channels_first(first, x.transpose(0, 3, 1, 2)), to_numpy(last(x)), atol=1e-5
    )


def test_cloned_models_compute_the_same():
    """`keras.models.clone_model` keeps every layer's arguments."""
    model = AlexNet("cifar10_18pct", initialization="robust")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(to_numpy(clone(images(32))), to_numpy(model(images(32))))


MISTAKES = [
    ({"variant": "lenet"}, r"variant='lenet'.*The variants are: paper"),
    (
        {"input_shape": (63, 70, 3)},
        r"too small.*conv1: \(63 \+ 3 - 11\) // 4 \+ 1 = 14.*pool5: \(2 - 3\) // 2 \+ 1 = 0.*64 or",
    ),
    ({"input_shape": (32, 32, 3)}, r"Resize.*pooling='avg'.*cifar10_18pct"),
    ({"input_shape": (3, 224, 224)}, r"too small.*data_format='channels_first'"),
    ({"input_shape": (224, 224)}, r"\(224, 224\).*must be \(height, width, channels\)"),
    ({"input_shape": (None, None, 3)}, r"size too.*include_top=False"),
    ({"input_shape": (224, 224, None)}, r"channels must be known"),
    ({"pooling": "mean"}, r"pooling='mean'.*None, 'avg', 'max'"),
    ({"classes": 0}, r"classes=0.*at least 1"),
    ({"classes": True}, r"classes=True.*at least 1"),
    ({"classes": 2.0}, r"classes=2\.0.*at least 1"),
    ({"initialization": "he"}, r"initialization='he'.*'published', 'robust'"),
    ({"data_format": "NHWC"}, r"data_format='NHWC'.*channels_last"),
    (
        {"variant": "paper", "weights": "imagenet"},
        r"weights='imagenet' for the variant 'paper', of which no weights",
    ),
    ({"weights": "no.weights.h5"}, r"no such file.*Check the spelling"),
]


def test_one_class():
    """One output, such as of a sigmoid, is as right as many."""
    model = AlexNet("cifar10_19pct", classes=1, classifier_activation="sigmoid")
    assert model.output_shape == (None, 1)


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_mistakes_are_answered(arguments, message):
    """Every mistake is answered with what was wrong, what was expected and what to do."""
    with pytest.raises(ValueError, match=f"(?s){message}"):
        AlexNet(**arguments)


def test_weights_of_another_model(tmp_path):
    """Weights that do not fit are refused by name, with all that does not fit."""
    path = tmp_path / "ten.weights.h5"
    AlexNet("cifar10_19pct").save_weights(path)
    with pytest.raises(
        ValueError,
        match=r"ten\.weights\.h5.*was not loaded.*missing: fc10's kernel, fc10's bias.*"
        r"layers/dense/vars/0' has the shape \(1024, 10\) where fc64's kernel takes \(1024, 64\)",
    ):
        AlexNet("cifar10_80sec", weights=path)


def test_weights_file_that_is_none(tmp_path):
    """A file that is no weights file is said to be none."""
    path = tmp_path / "text.weights.h5"
    path.write_text("no weights")
    with pytest.raises(ValueError, match=r"text\.weights\.h5' cannot be read.*no file of weights"):
        AlexNet("cifar10_19pct", weights=path)
