"""The table of variants against the published figures, and the models built from it."""

import keras
import numpy as np
import pytest

from helpers import to_numpy, zeros_at_first
from keras_alexnet import AlexNet, describe, get_variant, list_variants
from keras_alexnet.variants.sizes import fits, layer_sizes, smallest_size
from narrow_networks import narrow, narrow_published
from published import PUBLISHED
from published.initial import INITIAL
from reference_networks import forward, random_weights, resized

VARIANTS = list_variants()
# Layers that the builder adds and that the published tables do not count as layers.
UNCOUNTED = ("image", "pad1", "flatten")
# The network that is computed at its published size and width as well.
FULL = "paper"


@pytest.mark.backend_free
def test_every_published_variant_is_there():
    """The table has the published variants, and no others."""
    assert list(PUBLISHED) == VARIANTS


@pytest.mark.parametrize("name", VARIANTS)
def test_structure(name):
    """Each built model has what the published tables say; one model serves all checks."""
    with zeros_at_first():
        model = AlexNet(name)
    check_order(name, model)
    check_shapes(name, model)
    check_counts(name, model)
    check_record(name, model)
    check_normalizations(name, model)


@pytest.mark.parametrize("name", VARIANTS)
def test_initial_values(name, monkeypatch):
    """Each layer with weights has the published ones, by the sizes of its kernel."""
    narrow(monkeypatch, name)
    check_initial_values(AlexNet(name), INITIAL[name])


@pytest.mark.initial_values
@pytest.mark.parametrize("name", VARIANTS)
def test_initial_values_as_the_backend_draws_them(name):
    """In the convolutions, where a backend draws in no time, all kinds of values occur."""
    model = AlexNet(name, include_top=False)
    names = [layer.name for layer in model.layers]
    check_initial_values(model, {row: INITIAL[name][row] for row in INITIAL[name] if row in names})


def check_order(name, model):
    """Every layer has its public name, in the order of computation."""
    names = [layer.name for layer in model.layers if layer.name not in UNCOUNTED]
    assert names == [row.name for row in PUBLISHED[name].rows]


def check_shapes(name, model):
    """Every layer's output has the published shape."""
    shapes = {row.name: model.get_layer(row.name).output.shape for row in PUBLISHED[name].rows}
    assert shapes == {row.name: (None, *row.output) for row in PUBLISHED[name].rows}


def check_counts(name, model):
    """Parameters and multiply-adds of every layer, and all totals, are the published ones."""
    published, description = PUBLISHED[name], describe(model)
    counted = {
        layer.name: (layer.parameters, layer.multiply_adds)
        for layer in description.layers
        if layer.name not in UNCOUNTED
    }
    assert counted == {row.name: (row.params, row.macs) for row in published.rows}
    assert description.parameters == published.parameters == model.count_params()
    assert description.multiply_adds == published.macs
    assert description.neurons == published.neurons


def check_record(name, model):
    """The figures that `get_variant` reports are those of the model."""
    record, description = get_variant(name), describe(model)
    assert record.parameters == description.parameters
    assert record.multiply_adds == description.multiply_adds
    assert record.neurons == description.neurons
    assert model.input_shape == (None, record.input_size, record.input_size, 3)
    assert model.output_shape == (None, record.classes)


def check_initial_values(model, published):
    """Weights and biases start as published: mean, deviation, bounds."""
    assert published
    for layer, initial in published.items():
        kernel, bias = model.get_layer(layer).get_weights()
        fan_in = np.prod(kernel.shape[-4:-1])
        check_distribution(kernel, initial.weight, fan_in, kernel.shape)
        if initial.bias == "fan_in_uniform":
            check_distribution(bias, ("fan_in_uniform",), fan_in, kernel.shape)
        else:
            assert np.all(bias == np.float32(initial.bias)), layer


def check_normalizations(name, model):
    """Size, constants, reach and region of every normalization are the published ones."""
    expected = {row.name: row for row in PUBLISHED[name].rows if row.lrn}
    for layer_name, row in expected.items():
        layer = model.get_layer(layer_name)
        assert (layer.size, layer.k, layer.groups) == (row.lrn.n, row.lrn.k, row.lrn.groups)
        assert layer.alpha == pytest.approx(row.lrn.alpha, rel=1e-12)
        assert layer.beta == row.lrn.beta
        assert (layer.region == "within_channel") == (row.op == "lrn_within")


