"""The recipes, update for update against the published rules, written out in NumPy."""

import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet import get_recipe, list_recipes

LAYERS = ("conv1", "conv2", "local3", "fc64", "fc10")
STEPS = 10  # training steps of an epoch


def cuda_convnet(w, inc, g, eps, wc, mom):
    """`Weights::update` of weights.cuh: the gradient there is that of the log-probability."""
    ascent = -g
    inc = mom * inc + eps * ascent
    if wc > 0:
        inc = inc - wc * eps * w
    return w + inc, inc


def paper(w, v, g, eps, wc, mom):
    """Section 5 of the paper."""
    v = mom * v - wc * eps * w - eps * g
    return w + v, v


def caffe(w, history, g, eps, wc, mom):
    """sgd_solver.cpp: Regularize adds to the difference, ComputeUpdateValue gives the history."""
    difference = g + wc * w
    history = eps * difference + mom * history
    return w - history, history


def torch(w, buffer, g, eps, wc, mom):
    """torch.optim.SGD and optim.sgd of Torch7, without dampening."""
    buffer = mom * buffer + g + wc * w
    return w - eps * buffer, buffer


def stepped(at, *pairs):
    """Return the last value whose start is reached."""
    return [value for start, value in pairs if at >= start][-1]


# Per recipe: the rule; and for a layer, whether its bias, and the number of the training step,
# counted from 0, with its epoch: rate, decay, momentum. Written from the sources anew.


def of_paper(layer, bias, step, epoch):
    return 0.02 if bias else 0.01, 0 if bias else 0.0005, 0.9


def of_source2012(layer, bias, step, epoch):
    if bias:
        rate = stepped(epoch, (0, 0.02), (72, 0)) if layer == "conv1" else 0.02
        return rate, 0, 0.9
    if layer == "conv1":
        rate = stepped(epoch, (0, 0.01), (25, 0.001), (51, 0.0001), (67, 0.00001), (72, 0))
    else:
        rate = stepped(epoch, (0, 0.01), (25, 0.001), (51, 0.0001), (79, 0.00001))
    return rate, 0.0005, 0.9


