"""`LocalResponseNormalization`: values, derivatives, precision, files, frameworks, mistakes."""

import gc
import json
import re

import keras
import numpy as np
import pytest
from keras import ops

import reference
from helpers import (
    BACKEND,
    compiled,
    directional,
    double_precision,
    gradient,
    hessian,
    tensor,
    to_numpy,
    traced,
)
from keras_alexnet import LocalResponseNormalization, backends
from keras_alexnet.backends import plain
from keras_alexnet.errors import UserError
from keras_alexnet.layers.response import Response

BETAS = [0.75, 0.5, 1, 0.6]
# Constants under which every window matters: inputs of about 1 change the divisor by half.
STRONG = {"k": 1.0, "alpha": 0.1, "beta": 0.75}
EVERY_ARGUMENT = {
    "size": 4,
    "k": 1.5,
    "alpha": 0.02,
    "beta": 0.6,
    "region": "within_channel",
    "groups": 2,
    "data_format": "channels_first",
    "even_window": "after",
}


def normal(*shape, std=1.0, seed=0, dtype="float32"):
    """Return normally distributed numbers."""
    return np.random.default_rng(seed).normal(0, std, shape).astype(dtype)


def expected(layer, x, dy=None):
    """Return what the NumPy reference makes of x, or its gradient for the upstream dy."""
    config = layer.get_config()
    arguments = [config[name] for name in ("size", "k", "alpha", "beta")]
    if config["region"] == "across_channels":
        arguments.append(config["groups"])
        value, slope = reference.lrn_across, reference.lrn_across_gradient
    else:
        value, slope = reference.lrn_within, reference.lrn_within_gradient
    last = -1 if config["data_format"] == "channels_last" else 1
    x = np.moveaxis(x, last, -1)
    if dy is None:
        y = value(x, *arguments, even=config["even_window"])
    else:
        y = slope(x, np.moveaxis(dy, last, -1), *arguments, even=config["even_window"])
    return np.moveaxis(y, -1, last)


def assert_close(actual, wanted, tolerance=1e-5):
    """Compare relative to the largest magnitude: gradients are differences that can cancel."""
    assert actual.shape == wanted.shape
    largest = np.abs(wanted).max(initial=0)
    np.testing.assert_allclose(to_numpy(actual), wanted, rtol=0, atol=tolerance * largest)


def assert_right(layer, x, tolerance=1e-5):
    """Compare value and gradient with the reference's."""
    dy = normal(*x.shape, seed=1, dtype=x.dtype)
    run = traced(lambda x, dy: (layer(x), gradient(layer, x, dy)))
    y, dx = run(tensor(x), tensor(dy))
    assert_close(y, expected(layer, x), tolerance)
    assert_close(dx, expected(layer, x, dy), tolerance)


# Values and gradients ------------------------------------------------------------------------


# Every window of interest: odd, even with its additional element on either side, and wider than
# the channels or the map.
every_window = pytest.mark.parametrize(
    ("size", "even_window"),
    [(size, "before") for size in (1, 2, 3, 4, 5, 9)] + [(2, "after"), (4, "after"), (5, "after")],
)
both_formats = pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])


@every_window
def test_across_channels(size, even_window):
    """Value and gradient are the reference's for windows up to wider than the channels."""
    layer = LocalResponseNormalization(size, **STRONG, even_window=even_window)
    assert_right(layer, normal(2, 3, 2, 6))


@pytest.mark.parametrize(
    ("size", "even_window"), [(3, "before"), (4, "before"), (4, "after"), (9, "before")]
)
@pytest.mark.parametrize("groups", [2, 3])
def test_groups(groups, size, even_window):
    """No window leaves its group of channels, however wide it is."""
    layer = LocalResponseNormalization(size, **STRONG, groups=groups, even_window=even_window)
    assert_right(layer, normal(2, 3, 2, 6))


@pytest.mark.medium
@both_formats
@pytest.mark.parametrize("shape", [(3, 6), (2, 3, 6), (2, 3, 2, 6), (2, 1, 3, 2, 6)], ids=len)
@pytest.mark.parametrize(
    "arguments",
    [{"size": 5}, {"size": 4, "groups": 2, "even_window": "after"}],
    ids=str,
)
def test_ranks_and_data_formats(arguments, shape, data_format):
    """Value and gradient are the reference's wherever the channels stand."""
    layer = LocalResponseNormalization(**STRONG, **arguments, data_format=data_format)
    if data_format == "channels_first":
        shape = (shape[0], shape[-1], *shape[1:-1])
    assert_right(layer, normal(*shape))


@every_window
def test_within_channel(size, even_window):
    """Value and gradient are the reference's for windows up to wider than the map."""
    layer = LocalResponseNormalization(
        size, **STRONG, region="within_channel", even_window=even_window
    )
    assert_right(layer, normal(2, 5, 4, 3))


@pytest.mark.parametrize(("size", "even_window"), [(3, "before"), (4, "before"), (4, "after")])
def test_within_channel_channels_first(size, even_window):
    """The window lies in the map, wherever the channels stand."""
    layer = LocalResponseNormalization(
        size,
        **STRONG,
        region="within_channel",
        data_format="channels_first",
        even_window=even_window,
    )
    assert_right(layer, normal(2, 3, 5, 4))


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize(("std", "k", "alpha"), [(30, 2.0, 1e-4), (50, 1.0, 0.1), (0.01, 1.0, 1.0)])
def test_strengths(std, k, alpha, beta):
    """Weak and strong normalisation are right for every exponent."""
    layer = LocalResponseNormalization(5, k, alpha, beta)
    assert_right(layer, normal(2, 2, 3, 7, std=std))


