"""All layers: configuration, files, shapes, data types, data formats and training."""

import dataclasses
import functools
import json

import keras
import numpy as np
import pytest

from helpers import (
    BACKEND,
    compiled,
    double_precision,
    gradient,
    normal,
    tensor,
    to_numpy,
    value_and_gradient,
)
from keras_alexnet import layers
from keras_alexnet.layers import (
    AdaptiveAveragePooling2D,
    CeilPooling2D,
    Conv2D,
    DownscaledDropout,
    Dropout,
    LocallyConnected2D,
    LocalResponseNormalization,
    MaxPooling2D,
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A layer to test, and the shape of an image for it, channels last."""

    kind: type
    arguments: dict
    shape: tuple = (6, 7, 4)
    same_size: bool = False
    any_size: bool = True  # whether sizes may be unknown when it is built

    def make(self, **more):
        """Return a new layer."""
        return self.kind(**self.arguments, **more)


CASES = {
    "conv": Case(Conv2D, {"filters": 6, "kernel_size": 3, "strides": 2, "groups": 2}),
    "whole conv": Case(Conv2D, {"filters": 6, "kernel_size": 3, "padding": "same"}),
    "local": Case(
        LocallyConnected2D,
        {"filters": 5, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"},
        any_size=False,
    ),
    "whole windows": Case(MaxPooling2D, {"pool_size": 3, "strides": 2}),
    "inverted dropout": Case(Dropout, {"rate": 0.25, "seed": 3}, same_size=True),
    "max": Case(CeilPooling2D, {"pool_size": 3, "strides": 2}),
    "average": Case(CeilPooling2D, {"pool_size": 2, "strides": 2, "reduction": "average"}),
    "adaptive": Case(AdaptiveAveragePooling2D, {"output_size": 4}),
    "dropout": Case(DownscaledDropout, {"rate": 0.25, "seed": 3}, same_size=True),
    "across": Case(
        LocalResponseNormalization, {"size": 3, "alpha": 0.1, "groups": 2}, same_size=True
    ),
    "within": Case(
        LocalResponseNormalization,
        {"size": 2, "alpha": 0.1, "region": "within_channel", "even_window": "after"},
        same_size=True,
    ),
}


FORMATTED = [name for name, case in CASES.items() if not issubclass(case.kind, Dropout)]


every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def dtype_name(x):
    """Return the name of a tensor's data type."""
    return keras.backend.standardize_dtype(x.dtype)


@pytest.mark.backend_free
def test_every_layer_has_a_case():
    """A public layer without a case here would not be tested."""
    public = {
        name
        for name, thing in vars(layers).items()
        if isinstance(thing, type) and issubclass(thing, keras.layers.Layer)
    }
    assert public == set(layers.__all__)
    assert public == {case.kind.__name__ for case in CASES.values()}


@every_case
def test_config_is_the_same_at_every_time(case):
    """`get_config` has the arguments, and building, running and JSON do not change it."""
    layer = case.make(name="mine")
    config = layer.get_config()
    given = {name: config[name] for name in case.arguments}
    pairs = {name: (value, value) for name, value in case.arguments.items()}  # as Keras has sizes
    assert all(given[name] in (case.arguments[name], pairs[name]) for name in given)
    layer(normal(2, *case.shape))
    assert layer.get_config() == config
    again = case.kind.from_config(config)
    assert again.get_config() == config
    text = json.dumps(keras.saving.serialize_keras_object(layer))
    loaded = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(loaded) is case.kind
    assert loaded.get_config() == config


@every_case
def test_registered_under_the_package(case):
    """Files name every layer after the package."""
    name = keras.saving.get_registered_name(case.kind)
    assert name == f"keras_alexnet>{case.kind.__name__}"


@every_case
def test_saved_and_loaded(case, tmp_path):
    """A saved model comes back with the same configuration, weights and output."""
    image = keras.Input(case.shape)
    model = keras.Model(image, case.make(name="mine")(image))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = normal(2, *case.shape)
    assert again.get_layer("mine").get_config() == model.get_layer("mine").get_config()
    np.testing.assert_array_equal(to_numpy(again(x)), to_numpy(model(x)))


@every_case
def test_cloned(case):
    """A cloned layer computes the same from the same weights."""
    layer, x = case.make(), normal(2, *case.shape)
    image = keras.Input(case.shape)
    model = keras.Model(image, layer(image))
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(to_numpy(clone(x)), to_numpy(model(x)))


@every_case
@pytest.mark.parametrize("training", [False, True])
def test_shape_before_and_after(case, training):
    """The shape foreseen, with sizes known or not, is that of the result."""
    layer, x = case.make(), normal(2, *case.shape)
    arguments = {"training": training} if case.kind is DownscaledDropout else {}
    wanted = tuple(layer(x, **arguments).shape)
    assert layer.compute_output_shape(x.shape) == wanted
    symbolic = layer(keras.Input(case.shape), **arguments)
    assert symbolic.shape == (None, *wanted[1:])
    assert (wanted == x.shape) is case.same_size
    if not case.any_size:
        return
    model = keras.Sequential([keras.Input((None, None, case.shape[-1])), layer])
    sizes = (4, 4) if case.kind is AdaptiveAveragePooling2D else (None, None)
    assert model.output_shape == (None, *sizes, wanted[-1])
    assert model(x, training=training).shape == wanted


# Half a unit in the last place for each of the roundings that inputs, weights and the result
# may go through, as a share of the largest magnitude.
PRECISION = {"float16": 2**-8, "bfloat16": 2**-5, "float32": 1e-6, "float64": 1e-6}


@functools.cache
def in_float32(name):
    """Return an input, the weights of a float32 layer, and its output."""
    x = normal(2, *CASES[name].shape)
    layer = CASES[name].make(dtype="float32")
    y = to_numpy(layer(x))
    return x, layer.get_weights(), y


@pytest.mark.medium
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", PRECISION)
def test_data_types(name, dtype):
    """Output and gradient have the layer's type, foreseen or computed, and the same values."""
    case = CASES[name]
    x, weights, wanted = in_float32(name)
    with double_precision():
        layer = case.make(dtype=dtype)
        foreseen = layer(keras.Input(case.shape))
        layer.set_weights(weights)
        y, dx = value_and_gradient(layer, tensor(x, dtype), tensor(np.ones(wanted.shape), dtype))
        assert (dtype_name(foreseen), dtype_name(y), dtype_name(dx)) == (dtype, dtype, dtype)
        slack = PRECISION[dtype] * np.abs(wanted).max()
        np.testing.assert_allclose(to_numpy(y), wanted, rtol=0, atol=slack)
        assert np.isfinite(to_numpy(dx)).all()


@pytest.mark.medium
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_mixed_precision(name, dtype):
    """Under a mixed policy float32 goes in, half precision comes out, and weights are float32."""
    case = CASES[name]
    x, weights, wanted = in_float32(name)
    keras.config.set_dtype_policy(f"mixed_{dtype}")
    layer = case.make()
    foreseen = layer(keras.Input(case.shape))
    layer.set_weights(weights)
    y = layer(x)
    assert (dtype_name(foreseen), dtype_name(y)) == (dtype, dtype)
    assert {dtype_name(weight) for weight in layer.trainable_weights} <= {"float32"}
    slack = PRECISION[dtype] * np.abs(wanted).max()
    np.testing.assert_allclose(to_numpy(y), wanted, rtol=0, atol=slack)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("name", "dtype"), [*((name, "float32") for name in FORMATTED), ("conv", "float16")]
)
def test_data_formats(name, dtype):
    """Both data formats compute the same output and gradient from the same weights."""
    case = CASES[name]
    last = case.make(data_format="channels_last", dtype=dtype)
    first = case.make(data_format="channels_first", dtype=dtype)
    x = tensor(normal(2, *case.shape), dtype)
    turned = keras.ops.transpose(x, (0, 3, 1, 2))
    last.build(x.shape)
    first.build(turned.shape)
    first.set_weights(last.get_weights())
    dy = tensor(normal(*last.compute_output_shape(x.shape), seed=1), dtype)

    # On a CPU TensorFlow's own kernels lack channels-first convolutions of some types, not XLA's.
    run_first = compiled(lambda x, dy: (first(x), gradient(first, x, dy)))
    results = run_first(turned, keras.ops.transpose(dy, (0, 3, 1, 2)))
    assert results[0].shape == first.compute_output_shape(turned.shape)
    slack = 1e-6 if dtype == "float32" else 2**-8
    for actual, wanted in zip(results, value_and_gradient(last, x, dy), strict=True):
        actual = to_numpy(actual).transpose(0, 2, 3, 1)
        largest = np.abs(to_numpy(wanted)).max()
        np.testing.assert_allclose(actual, to_numpy(wanted), rtol=0, atol=slack * largest)


