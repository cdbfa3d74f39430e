"""The sanity check of weights: trained, untrained, scrambled, permuted, and its messages."""

import numpy as np
import pytest

from keras_alexnet import AlexNet
from keras_alexnet.checkpoints.sanity import RIGHT, TWICE, UNPERMUTED, TrainingSigns, sanity_check
from keras_alexnet.checkpoints.targets import targets_of
from keras_alexnet.published.records import Sample
from made_checkpoints import rows_by_channel
from made_networks import MAPS, learned_weights, small_network
from narrow_networks import narrow


@pytest.fixture(scope="session")
def network():
    return small_network()


def signs_of(network, weights=None, samples=()):
    """Return the verdict on a network with some weights."""
    if weights is not None:
        for name, arrays in weights.items():
            network.get_layer(name).set_weights(arrays)
    return sanity_check(targets_of(network), samples)


def test_figures_are_what_they_are_said_to_be(network):
    """Correlations and spreads against NumPy's own, for one layer each."""
    weights = learned_weights(network)
    signs = signs_of(network, weights)
    kernel = weights["conv1"][0].astype("float64")
    kernel = kernel - kernel.mean((0, 1))
    here = np.concatenate([kernel[1:].ravel(), kernel[:, 1:].ravel()])
    beside = np.concatenate([kernel[:-1].ravel(), kernel[:, :-1].ravel()])
    expected = np.mean(here * beside) / np.sqrt(np.mean(here**2) * np.mean(beside**2))
    assert signs.smoothness == pytest.approx(expected)

    squares = weights["fc7"][0].astype("float64") ** 2
    strengths = squares.sum(axis=0)
    kurtosis = np.mean(squares**2) / np.mean(squares) ** 2
    by_chance = np.sqrt((kurtosis - 1) / 64)
    expected = strengths.std() / strengths.mean() / by_chance
    assert signs.spread["fc7"] == pytest.approx(expected, rel=1e-5)


def test_learned_weights_look_trained(network):
    signs = signs_of(network, learned_weights(network))
    assert signs.smoothness > 0.5
    assert signs.fresh == () and signs.order == RIGHT and not signs.untrained
    assert signs.suspicions() == []
    text = str(signs)
    assert text.startswith("The weights look trained (conv1, conv2, conv3, conv4, conv5, fc6, fc7")
    assert "filters are smooth" in text and "in order" in text


VARIANTS = ["paper", "owt", "slim_v2", "notebook", "ungrouped"]
SMALL = pytest.param("cifar10_80sec", marks=pytest.mark.initial_values)


@pytest.mark.medium
@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("name", [*VARIANTS, SMALL])
def test_initial_values_look_untrained(name, robust, monkeypatch):
    """Normal, truncated, uniform, large or small: what was only drawn is not taken for learned."""
    # With fc6 in one case alone, of 64 units: of more, the check takes a second.
    narrow(monkeypatch, name)
    top = name.startswith("cifar") or (name == "notebook" and not robust)
    initialization = "robust" if robust else "published"
    model = AlexNet(name, include_top=top, initialization=initialization)
    signs = signs_of(model)
    assert abs(signs.smoothness) < 0.05
    assert max(signs.spread.values()) < 1.4
    assert signs.untrained
    assert signs.suspicions(own=True) == signs.suspicions() == [str(signs)]
    assert str(signs).startswith("The weights look untrained: they are distributed like")


def test_zeros_look_untrained(network):
    """Weights that are all alike say nothing, and divide by nothing."""
    zeros = {
        name: [np.zeros_like(array) for array in arrays]
        for name, arrays in learned_weights(network).items()
    }
    signs = signs_of(network, zeros)
    assert signs.untrained and signs.smoothness == 0


def test_scrambled_filters(network):
    """A spatial permutation of the first kernels, one and the same for all, is noticed."""
    weights = learned_weights(network)
    kernel, bias = weights["conv1"]
    order = np.random.default_rng(0).permutation(49)
    weights["conv1"] = kernel.reshape(49, 3, 32)[order].reshape(kernel.shape), bias
    signs = signs_of(network, weights)
    assert abs(signs.smoothness) < 0.1
    (text,) = signs.suspicions()
    assert text.startswith("The filters of conv1 look scrambled: weights of neighbouring pixels")