@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (13, 1), (9, 3), (5, 5)])
def test_odd_channels(channels, groups):
    """Odd numbers of channels, and groups of an odd number, are normalised right."""
    layer = LocalResponseNormalization(5, 1.0, 0.1, groups=groups)
    assert_right(layer, normal(2, 2, 3, channels, std=40))


@pytest.mark.parametrize("beta", BETAS)
def test_strengths_within_channel(beta):
    """Strong normalisation within a channel is right for every exponent."""
    layer = LocalResponseNormalization(3, 1.0, 0.1, beta, region="within_channel")
    assert_right(layer, normal(2, 5, 3, 3, std=40))


def test_the_papers_constants_are_the_defaults():
    """Without arguments the layer has the constants of section 3.3 of the paper."""
    x = normal(1, 2, 2, 9, std=40)
    wanted = reference.lrn_across(x, n=5, k=2, alpha=1e-4, beta=0.75)
    assert_close(LocalResponseNormalization()(x), wanted)


def test_size_one_uses_the_element_alone():
    """A window of one element divides each activation by its own strength."""
    layer = LocalResponseNormalization(1, k=1.0, alpha=1.0, beta=0.5)
    x = np.array([[-2.0, 0.0, 3.0]], "float32")
    assert_close(layer(x), x / np.sqrt(1 + x**2))


@pytest.mark.parametrize("region", ["across_channels", "within_channel"])
def test_alpha_zero_divides_by_a_constant(region):
    """Without alpha the layer divides by k ** beta and looks at no neighbour."""
    layer = LocalResponseNormalization(3, 16.0, 0, 0.5, region)
    x = normal(1, 3, 3, 5)
    assert_close(layer(x), x / 4)
    assert_close(gradient(layer, x, np.ones_like(x)), np.full_like(x, 0.25))


# Second derivatives --------------------------------------------------------------------------


def second_derivative(layer, x, dy, v, step=1e-4):
    """Differentiate <v, reference gradient> by central differences, element by element."""
    slopes = np.zeros(x.size)
    for i in range(x.size):
        shift = np.zeros(x.size)
        shift[i] = step
        shift = shift.reshape(x.shape)
        change = expected(layer, x + shift, dy) - expected(layer, x - shift, dy)
        slopes[i] = (v * change).sum() / (2 * step)
    return slopes.reshape(x.shape)


SMALL = {
    "across": ({"size": 3}, (2, 5)),
    "across, even": ({"size": 4, "even_window": "after"}, (1, 2, 2, 5)),
    "groups": ({"size": 5, "groups": 2}, (2, 6)),
    "first": ({"size": 3, "data_format": "channels_first"}, (2, 3, 2)),
    "within": ({"size": 2, "region": "within_channel"}, (1, 3, 3, 2)),
}
every_small = pytest.mark.parametrize(("arguments", "shape"), SMALL.values(), ids=SMALL)


def assert_second_derivative_right(layer, shape):
    """Compare the gradient of <v, gradient> with the reference's."""
    x, dy, v = (normal(*shape, seed=seed) for seed in range(3))
    actual = traced(lambda x: gradient(lambda x: gradient(layer, x, dy), x, v))(tensor(x))
    assert_close(actual, second_derivative(layer, x.astype("float64"), dy, v))


@pytest.mark.medium
@every_small
def test_second_derivatives(arguments, shape):
    """The gradient's own gradient is the reference gradient's, found by finite differences."""
    layer = LocalResponseNormalization(k=1.0, alpha=0.3, **arguments)
    assert_second_derivative_right(layer, shape)


@pytest.mark.parametrize("beta", [0.5, 1, 0.6])
def test_second_derivatives_of_other_exponents(beta):
    """The gradient's own gradient is right whichever way the power is computed."""
    layer = LocalResponseNormalization(3, k=1.0, alpha=0.3, beta=beta, groups=2)
    assert_second_derivative_right(layer, (2, 6))


@every_small
@pytest.mark.filterwarnings(  # PyTorch's own, on the first use of its forward mode
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)
def test_hessian(arguments, shape):
    """The matrix of second derivatives is symmetric and row by row the reference's."""
    layer = LocalResponseNormalization(k=1.0, alpha=0.3, **arguments)
    x, dy = normal(*shape), normal(*shape, seed=1)
    weights = tensor(dy)
    matrix = traced(lambda x: hessian(lambda x: ops.sum(weights * layer(x)), x))
    actual = to_numpy(matrix(tensor(x)))
    rows = [
        second_derivative(layer, x.astype("float64"), dy, v.reshape(shape)).ravel()
        for v in np.eye(x.size)
    ]
    assert_close(actual, np.stack(rows))
    assert_close(actual, actual.T)


