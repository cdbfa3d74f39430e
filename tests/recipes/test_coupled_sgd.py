"""`CoupledSGD` compiled, in `fit`, saved, against PyTorch, and with wrong arguments."""

import json

import keras
import numpy as np
import pytest

from helpers import BACKEND, to_numpy
from keras_alexnet import CoupledSGD, get_recipe, paper_optimizer
from keras_alexnet.errors import UserError
from keras_alexnet.operations.optimizer import descend
from keras_alexnet.recipes.group import Group

Steps = keras.optimizers.schedules.PiecewiseConstantDecay


GROUPS = (
    Group("bias$", factor=2.0, learning_rate=Steps([3], [0.006, 0.003])),
    Group("first/kernel", weight_decay=Steps([4], [0.5, 0.1])),
    Group(weight_decay=0.25),
)


X = np.random.default_rng(3).normal(size=(24, 3)).astype("float32")


Y = X.sum(axis=1, keepdims=True)


def model_of(optimizer, **options):
    """Return a compiled network of two linear layers."""
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(2, name="first"),
            keras.layers.Dense(1, name="second"),
        ]
    )
    rng = np.random.default_rng(4)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    model.compile(optimizer, "mse", **options)
    return model


def fitted(model, epochs=1):
    """Train for six steps an epoch."""
    model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0)
    return model


def mean_square_gradients(weights, x, y):
    """Return the derivatives of the mean squared error of the two layers, by hand."""
    w1, b1, w2, b2 = weights
    hidden = x @ w1 + b1
    slope = 2 * (hidden @ w2 + b2 - y) / len(x)
    back = slope @ w2.T
    return x.T @ back, back.sum(axis=0), hidden.T @ slope, slope.sum(axis=0)


def expected_after(steps, with_rate):
    """Train the same network in NumPy."""
    rng = np.random.default_rng(4)
    weights = [rng.normal(size=shape) for shape in [(3, 2), (2,), (2, 1), (1,)]]
    velocities = [np.zeros_like(w) for w in weights]
    for step in range(steps):
        rows = slice(step % 6 * 4, step % 6 * 4 + 4)
        mom = 0.5 if step <= 1 else 0.9
        rate = 0.03 if step <= 2 else 0.003
        bias = (2 * (0.006 if step <= 3 else 0.003), 0)
        numbers = [(rate, 0.5 if step <= 4 else 0.1), bias, (rate, 0.25), bias]
        slopes = mean_square_gradients(weights, X[rows], Y[rows])
        for n, (slope, (eps, decay)) in enumerate(zip(slopes, numbers, strict=True)):
            slope = slope + decay * weights[n]
            velocities[n] = mom * velocities[n] + (eps * slope if with_rate else slope)
            weights[n] = weights[n] - (1 if with_rate else eps) * velocities[n]
    return weights


def changing(velocity="with_rate"):
    """Return an optimizer in which all that can change does."""
    return CoupledSGD(Steps([2], [0.03, 0.003]), Steps([1], [0.5, 0.9]), GROUPS, velocity)


def assert_weights(model, expected, tolerance=1e-5):
    for found, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


MODES = [{"jit_compile": BACKEND != "torch"}, {"run_eagerly": True}]


if BACKEND != "torch":  # which does not have it
    MODES.append({"steps_per_execution": 3})


@pytest.mark.medium
@pytest.mark.parametrize("options", MODES, ids=lambda options: next(iter(options)))
@pytest.mark.parametrize("velocity", ["with_rate", "without_rate"])
def test_fit_trains_as_numpy_does(velocity, options):
    """Two epochs, with everything changing on the way, end at the weights that NumPy finds."""
    model = fitted(model_of(changing(velocity), **options), epochs=2)
    assert_weights(model, expected_after(12, velocity == "with_rate"))


@pytest.mark.eager
def test_where_the_rate_stands_matters_once_it_changes():
    """The spellings agree as long as the rate is one, and part when it falls."""
    ends = []
    for velocity in ("with_rate", "without_rate"):
        model = fitted(model_of(CoupledSGD(0.01, velocity=velocity)))
        before = model.get_weights()
        model.optimizer.learning_rate = 0.001
        ends.append((before, fitted(model).get_weights()))
    (one, one_end), (other, other_end) = ends
    for w, v in zip(one, other, strict=True):
        np.testing.assert_allclose(w, v, rtol=1e-5, atol=1e-6)
    assert max(abs(w - v).max() for w, v in zip(one_end, other_end, strict=True)) > 0.01


@pytest.mark.peer("torch")
def test_without_rate_is_pytorchs_rule():
    """torch.optim.SGD with momentum and decay, two groups and a rate that changes."""
    import torch

    rng = np.random.default_rng(5)
    names, rates = ("kernel", "bias"), (0.1, 0.02)
    values = [rng.normal(size=7).astype("float32") for _ in names]
    theirs = [torch.nn.Parameter(torch.tensor(value)) for value in values]
    groups = [
        {"params": [p], "lr": rate, "weight_decay": decay}
        for p, rate, decay in zip(theirs, rates, (0.3, 0.1), strict=True)
    ]
    peer = torch.optim.SGD(groups, lr=1.0, momentum=0.8)
    ours = [keras.Variable(v, name=name) for v, name in zip(values, names, strict=True)]
    groups = [Group("kernel", weight_decay=0.3), Group("bias", factor=0.2, weight_decay=0.1)]
    optimizer = CoupledSGD(0.1, 0.8, groups, "without_rate")
    for step in range(6):
        gradients = [rng.normal(size=7).astype("float32") for _ in names]
        if step == 3:
            optimizer.learning_rate = 0.01
            for group in peer.param_groups:
                group["lr"] *= 0.1
        for p, g in zip(theirs, gradients, strict=True):
            p.grad = torch.tensor(g)
        peer.step()
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], ours)
    for found, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(to_numpy(found.value), wanted.detach().numpy(), rtol=1e-5)