@pytest.mark.parametrize("name", FORMATTED)
@pytest.mark.parametrize("setting", ["channels_last", "channels_first"])
def test_data_format_is_resolved_when_made(name, setting):
    """Keras's setting at the time of making is what `get_config` says, whatever comes later."""
    keras.config.set_image_data_format(setting)
    config = CASES[name].make().get_config()
    keras.config.set_image_data_format("channels_last")
    assert config["data_format"] == setting
    assert CASES[name].kind.from_config(config).data_format == setting


@pytest.mark.medium
@every_case
def test_a_step_of_training(case):
    """One step of `fit` has a finite loss and moves weights before, in and after the layer."""
    model = keras.Sequential(
        [
            keras.Input(case.shape),
            keras.layers.Conv2D(case.shape[-1], 1, name="before"),
            case.make(name="mine"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    start = [weight.numpy() for weight in model.trainable_weights]
    model.compile(
        keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    history = model.fit(normal(4, *case.shape), np.arange(4) % 3, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    moved = [
        np.abs(weight.numpy() - old).max()
        for weight, old in zip(model.trainable_weights, start, strict=True)
    ]
    assert min(moved) > 0


# TensorFlow's convolution of an empty batch on a CPU has the shape of its input (2.21, oneDNN).
WITHOUT_EMPTY_BATCH = {"conv", "whole conv"} if BACKEND == "tensorflow" else set()


@pytest.mark.parametrize("name", sorted(CASES.keys() - WITHOUT_EMPTY_BATCH))
def test_empty_batch(name):
    """A batch without images gives one without results."""
    layer = CASES[name].make()
    x = np.zeros((0, *CASES[name].shape), "float32")
    assert layer(x).shape == layer.compute_output_shape(x.shape)