def check_distribution(values, spec, fan_in, shape):
    """Compare the spread of random values with what is published, within its sampling error."""
    kind, *scale = spec
    fan_out = shape[-1] * np.prod(shape[:-2]) if len(shape) == 4 else shape[-1]
    deviation, bound = {
        "normal": lambda: (scale[0], None),
        # Cut at two deviations and not rescaled, a normal keeps 0.8796 of its deviation.
        "truncated": lambda: (0.8796 * scale[0], 2 * scale[0]),
        "fan_in_uniform": lambda: (fan_in**-0.5 / 3**0.5, fan_in**-0.5),
        "he_uniform": lambda: ((2 / fan_in) ** 0.5, (6 / fan_in) ** 0.5),
        "glorot_uniform": lambda: (
            (2 / (fan_in + fan_out)) ** 0.5,
            (6 / (fan_in + fan_out)) ** 0.5,
        ),
    }[kind]()
    values = values.reshape(-1)[:: values.size // 1_000_000 | 1]  # of large kernels a sample
    error = 6 / np.sqrt(values.size)  # six standard errors: one false alarm in 500 million
    assert abs(values.mean()) < error * deviation
    assert values.std() == pytest.approx(deviation, rel=error + 1e-3)
    if bound is not None:
        assert np.abs(values).max() <= bound * (1 + 1e-5)
        assert np.abs(values).max() > bound * 0.9 if values.size > 100 else True


@pytest.mark.medium
@pytest.mark.parametrize("name", VARIANTS)
def test_every_activation_equals_the_reference(name, monkeypatch):
    """With random weights every layer's output is that of the NumPy transcription.

    Shapes alone would not tell wrong padding, order or reach of the normalization.
    """
    published = PUBLISHED[name]
    if name != FULL and published.input_size > 128:
        narrow(monkeypatch, name)
        # Strides and pools divide a size by 32, so every layer rounds as at the published size;
        # but `owt` pools maps of any size to 6 x 6.
        less = 0 if name == "owt" else 128
        published = narrow_published(resized(published, published.input_size - less))
    rng = np.random.default_rng(0)
    weights = random_weights(published, rng)
    size = published.input_size
    with zeros_at_first():
        model = AlexNet(name, input_shape=published.input_shape)
    for layer, values in weights.items():
        model.get_layer(layer).set_weights(values)
    # A deviation of 50 grey levels: with small inputs the normalization would hardly show.
    images = rng.normal(0, 50, (1, size, size, 3)).astype("float32")
    expected = forward(published, images, weights)
    inner = keras.Model(
        model.input, {layer: model.get_layer(layer).output for layer in expected if layer != "prob"}
    )
    for layer, output in inner(images).items():
        scale = np.abs(expected[layer]).max()
        np.testing.assert_allclose(to_numpy(output), expected[layer], atol=2e-5 * scale, rtol=0)
    # The logits are of the order of 100, so their rounding is magnified in the softmax.
    np.testing.assert_allclose(to_numpy(model(images)), expected["prob"], atol=5e-3)


@pytest.mark.parametrize("name", VARIANTS)
def test_smallest_size_is_the_smallest(name):
    """The smallest image size builds, and one pixel less is refused with the arithmetic."""
    smallest = smallest_size(get_variant(name))
    with zeros_at_first():
        model = AlexNet(name, include_top=False, input_shape=(smallest, smallest, 3))
    assert min(model.output_shape[1:3]) >= 1
    less = smallest - 1
    with pytest.raises(ValueError, match=rf"conv1: .* = .*must be {smallest} or more"):
        AlexNet(name, include_top=False, input_shape=(less, smallest, 3))


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("size", [97, 160])
def test_size_arithmetic_is_the_models(name, size):
    """The sums that the error message shows are what Keras computes for other sizes."""
    record = get_variant(name)
    with zeros_at_first():
        model = AlexNet(name, include_top=False, input_shape=(size, size, 3))
    for step in layer_sizes(record, size):
        assert model.get_layer(step.layer).output.shape[1] == step.output, step
    assert fits(record, size)


@pytest.mark.backend_free
def test_known_smallest_sizes():
    """torchvision states 63 pixels for its network; without padding in conv1 it takes 67."""
    assert smallest_size(get_variant("owt")) == 63
    assert smallest_size(get_variant("bvlc")) == 67


@pytest.mark.backend_free
def test_unknown_variant_names_the_known_ones():
    """A wrong name is answered with all names and the nearest one."""
    with pytest.raises(ValueError, match=r"'bvcl'.*variants are: paper, .*Did you mean 'bvlc'\?"):
        get_variant("bvcl")


@pytest.mark.backend_free
def test_records_are_frozen():
    """Nobody changes the table by accident."""
    record = get_variant("paper")
    with pytest.raises(AttributeError):
        record.parameters = 1
    with pytest.raises(TypeError):
        record.initial["conv1"] = None