def of_caffe(layer, bias, step, epoch):
    rate = 0.01 * 0.1 ** (step // 100_000)
    return (2 if bias else 1) * rate, 0 if bias else 0.0005, 0.9


def of_owt(layer, bias, step, epoch):
    return 0.01 * 0.1 ** (epoch // 30), 0.0001, 0.9


def of_owt_origin(layer, bias, step, epoch):
    regime = stepped(epoch + 1, (1, 0.01), (19, 0.005), (30, 0.001), (44, 0.0005), (53, 0.0001))
    first = step in (18 * STEPS, 29 * STEPS, 43 * STEPS, 52 * STEPS)
    return regime, 0.0005 if epoch + 1 < 30 else 0, 0 if first else 0.9


def of_cuda_convnet2(layer, bias, step, epoch):
    progress = step / (90 * STEPS)
    if bias:
        return 0.02 if progress < 0.5 else 0.002, 0, 0.9
    return 0.01 * 250 ** (-int(4 * progress) / 3), 0.0005, 0.9


def of_cifar(decays, drops, bias_drops):
    """Return the figures of a CIFAR-10 network: decay by layer, epochs of the drops to a tenth."""

    def figures(layer, bias, step, epoch):
        tenths = sum(epoch >= drop for drop in drops)
        if bias:
            return 0.002 * 0.1 ** (tenths if bias_drops else 0), 0, 0.9
        return 0.001 * 0.1**tenths, decays[layer], 0.9

    return figures


def decays(convs, local, fc64, fc10):
    return dict(zip(LAYERS, (convs, convs, local, fc64, fc10), strict=True))


PUBLISHED = {
    "paper": (paper, of_paper, []),
    "source2012": (cuda_convnet, of_source2012, [25, 51, 67, 72, 79]),
    "bvlc": (caffe, of_caffe, [10_000, 20_000, 30_000, 40_000]),
    "caffenet": (caffe, of_caffe, [10_000, 40_000]),
    "owt": (torch, of_owt, [30, 60]),
    "owt_origin": (torch, of_owt_origin, [18, 29, 43, 52]),
    "cuda_convnet2": (cuda_convnet, of_cuda_convnet2, [22.5, 45, 67.5]),
    "cifar10_18pct": (
        cuda_convnet,
        of_cifar(decays(0.004, 0.004, 0.004, 1), (120, 130), True),
        [120, 130],
    ),
    "cifar10_19pct": (
        cuda_convnet,
        of_cifar(decays(0.004, 0.004, 0.004, 3), (120, 130), True),
        [120, 130],
    ),
    "cifar10_80sec": (
        cuda_convnet,
        of_cifar(decays(0.004, 0.004, 0.03, 0.03), (8,), True),
        [8],
    ),
    "cifar10_13pct": (
        cuda_convnet,
        of_cifar(decays(0, 0.004, 0, 0.004), (140, 150), False),
        [140, 150],
    ),
    "cifar10_11pct": (
        cuda_convnet,
        of_cifar(decays(0, 0.004, 0, 0.01), (500, 510), False),
        [500, 510],
    ),
}


def network():
    """Return a model with layers of the published names and one input each."""
    x = keras.Input((1,))
    y = x
    for name in LAYERS:
        y = keras.layers.Dense(1, name=name)(y)
    model = keras.Model(x, y)
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return model


def assert_follows(optimizer, rule, figures, starts, count):
    """Assert that an optimizer takes the steps of a rule from given steps of the training on."""
    model = network()
    variables = model.trainable_variables
    optimizer.build(variables)
    rng = np.random.default_rng(2)
    expected = [(to_numpy(v.value).astype("float64"), np.zeros(v.shape)) for v in variables]
    for step in (start + number for start in starts for number in range(count)):
        if step in starts:
            optimizer.iterations.assign(step)
        gradients = [rng.normal(size=v.shape).astype("float32") for v in variables]
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
        for number, (variable, g) in enumerate(zip(variables, gradients, strict=True)):
            layer, kind = variable.path.split("/")[-2:]
            numbers = figures(layer, kind == "bias", step, step // STEPS)
            expected[number] = rule(*expected[number], g, *numbers)
            where = f"{variable.path} after step {step}"
            velocity = optimizer.variables[number - len(variables)]
            w, v = expected[number]
            np.testing.assert_allclose(to_numpy(variable.value), w, 2e-5, 1e-6, err_msg=where)
            # Caffe keeps what it subtracts; the size of either is what tells small rates apart.
            found = np.abs(to_numpy(velocity.value))
            np.testing.assert_allclose(found, np.abs(v), 2e-5, 1e-9, err_msg=where)


@pytest.mark.backend_free
def test_every_recipe_is_tested():
    """A new row of the table needs its figures a second time, from its source."""
    assert sorted(PUBLISHED) == sorted(list_recipes())


@pytest.mark.backend_free
@pytest.mark.parametrize("name", PUBLISHED)
def test_steps_of_each_epoch(name):
    """Every epoch has a number; those before the last images were added have a fifth fewer."""
    recipe = get_recipe(name)
    early, late = 800 // recipe.batch_size + 1, 1000 // recipe.batch_size + 1  # no divisors
    steps = recipe.steps_per_epoch(1000)
    assert steps == [early if n < recipe.held_back else late for n in range(recipe.epochs)]


@pytest.mark.medium
@pytest.mark.parametrize("name", PUBLISHED)
def test_every_update_is_the_published_one(name):
    """From the first step, and across every change of a rate: weights and biases of each layer."""
    rule, figures, changes = PUBLISHED[name]
    starts = (0, *(round(change * STEPS) - 2 for change in changes))
    assert_follows(get_recipe(name).optimizer(STEPS), rule, figures, starts, count=4)