def test_what_keras_sgd_does_with_weight_decay():
    """The docstring says so: outside the velocity, and on biases too."""
    w = keras.Variable(np.full(2, 3.0, "float32"), name="bias")
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.5)
    expected, v = 3.0, 0.0
    for gradient in (1.0, -2.0, 0.5):
        optimizer.apply([keras.ops.full((2,), gradient)], [w])
        expected *= 1 - 0.1 * 0.5
        v = 0.9 * v - 0.1 * gradient
        expected += v
        np.testing.assert_allclose(to_numpy(w.value), expected, rtol=1e-6)


@pytest.mark.parametrize("rate_in_velocity", [True, False])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_the_fast_step_is_the_plain_one(rate_in_velocity, decay):
    """On more values than fit into one slice of a CPU's cache."""
    rng = np.random.default_rng(6)
    start, v0, gradient = rng.normal(size=(3, 1_000_003)).astype("float32")
    found = []
    for step in (descend, descend.plain):
        w, v = keras.Variable(start), keras.Variable(v0)
        optimizer = CoupledSGD()
        g = keras.ops.convert_to_tensor(gradient)
        step(optimizer, w, v, g, 0.1, 0.9, decay, rate_in_velocity)
        found.append((to_numpy(w.value), to_numpy(v.value)))
    for fast, plain in zip(*found, strict=True):
        np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-6)
    assert abs(found[0][0] - start).max() > 0.1


@pytest.mark.eager
def test_a_saved_model_goes_on(tmp_path):
    """The .keras file holds rates, groups, velocities and the number of the step."""
    model = fitted(model_of(changing()))
    model.save(tmp_path / "half.keras")
    again = keras.saving.load_model(tmp_path / "half.keras")
    assert type(again.optimizer) is CoupledSGD
    assert_weights(fitted(again), expected_after(12, True))


def test_the_config_is_plain_data():
    """It survives JSON, and makes an optimizer with the same config."""
    config = keras.optimizers.serialize(changing("without_rate"))
    again = keras.optimizers.deserialize(json.loads(json.dumps(config)))
    assert again.get_config() == config["config"]
    assert again.velocity == "without_rate"
    assert [group.pattern for group in again.groups] == [group.pattern for group in GROUPS]


@pytest.mark.medium
def test_mixed_precision():
    """Under mixed_float16 the variables stay float32, and Keras scales the loss around the rule."""
    keras.config.set_dtype_policy("mixed_float16")
    # From its own 2 ** 15 the first gradients would overflow, and their steps be left out.
    scaling = keras.optimizers.LossScaleOptimizer(changing(), initial_scale=64.0)
    model = fitted(model_of(scaling), epochs=2)
    assert_weights(model, expected_after(12, True), tolerance=0.02)


def test_variables_of_half_precision():
    """Numbers take the type of the variable that they are for."""
    w = keras.Variable(np.ones(3), name="kernel", dtype="bfloat16")
    optimizer = CoupledSGD(Steps([0], [0.5, 0.25]), groups=[Group(weight_decay=0.5)])
    for _ in range(2):
        optimizer.apply([keras.ops.ones((3,), dtype="bfloat16")], [w])
    first = 1 - 0.5 * 1.5
    second = first + 0.9 * -0.75 - 0.25 * (1 + 0.5 * first)
    np.testing.assert_allclose(to_numpy(w.value), second, rtol=0.02)


def test_the_paper_optimizer():
    """Biases at twice the rate and without decay, as the source; the text's reading by argument."""
    optimizer = paper_optimizer(clipnorm=1.0)
    assert optimizer.group("alexnet/conv1/bias") == Group(r"(^|/)bias$", factor=2.0)
    assert optimizer.group("conv1/kernel") == Group(weight_decay=5e-4)
    assert (optimizer.momentum, optimizer.velocity, optimizer.clipnorm) == (0.9, "with_rate", 1.0)
    assert float(to_numpy(optimizer.learning_rate.value)) == pytest.approx(0.01)
    assert paper_optimizer(bias_factor=1).group("fc8/bias").factor == 1.0


def test_a_variable_of_no_group_has_the_rate_alone():
    assert CoupledSGD(groups=[Group("bias")]).group("conv1/kernel") == Group()


@pytest.mark.backend_free
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CoupledSGD(momentum=1.0), "Received momentum=1.0"),
        (lambda: CoupledSGD(momentum=-0.1), "at least 0 and below 1"),
        (lambda: CoupledSGD(velocity="nesterov"), "one of 'with_rate', 'without_rate'"),
        (lambda: CoupledSGD(weight_decay=5e-4), r"groups=\[Group\(weight_decay=0.0005\)\]"),
        (lambda: Group("conv(1"), r"Received pattern='conv\(1'"),
        (lambda: Group(3), "Received pattern=3"),
        (lambda: get_recipe("owt").optimizer(), "len\\(data\\), or recipe.steps_per_epoch"),
        (lambda: get_recipe("owt").optimizer(0), "Received steps_per_epoch=0"),
        (lambda: get_recipe("papr"), "Did you mean 'paper'"),
        (lambda: get_recipe(None), "The recipes are: paper, source2012"),
    ],
)
def test_mistakes_are_explained(make, words):
    with pytest.raises(UserError, match=words):
        make()