@pytest.mark.medium
@every_small
@pytest.mark.filterwarnings(  # PyTorch's own, on the first use of its forward mode
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)
def test_forward_mode(arguments, shape):
    """Forward mode gives the change along a direction that the reverse gradient implies."""
    layer = LocalResponseNormalization(k=1.0, alpha=0.3, **arguments)
    x, dx, dy = (normal(*shape, seed=seed) for seed in range(3))
    change = to_numpy(directional(layer, x, dx))
    assert change.shape == x.shape
    wanted = (expected(layer, x, dy) * dx).sum()
    assert (change * dy).sum() == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def check_by_framework(function, x):
    """Let the backend's own checker compare first and second derivatives with differences."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        def slope(x):
            return gradient(lambda x: function(x) ** 3, x, np.ones_like(x))

        for checked in (function, slope):
            analytic, numeric = tf.test.compute_gradient(checked, [tensor(x)], delta=1e-5)
            np.testing.assert_allclose(analytic[0], numeric[0], rtol=1e-6, atol=1e-6)
    elif BACKEND == "jax":
        import jax.test_util

        jax.test_util.check_grads(function, (tensor(x),), order=2, modes=("fwd", "rev"))
    else:
        import torch

        x = tensor(x).requires_grad_()
        assert torch.autograd.gradcheck(function, x, check_forward_ad=True, check_batched_grad=True)
        assert torch.autograd.gradgradcheck(function, x)


@pytest.mark.medium
@pytest.mark.filterwarnings(  # PyTorch's own, on the first use of its forward mode
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)
def test_the_backends_own_checker():
    """The checker of derivatives that each framework has is satisfied, in float64."""
    layer = LocalResponseNormalization(4, k=1.0, alpha=0.3, groups=2, dtype="float64")
    with double_precision():
        check_by_framework(layer, normal(2, 6, dtype="float64"))


# Compilation, memory, cost -------------------------------------------------------------------


@every_small
def test_compiled_is_the_same(arguments, shape):
    """The backend's compiler changes neither value nor gradient."""
    layer = LocalResponseNormalization(k=1.0, alpha=0.3, **arguments)
    x, dy = tensor(normal(*shape)), tensor(normal(*shape, seed=1))
    assert_close(compiled(layer)(x), to_numpy(layer(x)), 1e-6)
    slope = compiled(lambda x, dy: gradient(layer, x, dy))
    assert_close(slope(x, dy), to_numpy(gradient(layer, x, dy)), 1e-6)


def kept_eagerly(function, x):
    """Return what lives between the forward and the backward pass, the output aside."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        gradient(function, x, x)  # traces and compiles, and leaves constants behind
        gc.collect()
        gc.freeze()  # from here on the collector lists what is new
        try:
            copy = tf.identity(x)
            with tf.GradientTape() as tape:
                tape.watch(copy)
                y = function(copy)
            kept = [thing for thing in gc.get_objects() if type(thing) is type(copy)]
        finally:
            gc.unfreeze()
        # The tape holds the output as it was before an identity, too: the same memory as y's.
        kept = [thing for thing in kept if not np.array_equal(to_numpy(thing), to_numpy(y))]
        assert tape.gradient(y, copy) is not None
    elif BACKEND == "jax":
        import jax

        kept = jax.tree.leaves(jax.vjp(function, x)[1])
    else:
        import torch

        kept = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda saved: kept.append(saved) or saved, lambda saved: saved
        ):
            function(x.detach().requires_grad_())
    return kept


def kept_when_traced(function, x):
    """Return what the backward part of a traced step takes from its forward part."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        step = tf.function(lambda x, dy: gradient(function, x, dy)).get_concrete_function(x, x)
        upstream = {step.inputs[1].ref()}
        kept = {}
        for operation in step.graph.get_operations():  # in the order of their making
            if not upstream.isdisjoint(source.ref() for source in operation.inputs):
                upstream.update(result.ref() for result in operation.outputs)
                kept.update((source.ref(), source) for source in operation.inputs)
        kept = [source for key, source in kept.items() if key not in upstream]
        kept = [source for source in kept if source.op.type != "Const"]  # alpha and the like
        return [x if source is step.inputs[0] else source for source in kept]
    import jax

    return jax.tree.leaves(jax.jit(lambda x: jax.vjp(function, x)[1])(x))


KEPT = [kept_eagerly] if BACKEND == "torch" else [kept_eagerly, kept_when_traced]


@pytest.mark.medium
@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_only_the_input_is_kept(kept, dtype, beta):
    """For the gradient nothing is stored but the input, in the input's own type."""
    layer = LocalResponseNormalization(3, k=1.0, alpha=0.1, beta=beta, dtype=dtype)
    x = tensor(normal(2, 3, 3, 6), dtype)
    (only,) = kept(layer, x)
    assert only.dtype == x.dtype
    np.testing.assert_array_equal(to_numpy(only), to_numpy(x))


