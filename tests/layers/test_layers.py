"""What all layers have in common, and the values of those other than normalisation."""

import dataclasses
import functools
import json

import keras
import numpy as np
import pytest

import reference
from helpers import (
    BACKEND,
    compiled,
    directional,
    double_precision,
    gradient,
    tensor,
    to_numpy,
    traced,
    with_unknown_sizes,
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
    pooling,
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


def normal(*shape, seed=0):
    """Return normally distributed numbers in float32."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def value_and_gradient(layer, x, dy):
    """Return a layer's output and its gradient for the upstream dy, in one traced step."""
    return traced(lambda x, dy: (layer(x), gradient(layer, x, dy)))(x, dy)


def dtype_name(x):
    """Return the name of a tensor's data type."""
    return keras.backend.standardize_dtype(x.dtype)


# What all layers have in common --------------------------------------------------------------


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


# Conv2D -------------------------------------------------------------------------------


@pytest.mark.parametrize(("groups", "strides"), [(1, 2), (2, 1), (2, 2), (3, 2)])
def test_conv_is_the_references(groups, strides):
    """Output channel block g sees input channel block g alone, as in the two towers of 2012."""
    layer = Conv2D(12, 3, strides=strides, groups=groups, kernel_initializer="zeros")
    x, kernel, bias = normal(2, 7, 8, 6), normal(3, 3, 6 // groups, 12, seed=1), normal(12, seed=2)
    layer.build(x.shape)
    layer.set_weights([kernel, bias])
    y = traced(layer)(tensor(x))
    wanted = reference.conv2d(x, kernel, bias, strides, groups=groups)
    np.testing.assert_allclose(to_numpy(y), wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.medium
@pytest.mark.parametrize(
    "arguments",
    [
        {"padding": "same", "strides": 2},
        {"strides": (2, 1), "kernel_size": (3, 2)},
        {"dilation_rate": 2},
        {"groups": 4, "padding": "same", "use_bias": False, "activation": "relu"},
        {"groups": 1, "kernel_size": 5, "padding": "same"},
        {"groups": 1, "kernel_size": 4, "strides": 3, "padding": "same"},
        {"groups": 1, "kernel_size": 4, "strides": 3, "padding": "valid"},
    ],
    ids=str,
)
def test_conv_is_keras_own(arguments):
    """Layout of the weights, values and gradients are those of Keras's convolution."""
    arguments = {"filters": 8, "kernel_size": 3, "groups": 2, **arguments}
    arguments["kernel_initializer"] = "zeros"
    ours, theirs = Conv2D(**arguments), keras.layers.Conv2D(**arguments)
    x = normal(2, 7, 6, 4)
    ours.build(x.shape)
    theirs.build(x.shape)
    weights = [normal(*weight.shape, seed=2) for weight in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    assert ours.get_config().keys() == theirs.get_config().keys()
    assert ours.count_params() == theirs.count_params()
    x, dy = tensor(x), tensor(normal(*ours.compute_output_shape(x.shape), seed=1))
    one, other = (value_and_gradient(layer, x, dy) for layer in (ours, theirs))
    np.testing.assert_allclose(to_numpy(one[0]), to_numpy(other[0]), rtol=0, atol=1e-5)
    np.testing.assert_allclose(to_numpy(one[1]), to_numpy(other[1]), rtol=0, atol=1e-5)


def kernel_gradient(layer, x, kernel, dy):
    """Return the gradient of a convolution for its kernel, given the one for its output."""
    x = tensor(x)
    run = traced(lambda k, dy: gradient(lambda k: layer.convolution_op(x, k), k, dy))
    return to_numpy(run(tensor(kernel), tensor(dy)))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("kernel_size", "strides"), [(3, 1), (5, 1), (4, 2), (3, 4), (1, 2)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_conv_has_keras_own_gradient_of_the_kernel(groups, kernel_size, strides, padding):
    """The kernel learns as that of Keras's convolution does."""
    arguments = {"filters": 8, "kernel_size": kernel_size, "groups": groups, "padding": padding}
    arguments["strides"] = strides
    shape = Conv2D(**arguments).compute_output_shape((2, 9, 6, 4))
    kernel = normal(kernel_size, kernel_size, 4 // groups, 8, seed=1)
    given = normal(2, 9, 6, 4), kernel, normal(*shape, seed=2)
    ours = kernel_gradient(Conv2D(**arguments), *given)
    theirs = kernel_gradient(keras.layers.Conv2D(**arguments), *given)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


def test_conv_refuses_channels_that_do_not_fall_into_groups():
    """Keras's own message answers channels that are no multiple of the groups."""
    with pytest.raises(ValueError, match="evenly divisible by the number of groups"):
        Conv2D(4, 3, groups=2)(np.zeros((1, 5, 5, 3), "float32"))


if BACKEND == "jax":  # where the gradient is a rule of this package's own

    @pytest.mark.parametrize("strides", [1, 2])
    def test_conv_forwards_and_image_by_image(strides):
        """The kernel's rule works forwards, and for the gradient of each image on its own."""
        import jax

        layer = Conv2D(4, 3, strides, padding="same", use_bias=False)
        x, dkernel = normal(3, 6, 7, 3), normal(3, 3, 3, 4, seed=1)
        layer.build(x.shape)

        def convolve(kernel, x):
            return layer.convolution_op(x, kernel)

        kernel = layer.kernel.value
        change = jax.jvp(lambda kernel: convolve(kernel, x), (kernel,), (dkernel,))[1]
        np.testing.assert_allclose(change, convolve(dkernel, x), rtol=0, atol=1e-5)

        def loss(kernel, image):
            return (convolve(kernel, image[None]) ** 2).sum()

        slopes = jax.vmap(jax.grad(loss), (None, 0))(kernel, x)
        for slope, image in zip(slopes, x, strict=True):
            np.testing.assert_allclose(slope, jax.grad(loss)(kernel, image), rtol=0, atol=1e-3)


# MaxPooling2D --------------------------------------------------------------------------------


def first_maxima(x, dy, size, strides):
    """Return the gradient of a pooling: each upstream value falls on its window's first maximum."""
    slope = np.zeros_like(x)
    for image, row, column, channel in np.ndindex(*dy.shape):
        top, left = row * strides, column * strides
        window = x[image, top : top + size, left : left + size, channel]
        down, across = np.unravel_index(window.argmax(), window.shape)
        slope[image, top + down, left + across, channel] += dy[image, row, column, channel]
    return slope


@pytest.fixture(params=[True, False], ids=["ours", "the backend's"])
def whose_pooling(request, monkeypatch):
    """Pool with what stands here, and with the backend's own, wherever either is chosen."""
    monkeypatch.setattr(pooling, "slow_max_pool", lambda values: request.param)


@pytest.mark.medium
@pytest.mark.usefixtures("whose_pooling")
@pytest.mark.parametrize("levels", [2, 10_000])
@pytest.mark.parametrize(
    ("size", "strides", "sizes", "data_format"),
    [
        (3, 2, (13, 6), "channels_last"),
        (3, 2, (8, 9), "channels_first"),
        (2, 2, (5, 5), "channels_last"),
        (3, 1, (5, 6), "channels_last"),
        (2, 3, (8, 9), "channels_first"),
        (5, 2, (13, 6), "channels_last"),
    ],
)
def test_max_pooling_by_its_definition(size, strides, sizes, levels, data_format):
    """Values, and the gradient at the first of equal maxima (of which two levels give many)."""
    rng = np.random.default_rng(0)
    x = rng.integers(-levels, levels, (2, *sizes, 3)).astype("float32")
    wanted = reference.max_pool(x, size, strides)
    dy = normal(*wanted.shape, seed=1)
    slope = first_maxima(x, dy, size, strides)
    layer = MaxPooling2D(size, strides, data_format=data_format)
    order, back = ((0, 1, 2, 3),) * 2
    if data_format == "channels_first":
        order, back = (0, 3, 1, 2), (0, 2, 3, 1)
    run = compiled if data_format == "channels_first" else traced
    run = run(lambda x, dy: (layer(x), gradient(layer, x, dy)))
    y, dx = run(tensor(x.transpose(order)), tensor(dy.transpose(order)))
    np.testing.assert_array_equal(to_numpy(y).transpose(back), wanted)
    np.testing.assert_allclose(to_numpy(dx).transpose(back), slope, rtol=1e-6, atol=1e-6)


if BACKEND != "torch":  # whose own derivative is taken

    @pytest.mark.usefixtures("whose_pooling")
    def test_max_pooling_forwards():
        """Along a direction, a pooling changes by what stands at each maximum."""
        x, dx, layer = normal(2, 7, 8, 3), normal(2, 7, 8, 3, seed=1), MaxPooling2D(3, 2)
        wanted = (
            reference.max_pool(x + 1e-3 * dx, 3, 2) - reference.max_pool(x - 1e-3 * dx, 3, 2)
        ) / 2e-3
        change = to_numpy(directional(layer, tensor(x), tensor(dx)))
        np.testing.assert_allclose(change, wanted, rtol=0, atol=2e-3)


@pytest.mark.parametrize("arguments", [{"padding": "same"}, {"pool_size": (3, 2)}], ids=str)
def test_max_pooling_otherwise_is_keras_own(arguments):
    """Other paddings and windows that are not square give what Keras's layer gives."""
    arguments = {"pool_size": 3, "strides": 2, **arguments}
    x = normal(2, 7, 8, 3)
    wanted = to_numpy(keras.layers.MaxPooling2D(**arguments)(x))
    np.testing.assert_array_equal(to_numpy(MaxPooling2D(**arguments)(x)), wanted)


# CeilPooling2D -------------------------------------------------------------------------------

POOLS = {"max": reference.max_pool, "average": reference.avg_pool}
every_window = pytest.mark.parametrize(
    ("size", "pool_size", "strides"),
    [(6, 3, 2), (7, 3, 2), (8, 3, 3), (9, 3, 3), (7, 2, 2), (5, 3, 1), (2, 3, 2)],
)
every_reduction = pytest.mark.parametrize("reduction", POOLS)


def ceil_pool(x, pool_size, strides, reduction):
    """Return what the reference makes of x, padded at the end up to the last window's."""
    size = x.shape[1]
    count = int(np.ceil((size - pool_size) / strides)) + 1
    after = (count - 1) * strides + pool_size - size
    return POOLS[reduction](x, pool_size, strides, (0, after))


@pytest.mark.usefixtures("whose_pooling")
@every_window
@every_reduction
@pytest.mark.parametrize("shift", [0, -10])
def test_pooling_is_the_references(size, pool_size, strides, reduction, shift):
    """Windows reach over the end, and what lies there counts neither as a zero nor as a place."""
    layer = CeilPooling2D(pool_size, strides, reduction)
    x = normal(2, size, size, 3) + np.float32(shift)
    wanted = ceil_pool(x, pool_size, strides, reduction)
    y = to_numpy(layer(x))
    assert y.shape == wanted.shape
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("whose_pooling")
@every_window
@every_reduction
def test_pooling_has_the_references_gradient(size, pool_size, strides, reduction):
    """<gradient, x> is <upstream, output>: true of maxima and means, whatever the upstream."""
    layer = CeilPooling2D(pool_size, strides, reduction)
    x = normal(2, size, size, 3)
    wanted = ceil_pool(x, pool_size, strides, reduction)
    dy = normal(*wanted.shape, seed=1)
    slope = to_numpy(value_and_gradient(layer, tensor(x), tensor(dy))[1])
    assert (slope * x).sum() == pytest.approx((dy * wanted).sum(), rel=1e-4, abs=1e-4)


@pytest.mark.medium
@every_reduction
@pytest.mark.parametrize("sizes", [(6, 7), (9, 5)])
@pytest.mark.parametrize(("pool_size", "strides"), [(3, 2), (2, 2)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_pooling_of_unknown_sizes(sizes, pool_size, strides, reduction, data_format):
    """A pooling that learns the sizes only when it runs gives the same as one that knows them."""
    layer = CeilPooling2D(pool_size, strides, reduction, data_format)
    last = data_format == "channels_last"
    x = normal(2, *sizes, 3) if last else normal(2, 3, *sizes)
    image = keras.Input((None, None, 3) if last else (3, None, None))
    model = keras.Model(image, layer(image))
    wanted = to_numpy(layer(x))
    np.testing.assert_allclose(to_numpy(model(x)), wanted, rtol=1e-6)
    y = with_unknown_sizes(model, x, channel_axis=-1 if last else 1)
    np.testing.assert_allclose(to_numpy(y), wanted, rtol=1e-6)


@pytest.mark.medium
@pytest.mark.peer("torch")
@every_reduction
@pytest.mark.parametrize("sizes", [(6, 7), (3, 4)])
@pytest.mark.parametrize(("pool_size", "strides"), [(3, 2), (2, 2)])
def test_pooling_is_torchs_ceil_mode(sizes, pool_size, strides, reduction):
    """PyTorch's pooling with `ceil_mode=True` gives the same."""
    import torch

    pool = getattr(torch.nn.functional, {"max": "max_pool2d", "average": "avg_pool2d"}[reduction])
    x = normal(2, *sizes, 3)
    wanted = pool(torch.tensor(x.transpose(0, 3, 1, 2)), pool_size, strides, ceil_mode=True)
    y = to_numpy(CeilPooling2D(pool_size, strides, reduction)(x))
    np.testing.assert_allclose(y, wanted.numpy().transpose(0, 2, 3, 1), rtol=1e-5, atol=1e-6)


# AdaptiveAveragePooling2D --------------------------------------------------------------------

every_adaptive_size = pytest.mark.parametrize(
    ("sizes", "output_size"),
    [((6, 6), 6), ((7, 9), 6), ((13, 5), 6), ((2, 3), 6), ((1, 1), 6), ((12, 18), 6), ((5, 4), 1)],
)


def adaptive_average(x, output_size):
    """Average from floor(i size / output_size) to ceil((i + 1) size / output_size), in loops."""
    images, height, width, channels = x.shape
    y = np.zeros((images, output_size, output_size, channels))
    for i in range(output_size):
        top = int(np.floor(i * height / output_size))
        bottom = int(np.ceil((i + 1) * height / output_size))
        for j in range(output_size):
            left = int(np.floor(j * width / output_size))
            right = int(np.ceil((j + 1) * width / output_size))
            y[:, i, j] = x[:, top:bottom, left:right].astype("float64").mean(axis=(1, 2))
    return y


@every_adaptive_size
def test_adaptive_pooling_by_its_definition(sizes, output_size):
    """Every output is the mean of its range of rows and columns, for smaller and larger images."""
    x = normal(2, *sizes, 3)
    wanted = adaptive_average(x, output_size)
    y = to_numpy(AdaptiveAveragePooling2D(output_size)(x))
    assert y.shape == wanted.shape
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.long
@pytest.mark.peer("torch")
@every_adaptive_size
def test_adaptive_pooling_is_torchs(sizes, output_size):
    """PyTorch's `adaptive_avg_pool2d` gives the same output and gradient."""
    import torch

    x, dy = normal(2, 3, *sizes), normal(2, 3, output_size, output_size, seed=1)
    image = torch.tensor(x, requires_grad=True)
    wanted = torch.nn.functional.adaptive_avg_pool2d(image, output_size)
    slope = torch.autograd.grad(wanted, image, torch.tensor(dy))[0]
    layer = AdaptiveAveragePooling2D(output_size, data_format="channels_first")
    np.testing.assert_allclose(to_numpy(layer(x)), wanted.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(to_numpy(gradient(layer, x, dy)), slope, rtol=1e-5, atol=1e-6)


def test_adaptive_pooling_to_the_same_size_changes_nothing():
    """An image of the output's size comes out as it went in."""
    x = normal(2, 6, 6, 3)
    np.testing.assert_array_equal(to_numpy(AdaptiveAveragePooling2D(6)(x)), x)


# Dropout and DownscaledDropout ---------------------------------------------------------------


@pytest.mark.medium
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_dropout_keeps_its_share_and_the_mean(rate):
    """While training a share of 1 - rate is kept and divided by it, anew at each step."""
    layer, x = Dropout(rate, seed=1), np.ones((200, 500), "float32")
    first, second = (to_numpy(layer(x, training=True)) for _ in range(2))
    kept = first != 0
    assert kept.mean() == pytest.approx(1 - rate, abs=0.006)  # 4 standard deviations at most
    np.testing.assert_allclose(first[kept], 1 / (1 - rate) if rate < 1 else 0, rtol=1e-6)
    assert (first != second).any() == (0 < rate < 1)
    np.testing.assert_array_equal(to_numpy(layer(x, training=False)), x)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_dropout_scales_at_inference(rate):
    """At inference every activation is multiplied by the share that training keeps."""
    x = normal(50, 40)
    y = to_numpy(DownscaledDropout(rate)(x, training=False))
    np.testing.assert_array_equal(y, np.float32(1 - rate) * x)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_dropout_keeps_or_drops_in_training(rate):
    """In training an activation stays as it is or becomes 0, with the chances of `rate`."""
    x = 1 + np.abs(normal(200, 100))
    y = to_numpy(DownscaledDropout(rate, seed=1)(x, training=True))
    kept = y != 0
    # Inverted dropout divides by 1 - rate and this layer multiplies: two roundings.
    np.testing.assert_allclose(y[kept], x[kept], rtol=2**-22)
    deviation = np.sqrt(rate * (1 - rate) / x.size)
    assert abs(kept.mean() - (1 - rate)) <= 5 * deviation
    # Rows and columns are dropped element by element, not together.
    assert abs(kept.mean(axis=0) - (1 - rate)).max() <= 5 * deviation * np.sqrt(100)
    assert abs(kept.mean(axis=1) - (1 - rate)).max() <= 5 * deviation * np.sqrt(200)


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_dropout_expects_the_same_in_training_and_at_inference(rate):
    """The mean over many draws of training is the output at inference."""
    layer = DownscaledDropout(rate, seed=1)
    x = np.array([[-2.0, 0.5, 1.0, 3.0]], "float32")
    draws = to_numpy(layer(np.repeat(x, 20000, axis=0), training=True))
    wanted = to_numpy(layer(x, training=False))[0]
    deviation = np.abs(x[0]) * np.sqrt(rate * (1 - rate) / 20000)
    assert np.all(np.abs(draws.mean(axis=0) - wanted) <= 5 * deviation)


@pytest.mark.medium
def test_dropout_passes_gradients_where_it_keeps():
    """The gradient is 1 where an activation was kept and 0 where it was dropped."""
    x = 1 + np.abs(normal(20, 10))
    layer, twin = DownscaledDropout(0.5, seed=1), DownscaledDropout(0.5, seed=1)
    kept = to_numpy(layer(x, training=True)) != 0
    slope = gradient(lambda x: twin(x, training=True), x, np.ones_like(x))
    np.testing.assert_allclose(to_numpy(slope), kept, rtol=2**-22)


def test_dropout_draws_anew_and_repeats_with_its_seed():
    """Two calls differ; two layers with the same seed draw the same, one after the other."""
    x = np.ones((10, 10), "float32")
    one, other = DownscaledDropout(0.5, seed=7), DownscaledDropout(0.5, seed=7)
    first, second = (to_numpy(one(x, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(to_numpy(other(x, training=True)), first)
    np.testing.assert_array_equal(to_numpy(other(x, training=True)), second)


def test_dropout_noise_shape():
    """With `noise_shape` what is dropped is dropped together, as in Keras's own dropout."""
    x = np.ones((50, 8), "float32")
    y = to_numpy(DownscaledDropout(0.5, noise_shape=(None, 1), seed=1)(x, training=True))
    np.testing.assert_array_equal(y, np.repeat(y[:, :1], 8, axis=1))
    assert set(np.unique(y)) == {0, 1}