def test_a_kernel_read_in_another_order(network):
    """Filters stored output first, and taken for what they are not, are noticed."""
    weights = learned_weights(network)
    kernel, bias = weights["conv1"]
    weights["conv1"] = kernel.transpose(3, 2, 0, 1).reshape(kernel.shape), bias
    assert "conv1 look untrained or scrambled" in str(signs_of(network, weights))


def test_fresh_filters_in_a_trained_network(network):
    """Suspicious from elsewhere; of one's own, which had a short training, only worth a note."""
    weights = learned_weights(network)
    rng = np.random.default_rng(3)
    weights["conv1"] = rng.normal(size=(7, 7, 3, 32)).astype("float32"), np.zeros(32)
    signs = signs_of(network, weights)
    (text,) = signs.suspicions()
    assert text.startswith("The filters of conv1 look untrained or scrambled: weights of")
    assert signs.suspicions(own=True) == []
    assert "Hardly changed from initial values: conv1." in signs.verdict(own=True)


def undone(kernel):
    """Return rows brought into the model's order although they were in it."""
    height, width, channels = MAPS
    return kernel.reshape(channels, height, width, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)


@pytest.mark.parametrize(
    ("mistake", "order", "words"),
    [
        (rows_by_channel, UNPERMUTED, "look in the order channels, height, width, not in"),
        (undone, TWICE, "look permuted although they were in order"),
    ],
)
def test_rows_in_another_order(mistake, order, words, network):
    """All shapes fit, and the network gives noise: the most common mistake of all."""
    weights = learned_weights(network)
    kernel, bias = weights["fc6"]
    weights["fc6"] = mistake(kernel), bias
    signs = signs_of(network, weights)
    assert signs.order == order
    (text,) = signs.suspicions()
    assert words in text and "rows of the first fully connected layer" in text


def test_permuted_channels_are_no_other_order(network):
    """Rows whose channels alone are in another order show no other order, and no false alarm."""
    weights = learned_weights(network)
    kernel, bias = weights["fc6"]
    weights["fc6"] = kernel.reshape(*MAPS, -1)[:, :, ::-1].reshape(kernel.shape), bias
    assert signs_of(network, weights).order == RIGHT


@pytest.mark.parametrize(("error", "right"), [(0, True), (4e-6, True), (1e-3, False)])
def test_public_values(error, right, network):
    """Values that are public are looked for in their places."""
    weights = learned_weights(network)
    values = tuple(weights["conv1"][0][2, 3:6, 1, 9] + np.float32(error))
    sample = Sample("conv1", filter=9, channel=1, row=2, column=3, values=values, tolerance=1e-5)
    signs = signs_of(network, weights, (sample,))
    assert signs.samples is right
    text = str(signs)
    assert ("The kernels hold the published values." in text) is right
    assert ("do not hold the published values" in text) is not right


def test_networks_without_fully_connected_layers():
    """Convolutions alone are judged by themselves."""
    network = small_network(top=False)
    signs = signs_of(network, learned_weights(network))
    assert signs.resemblance == {} and signs.order is None
    assert signs.suspicions() == []


def test_no_classifier_of_a_few_classes_raises_an_alarm():
    """Two units differ by chance more than many: that alone is no sign of training."""
    network = small_network(classes=2)
    layers = [layer for layer in network.layers if layer.weights]
    for _ in range(20):
        for layer in layers:
            draw = type(layer.kernel_initializer)()  # with a seed of its own
            layer.kernel.assign(draw(layer.kernel.shape))
        assert signs_of(network).untrained


def test_order_alone_shows_training():
    """Where no layer's units differ, the rows behind the maps can still be those of training."""
    signs = TrainingSigns(0.0, {"conv1": 1.0}, {"conv1": 2.0}, {RIGHT: 0.3, UNPERMUTED: 0.0}, None)
    assert signs.verdict() == (
        "The filters of conv1 look untrained or scrambled: weights of neighbouring pixels "
        "have a correlation of 0.00; trained filters have 0.1 or more."
    )
    assert signs.verdict(own=True) == (
        "The weights look trained. Hardly changed from initial values: conv1. The rows behind the "
        "maps are in order (0.30)."
    )