def operations(function, x):
    """Return the names of the operations that the backend computes a function with."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        graph = tf.function(function).get_concrete_function(x).graph.as_graph_def()
        inner = [node.op for nested in graph.library.function for node in nested.node_def]
        return {node.op.lower() for node in graph.node}.union(op.lower() for op in inner)
    if BACKEND == "jax":
        import jax

        return set(re.findall(r"= (\w+)", str(jax.make_jaxpr(function)(x))))
    from torch.utils._python_dispatch import TorchDispatchMode

    names = set()

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(self, called, types, args=(), kwargs=None):
            names.add(called.overloadpacket.__name__)
            return called(*args, **(kwargs or {}))

    with Recorder():
        function(x)
    return names


@pytest.mark.parametrize(
    ("beta", "general"), [(0.75, False), (0.5, False), (1, False), (0.6, True)]
)
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_roots_instead_of_powers(beta, general, backward):
    """Only an exponent that no root gives costs a general power, in either direction."""
    layer = LocalResponseNormalization(3, k=1.0, alpha=0.1, beta=beta)
    x = tensor(normal(2, 3, 3, 6))
    used = operations((lambda x: gradient(layer, x, x)) if backward else layer, x)
    assert used & {"mul", "mul_"}  # the recorder sees inside the layer
    assert ("pow" in used) is general


# Data types ----------------------------------------------------------------------------------

# The arithmetic is float32 at least, so what remains is the rounding of the result: half a unit
# in the last place, plus float32's own error. float32 and float64 have a few operations' errors.
ROUNDING = {"float16": 2**-11, "bfloat16": 2**-8, "float32": 0, "float64": 0}
ARITHMETIC = {"float16": 1e-6, "bfloat16": 1e-6, "float32": 1e-6, "float64": 1e-14}


def assert_rounded(actual, wanted, dtype):
    """Compare each element with the reference, within the rounding of its data type."""
    scale = np.abs(wanted)
    slack = ROUNDING[dtype] * scale + ARITHMETIC[dtype] * scale.max()
    slack += 2**-24 if dtype == "float16" else 0  # its smallest step, next to zero
    assert np.all(np.abs(to_numpy(actual).astype("float64") - wanted) <= slack)


@pytest.mark.medium
@pytest.mark.parametrize("region", ["across_channels", "within_channel"])
@pytest.mark.parametrize(
    ("policy", "dtype"),
    [
        ("float16", "float16"),
        ("bfloat16", "bfloat16"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("mixed_float16", "float16"),
        ("mixed_bfloat16", "bfloat16"),
    ],
)
def test_data_types(policy, dtype, region):
    """Output and gradient have the layer's type and are the float64 results, rounded once."""
    with double_precision():
        layer = LocalResponseNormalization(3, **STRONG, region=region, dtype=policy)
        x = tensor(normal(2, 4, 3, 6, std=3), dtype)
        dy = tensor(normal(2, 4, 3, 6, seed=1), dtype)
        y, dx = layer(x), gradient(layer, x, dy)
        assert keras.backend.standardize_dtype(y.dtype) == dtype
        assert keras.backend.standardize_dtype(dx.dtype) == dtype
        exact_x, exact_dy = (to_numpy(part).astype("float64") for part in (x, dy))
        assert_rounded(y, expected(layer, exact_x), dtype)
        assert_rounded(dx, expected(layer, exact_x, exact_dy), dtype)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_takes_float32(policy):
    """Under a mixed policy float32 input is rounded to the compute type first, then normalised."""
    keras.config.set_dtype_policy(policy)
    layer = LocalResponseNormalization(3, **STRONG)
    x = normal(2, 3, 6)
    y = layer(x)
    dtype = policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    rounded = to_numpy(tensor(x, dtype)).astype("float64")
    assert_rounded(y, expected(layer, rounded), dtype)


@pytest.mark.parametrize("beta", BETAS)
def test_squares_may_overflow_float16(beta):
    """Activations of 300, whose squares float16 cannot hold, are normalised right."""
    layer = LocalResponseNormalization(5, 2.0, 1e-4, beta, dtype="float16")
    x = normal(2, 2, 9, std=300, dtype="float16")
    assert np.abs(x).max() > 256
    assert_rounded(layer(x), expected(layer, x.astype("float64")), "float16")


def test_whole_numbers():
    """Whole numbers, such as pixels, become numbers of the layer's type."""
    layer = LocalResponseNormalization()
    x = np.arange(30, dtype="uint8").reshape(1, 2, 3, 5)
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    assert_close(y, expected(layer, x.astype("float64")))


EXTREMES = {  # the largest number, one whose square just fits, the smallest normal, a denormal
    "float16": (65504.0, 255.0, 2.0**-14, 2.0**-24),
    "bfloat16": (float.fromhex("0x1.fep127"), 2.0**63, 2.0**-126, 2.0**-130),
    "float32": (float.fromhex("0x1.fffffep127"), 1.8e19, 2.0**-126, 2.0**-140),
    "float64": (float.fromhex("0x1.fffffffffffffp1023"), 1.3e154, 2.0**-1022, 2.0**-1070),
}


@pytest.mark.parametrize(
    ("dtype", "alpha", "beta"),
    [(dtype, 1e-4, 0.75) for dtype in EXTREMES]
    + [("float32", 1e-4, beta) for beta in BETAS if beta != 0.75]
    + [("float32", 0, 0.75), ("float64", 0, 0.5), ("float32", 1.0, 0.75), ("bfloat16", 1.0, 0.6)],
)
def test_every_finite_input_gives_finite_results(dtype, alpha, beta):
    """Output and gradient are finite for the largest, the smallest and zero activations."""
    largest, root, *tiny = EXTREMES[dtype]
    x = np.zeros((8, 7))
    x[1] = largest
    x[2, ::2] = -largest
    x[3, 3] = largest
    x[4] = root
    x[5, ::3] = -root
    x[6], x[7] = np.reshape(tiny, (2, 1))
    x[3, 4:6] = 1, -300
    with double_precision():
        layer = LocalResponseNormalization(5, 1.0, alpha, beta, dtype=dtype)
        x, dy = tensor(x, dtype), tensor(np.full(x.shape, 1.5), dtype)
        assert np.isfinite(to_numpy(x)).all()
        assert np.isfinite(to_numpy(layer(x))).all()
        assert np.isfinite(to_numpy(gradient(layer, x, dy))).all()


# Shapes --------------------------------------------------------------------------------------


def with_unknown_sizes(function, x):
    """Run a function where the backend knows no size but the channels', if it can be so."""
    if BACKEND != "tensorflow":
        return function(tensor(x))
    import tensorflow as tf

    shape = [size if size == 8 else None for size in x.shape]
    return tf.function(function, input_signature=[tf.TensorSpec(shape)])(x)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("arguments", "data_format"),
    [
        ({"size": 5}, "channels_last"),
        ({"size": 4, "groups": 2}, "channels_first"),
        ({"size": 3, "region": "within_channel"}, "channels_first"),
    ],
    ids=str,
)
@pytest.mark.parametrize("sizes", [(3, 4), (5, 2)])
def test_unknown_sizes(arguments, data_format, sizes):
    """A model made for images of any size normalises each size right, and so does its gradient."""
    last = data_format == "channels_last"
    image = keras.Input((None, None, 8) if last else (8, None, None))
    layer = LocalResponseNormalization(**STRONG, **arguments, data_format=data_format)
    model = keras.Model(image, layer(image))
    assert model.output_shape == model.input_shape
    x = normal(2, *sizes, 8) if last else normal(2, 8, *sizes)
    assert_close(model(x), expected(layer, x))
    assert_close(with_unknown_sizes(model, x), expected(layer, x))
    slope = with_unknown_sizes(lambda x: gradient(model, x, x), x)
    assert_close(slope, expected(layer, x, x))


@pytest.mark.parametrize("arguments", [{}, {"groups": 2}, {"region": "within_channel"}], ids=str)
def test_empty_batch(arguments):
    """A batch without images gives one without results, and an empty gradient."""
    layer = LocalResponseNormalization(**arguments)
    x = np.zeros((0, 3, 4, 6), "float32")
    assert layer(x).shape == x.shape
    assert gradient(layer, x, x).shape == x.shape


# Inside a model ------------------------------------------------------------------------------


def small_model():
    """Return a network that normalises hidden units and classifies."""
    return keras.Sequential(
        [
            keras.Input((3, 4, 2)),
            keras.layers.Dense(6),
            LocalResponseNormalization(3, **STRONG, groups=2),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )


def trained_weights(model, **compile_arguments):
    """Train one step and return the loss and the weights."""
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **compile_arguments,
    )
    history = model.fit(normal(8, 3, 4, 2), np.arange(8) % 3, batch_size=8, verbose=0)
    return history.history["loss"][0], model.get_weights()


@pytest.mark.medium
def test_a_step_of_training_is_the_same_compiled():
    """One step of `fit` gives the same finite loss and weights with XLA and without."""
    model = small_model()
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    start = model.get_weights()
    loss, weights = trained_weights(model, jit_compile=False)
    twin_loss, twin_weights = trained_weights(twin, jit_compile=BACKEND != "torch")
    assert np.isfinite(loss)
    assert twin_loss == pytest.approx(loss, rel=1e-5)
    for old, one, other in zip(start, weights, twin_weights, strict=True):
        assert not np.array_equal(old, one)
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


# Files ---------------------------------------------------------------------------------------


def test_every_argument_is_kept():
    """`get_config` has every argument as it was given."""
    layer = LocalResponseNormalization(**EVERY_ARGUMENT, name="norm1", dtype="float16")
    config = layer.get_config()
    assert {name: config[name] for name in EVERY_ARGUMENT} == EVERY_ARGUMENT
    assert config["name"] == "norm1"
    again = LocalResponseNormalization.from_config(config)
    assert again.get_config() == config
    assert again.compute_dtype == "float16"


@pytest.mark.parametrize("arguments", [{}, EVERY_ARGUMENT], ids=["defaults", "all"])
def test_config_stays_the_same(arguments):
    """Building, running and JSON change nothing in `get_config`."""
    layer = LocalResponseNormalization(**arguments)
    config = layer.get_config()
    x = normal(1, 4, 4, 4)
    y = to_numpy(layer(x))
    assert layer.get_config() == config
    text = json.dumps(keras.saving.serialize_keras_object(layer))
    again = keras.saving.deserialize_keras_object(json.loads(text))
    assert again.get_config() == config
    np.testing.assert_array_equal(to_numpy(again(x)), y)


@pytest.mark.parametrize("setting", ["channels_last", "channels_first"])
def test_data_format_is_resolved_when_made(setting):
    """Keras's setting at the time of making is what `get_config` says, whatever comes later."""
    keras.config.set_image_data_format(setting)
    config = LocalResponseNormalization().get_config()
    keras.config.set_image_data_format("channels_last")
    assert config["data_format"] == setting
    assert LocalResponseNormalization.from_config(config).data_format == setting


@pytest.mark.parametrize("arguments", [{}, EVERY_ARGUMENT], ids=["defaults", "all"])
def test_model_files(arguments, tmp_path):
    """A saved model, its clone and its JSON have the same layer and compute the same."""
    image = keras.Input((4, 4, 4))
    model = keras.Model(image, LocalResponseNormalization(**arguments, name="norm")(image))
    config, x = model.get_layer("norm").get_config(), normal(2, 4, 4, 4, std=30)
    model.save(tmp_path / "model.keras")
    copies = [
        keras.saving.load_model(tmp_path / "model.keras"),
        keras.models.clone_model(model),
        keras.models.model_from_json(model.to_json()),
    ]
    assert [copy.get_layer("norm").get_config() for copy in copies] == [config] * 3
    wanted = np.broadcast_to(to_numpy(model(x)), (3, *x.shape))
    np.testing.assert_array_equal(np.stack([to_numpy(copy(x)) for copy in copies]), wanted)


def test_registered_name():
    """Files name the layer after the package, and Keras finds it by that name."""
    name = "keras_alexnet>LocalResponseNormalization"
    assert keras.saving.get_registered_name(LocalResponseNormalization) == name
    assert keras.saving.get_registered_object(name) is LocalResponseNormalization


def test_masks_pass():
    """A mask of time steps passes through to the next layer."""
    steps = keras.layers.Masking()(keras.Input((3, 4)))
    assert LocalResponseNormalization().supports_masking
    assert LocalResponseNormalization()(steps)._keras_mask is not None


# Other frameworks ----------------------------------------------------------------------------


@pytest.mark.peer("tensorflow")
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"depth_radius": 2, "bias": 2.0, "alpha": 1e-4, "beta": 0.75},
        {"depth_radius": 0, "bias": 1.0, "alpha": 0.5, "beta": 1.0},
        {"depth_radius": 9, "bias": 0.5, "alpha": 0.01, "beta": 0.6},
    ],
    ids=str,
)
def test_from_tensorflow(arguments):
    """The layer computes `tf.nn.local_response_normalization` of the same arguments."""
    import tensorflow as tf

    layer = LocalResponseNormalization.from_tensorflow(**arguments)
    x = normal(2, 2, 3, 7, std=5)
    with tf.GradientTape() as tape:
        image = tf.constant(x)
        tape.watch(image)
        wanted = tf.nn.local_response_normalization(image, **arguments)
    assert_close(layer(x), wanted.numpy())
    # TensorFlow's own gradient is a few units of float32 off where powers of sums cancel.
    slope = tape.gradient(wanted, image, output_gradients=tf.constant(x)).numpy()
    assert_close(gradient(layer, x, x), slope, 5e-5)


@pytest.mark.peer("torch")
@pytest.mark.parametrize(
    ("size", "arguments"),
    [(5, {}), (4, {"alpha": 0.1, "beta": 0.6})]
    + [(size, {"alpha": 0.5, "k": 2.0}) for size in (1, 2, 3, 4, 6, 9)],
    ids=str,
)
def test_from_torch(size, arguments):
    """The layer computes PyTorch's normalisation and gradient, for even windows as well."""
    import torch

    layer = LocalResponseNormalization.from_torch(size, **arguments, data_format="channels_first")
    x = normal(2, 7, 2, 3, std=5)
    image = torch.tensor(x, requires_grad=True)
    wanted = torch.nn.functional.local_response_norm(image, size, **arguments)
    slope = torch.autograd.grad(wanted, image, torch.tensor(x))[0]
    assert_close(layer(x), wanted.detach().numpy())
    assert_close(gradient(layer, x, x), slope.numpy())


@pytest.mark.peer("onnx")
@pytest.mark.parametrize("size", [1, 3, 5, 9])
@pytest.mark.parametrize("arguments", [{}, {"alpha": 0.5, "beta": 0.6, "bias": 2.0}], ids=str)
def test_from_onnx_odd(size, arguments):
    """The layer computes what ONNX's reference evaluator makes of the operator `LRN`."""
    import onnx.reference

    # As many images as channels: the evaluator has taken the one number for the other.
    x = normal(5, 5, 2, 3, std=5)
    node = onnx.helper.make_node("LRN", ["x"], ["y"], size=size, **arguments)
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, x.shape) for name in "xy"
    ]
    graph = onnx.helper.make_graph([node], "lrn", ends[:1], ends[1:])
    evaluator = onnx.reference.ReferenceEvaluator(onnx.helper.make_model(graph))
    layer = LocalResponseNormalization.from_onnx(size, **arguments, data_format="channels_first")
    assert_close(layer(x), evaluator.run(None, {"x": x})[0])


def onnx_lrn(x, size, alpha, beta, bias):
    """Transcribe the operator's definition: floor((size - 1) / 2) before, ceil after."""
    channels = x.shape[1]
    y = np.zeros(x.shape)
    for c in range(channels):
        first = max(0, c - int(np.floor((size - 1) / 2)))
        last = min(channels - 1, c + int(np.ceil((size - 1) / 2)))
        square_sum = sum(x[:, i].astype("float64") ** 2 for i in range(first, last + 1))
        y[:, c] = x[:, c] / (bias + alpha / size * square_sum) ** beta
    return y


@pytest.mark.parametrize("size", [2, 3, 4, 6, 8])
def test_from_onnx_by_its_definition(size):
    """The layer computes what the definition of `LRN` says, for even windows as well."""
    layer = LocalResponseNormalization.from_onnx(size, 0.5, 0.6, 2.0, data_format="channels_first")
    x = normal(2, 7, 2, 3, std=5)
    assert_close(layer(x), onnx_lrn(x, size, alpha=0.5, beta=0.6, bias=2.0))


def test_from_caffe_across_channels():
    """Across channels Caffe divides alpha by the size, and k counts."""
    layer = LocalResponseNormalization.from_caffe(local_size=3, alpha=3.0, beta=0.5, k=4.0)
    x = np.array([[1.0, 2.0, 2.0, 0.0]], "float32")  # sums of squares: 5, 9, 8, 4
    assert_close(layer(x), x / np.sqrt([[9, 13, 12, 8]]))


def test_from_caffe_within_channel():
    """Within a channel Caffe divides alpha by the area of the window, and takes 1 for k."""
    layer = LocalResponseNormalization.from_caffe(
        local_size=3, alpha=9.0, beta=1.0, k=5.0, norm_region="WITHIN_CHANNEL"
    )
    x = np.full((1, 3, 3, 1), 2.0, "float32")  # sums of squares: 16, 24 and 36
    wanted = 2 / np.array([[17, 25, 17], [25, 37, 25], [17, 25, 17]])
    assert_close(layer(x), wanted.reshape(1, 3, 3, 1))


@pytest.mark.parametrize(
    ("name", "arguments", "defaults"),
    [
        ("tensorflow", (), (11, 1.0, 1.0, 0.5)),
        ("torch", (5,), (5, 1.0, 2e-5, 0.75)),
        ("caffe", (), (5, 1.0, 0.2, 0.75)),
        ("onnx", (5,), (5, 1.0, 2e-5, 0.75)),
    ],
)
def test_defaults_are_the_frameworks(name, arguments, defaults):
    """Left out, an argument has the framework's own default."""
    layer = getattr(LocalResponseNormalization, f"from_{name}")(*arguments)
    assert (layer.size, layer.k, layer.alpha, layer.beta) == pytest.approx(defaults)


@pytest.mark.parametrize("name", ["tensorflow", "torch", "caffe", "onnx"])
def test_constructors_pass_the_rest_on(name):
    """The constructors take the layer's other arguments too."""
    make = getattr(LocalResponseNormalization, f"from_{name}")
    layer = make(3, groups=2, data_format="channels_first", name="norm2", dtype="float16")
    assert (layer.groups, layer.data_format, layer.name) == (2, "channels_first", "norm2")
    assert layer.compute_dtype == "float16"


@pytest.mark.parametrize("radius", [0, 1, 2, 5])
def test_tensorflows_numbers_as_torchs(radius):
    """TF(r, bias, a, beta) is PyTorch(2 r + 1, a (2 r + 1), beta, k=bias)."""
    size = 2 * radius + 1
    one = LocalResponseNormalization.from_tensorflow(radius, bias=2.0, alpha=0.01, beta=0.6)
    other = LocalResponseNormalization.from_torch(size, alpha=0.01 * size, beta=0.6, k=2.0)
    x = normal(2, 2, 3, 9, std=30)
    assert_close(one(x), to_numpy(other(x)), 1e-6)


# Mistakes ------------------------------------------------------------------------------------

BAD_ARGUMENTS = [
    ({"size": 0}, r"size=0\..*whole number of at least 1.*The paper has 5"),
    ({"size": -3}, r"size=-3\..*at least 1"),
    ({"size": 5.0}, r"size=5\.0.*whole number"),
    ({"size": True}, r"size=True.*whole number"),
    ({"size": "5"}, r"size='5'.*whole number"),
    ({"size": None}, r"size=None.*whole number"),
    ({"k": 0}, r"k=0\..*must be positive.*divided by zero.*The paper has 2"),
    ({"k": -1.0}, r"k=-1\.0.*must be positive"),
    ({"k": float("nan")}, r"k=nan.*must be positive"),
    ({"alpha": -1e-4}, r"alpha=-0\.0001.*must not be negative.*The paper has 1e-4"),
    ({"alpha": float("nan")}, r"alpha=nan.*must not be negative"),
    ({"beta": 0}, r"beta=0\..*must be positive.*The paper has 0\.75"),
    ({"beta": -0.75}, r"beta=-0\.75.*must be positive"),
    ({"region": "across"}, r"region='across'.*'across_channels', 'within_channel'.*Choose"),
    ({"region": "ACROSS_CHANNELS"}, r"region='ACROSS_CHANNELS'.*must be one of"),
    ({"groups": 0}, r"groups=0\..*whole number of at least 1.*One is usual"),
    ({"groups": 1.5}, r"groups=1\.5.*whole number"),
    ({"even_window": "left"}, r"even_window='left'.*'before' or 'after'.*PyTorch.*ONNX"),
    ({"data_format": "NHWC"}, r"data_format='NHWC'.*'channels_last'.*'channels_first'.*Leave it"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_ARGUMENTS, ids=lambda value: str(value))
def test_bad_arguments(arguments, message):
    """A bad argument is answered with its value, the rule and a way out."""
    with pytest.raises(UserError, match=message):
        LocalResponseNormalization(**arguments)


BAD_INPUTS = [
    ({}, (7,), r"shape \(7,\), rank 1.*rank 2 to 5.*Reshape"),
    ({}, (1, 1, 1, 1, 1, 7), r"rank 6.*rank 2 to 5.*Reshape"),
    ({"region": "within_channel"}, (2, 3, 7), r"rank 3.*must have rank 4.*Reshape"),
    ({"region": "within_channel"}, (2, 3, 3, 3, 7), r"rank 5.*must have rank 4.*Reshape"),
    ({"groups": 2}, (2, 4, 4, 7), r"7 channels for groups=2.*multiple of `groups`.*data_format"),
    (
        {"groups": 2, "data_format": "channels_first"},
        (2, 7, 4, 4),
        r"7 channels for groups=2 and data_format='channels_first'.*multiple",
    ),
]


@pytest.mark.parametrize(("arguments", "shape", "message"), BAD_INPUTS)
def test_bad_inputs(arguments, shape, message):
    """Input that does not fit is answered with its shape, the rule and a way out."""
    with pytest.raises(UserError, match=message):
        LocalResponseNormalization(**arguments)(np.zeros(shape, "float32"))


def test_unknown_channels():
    """Input whose channels are unknown is refused when the model is made."""
    with pytest.raises(UserError, match=r"None channels.*must be known.*model's input"):
        LocalResponseNormalization()(keras.Input((4, 4, None)))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("tensorflow", {"depth_radius": -1}, r"depth_radius=-1.*at least 0"),
        ("tensorflow", {"bias": 0}, r"k=0.*must be positive"),
        ("torch", {"size": 0}, r"size=0.*at least 1"),
        ("torch", {"size": 3, "beta": -1}, r"beta=-1.*must be positive"),
        ("onnx", {"size": 0}, r"size=0.*at least 1"),
        ("onnx", {"size": 3, "alpha": -1}, r"alpha=.*must not be negative"),
        ("caffe", {"local_size": 4}, r"local_size=4.*odd windows only.*for an even one"),
        ("caffe", {"local_size": -1}, r"size=-1.*at least 1"),
        ("caffe", {"norm_region": "ACROSS"}, r"'ACROSS'.*ACROSS_CHANNELS.*prototxt"),
    ],
)
def test_bad_numbers_of_other_frameworks(name, arguments, message):
    """The constructors answer bad numbers as the layer itself does."""
    with pytest.raises(UserError, match=message):
        getattr(LocalResponseNormalization, f"from_{name}")(**arguments)


# The backend's own ways ----------------------------------------------------------------------


def slow_window_sum(x, axis, before, after):
    """Sum neighbours one by one."""
    x = np.moveaxis(x, axis, 0)
    total = np.stack([x[max(0, i - before) : i + after + 1].sum(axis=0) for i in range(len(x))])
    return np.moveaxis(total, 0, axis)


@pytest.mark.parametrize("function", [backends.window_sum, plain.window_sum], ids=["fast", "plain"])
@pytest.mark.parametrize(
    ("axis", "before", "after"), [(1, 0, 0), (1, 2, 1), (2, 1, 1), (3, 0, 3), (3, 2, 1), (2, 9, 9)]
)
def test_window_sum(function, axis, before, after):
    """The backend's own sum and the plain one are the sum of the neighbours, as is the gradient."""
    x, dy = tensor(normal(2, 4, 3, 5)), tensor(normal(2, 4, 3, 5, seed=1))

    @compiled
    def value_and_gradient(x, dy):
        def summed(x):
            return function(x, axis, before, after)

        return summed(x), gradient(summed, x, dy)

    y, dx = value_and_gradient(x, dy)
    assert_close(y, slow_window_sum(to_numpy(x), axis, before, after))
    assert_close(dx, slow_window_sum(to_numpy(dy), axis, after, before))


@pytest.mark.medium
@pytest.mark.parametrize(
    ("windows", "groups", "beta"),
    [
        (((3, 2, 2),), 1, 0.5),
        (((3, 2, 2),), 1, 1),
        (((3, 1, 2),), 2, 0.75),
        (((1, 1, 1), (2, 1, 1)), 1, 0.75),
        (((1, 0, 1),), 1, 0.6),
    ],
)
def test_own_derivative(windows, groups, beta):
    """The backend's own derivative is the one found by differentiating the plain formula."""
    operation = Response(1.0, 0.1, beta, windows, groups, channel_axis=3)
    fast, slow = backends.differentiable(operation), plain.differentiable(operation)
    x, dy = normal(2, 4, 3, 6, std=3), normal(2, 4, 3, 6, seed=1)
    y, wanted_y = fast(tensor(x)), traced(slow)(tensor(x))
    assert_close(y, to_numpy(wanted_y), 1e-6)
    wanted = traced(lambda x: gradient(slow, x, dy))(tensor(x))
    assert_close(gradient(fast, x, dy), to_numpy(wanted), 2e-6)


@pytest.mark.parametrize(
    "function", [backends.grouped_conv, plain.grouped_conv], ids=["fast", "plain"]
)
@pytest.mark.parametrize(("groups", "strides"), [(1, 1), (2, 2), (3, 1)])
def test_grouped_conv(function, groups, strides):
    """The backend's own grouped convolution and the plain one are the reference's."""
    x, kernel = normal(2, 7, 7, 6), normal(3, 3, 6 // groups, 12, seed=1)
    y = function(
        tensor(x),
        tensor(kernel),
        groups,
        strides=strides,
        padding="valid",
        data_format="channels_last",
        dilation_rate=1,
    )
    assert_close(y, reference.conv2d(x, kernel, np.zeros(12), strides, groups=groups))


if BACKEND == "torch":
    # Dynamo looks at every class that it meets, torch.autograd.Function among them, and at every
    # attribute of a layer's output.
    @pytest.mark.filterwarnings("ignore:.*Function'> should not be instantiated")
    @pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
    def test_sizes_that_the_compiler_leaves_open():
        """Traced for any sizes, as PyTorch's compiler does from the second size on."""
        import torch

        layer = LocalResponseNormalization(data_format="channels_last")
        traced_layer = torch.compile(layer, backend="aot_eager", dynamic=True)  # needs no C++
        for shape in ((2, 5, 6, 7), (3, 4, 5, 9), (64, 20, 20, 96)):
            x, dy = tensor(normal(*shape)), normal(*shape)
            np.testing.assert_allclose(to_numpy(traced_layer(x)), to_numpy(layer(x)), rtol=1e-6)
            np.testing.assert_allclose(
                to_numpy(gradient(traced_layer, x, dy)),
                to_numpy(gradient(layer, x, dy)),
                rtol=1e-5,
                atol=1e-6,
            )
