"""The published tables agree with arithmetic."""

import math

import pytest

import reference_networks
from published import PUBLISHED
from published.initial import INITIAL

pytestmark = pytest.mark.backend_free

WEIGHTED = ("conv", "local", "fc")


every_variant = pytest.mark.parametrize("variant", PUBLISHED.values(), ids=PUBLISHED)


def _inputs(variant):
    """Pairs of a row and the shape it receives, both as published."""
    shapes = [variant.input_shape] + [row.output for row in variant.rows]
    return zip(variant.rows, shapes, strict=False)


@every_variant
def test_rows_agree_with_arithmetic(variant):
    """Shape, parameters and MACs of each row follow from its operation."""
    published = [(row.name, row.output, row.params, row.macs) for row in variant.rows]
    counted = [(c.name, c.output, c.params, c.macs) for c in reference_networks.count(variant)]
    assert published == counted


@every_variant
def test_totals_agree_with_arithmetic(variant):
    """The published totals are the sums over the layers."""
    counts = reference_networks.count(variant)
    assert variant.parameters == sum(c.params for c in counts)
    assert variant.macs == sum(c.macs for c in counts)
    assert variant.neurons == sum(c.neurons for c in counts)


@pytest.mark.parametrize(
    ("name", "totals"),
    [
        ("cifar10_11pct", (3_672_906, 34_689_024, 88_074)),
        ("cifar10_13pct", (1_901_386, 32_919_552, 86_026)),
    ],
)
def test_unshared_weights_grow_with_the_image(name, totals):
    """A local layer has weights for each position, so the totals at 32 pixels differ."""
    counts = reference_networks.count(PUBLISHED[name], input_size=32)
    sums = [sum(getattr(c, field) for c in counts) for field in ("params", "macs", "neurons")]
    assert tuple(sums) == totals


@every_variant
def test_rows_are_complete(variant):
    """Names are unique, and each row has the fields of its type and no others."""
    names = [row.name for row in variant.rows]
    assert len(set(names)) == len(names)
    for row in variant.rows:
        windowed = row.op in ("conv", "local", "maxpool", "avgpool")
        assert (row.filters is not None) == (row.op in WEIGHTED)
        assert (row.groups is not None) == (row.op in ("conv", "local"))
        assert (row.kernel is not None) == windowed
        assert (row.stride is not None) == windowed
        assert (row.padding is not None) == windowed
        assert (row.lrn is not None) == (row.op in ("lrn", "lrn_within"))
        assert (row.dropout_rate is not None) == (row.op == "dropout")
        assert (row.dropout_kind in ("inverted", "downscale")) == (row.op == "dropout")
    assert names[-1] == "prob"
    assert variant.rows[-1].output == (variant.classes,)


@every_variant
def test_initial_values_cover_the_layers_with_weights(variant):
    """Every layer with weights has initial values, in the order of the network."""
    weighted = [row.name for row in variant.rows if row.op in WEIGHTED]
    assert list(INITIAL[variant.name]) == weighted


@pytest.mark.parametrize(
    "name",
    [
        "source2012",
        "source2012_half",
        "bvlc",
        "caffenet",
        "cuda_convnet2",
        "ungrouped",
        "cifar10_18pct",
        "cifar10_19pct",
        "cifar10_80sec",
        "cifar10_11pct",
        "cifar10_13pct",
    ],
)
def test_pools_round_up(name):
    """Padding after the image stands for pools that round up (cuda-convnet, Caffe, imgclsmob)."""
    for row, shape in _inputs(PUBLISHED[name]):
        if row.op in ("maxpool", "avgpool"):
            rounded_up = math.ceil((shape[0] - row.kernel) / row.stride) + 1
            last_pixel = row.stride * (rounded_up - 1) + row.kernel
            assert row.output[0] == rounded_up
            assert row.padding == (0, max(0, last_pixel - shape[0]))


@pytest.mark.parametrize("name", ["owt", "slim_v2", "notebook"])
def test_pools_round_down(name):
    """PyTorch and TensorFlow's VALID pools read no pixel outside the image."""
    for row, shape in _inputs(PUBLISHED[name]):
        if row.op == "maxpool":
            assert row.output[0] == (shape[0] - row.kernel) // row.stride + 1
            assert row.padding == (0, 0)


@pytest.mark.parametrize(
    "name",
    [
        "source2012",
        "source2012_half",
        "cuda_convnet2",
        "cifar10_18pct",
        "cifar10_19pct",
        "cifar10_80sec",
        "cifar10_11pct",
        "cifar10_13pct",
    ],
)
def test_convolutions_of_cuda_convnet_round_up(name):
    """A symmetric padding rounded up, 1 + ceil((2 pad + in - k) / stride), gives the same sizes."""
    for row, shape in _inputs(PUBLISHED[name]):
        if row.op in ("conv", "local"):
            span = 2 * row.padding[0] + shape[0] - row.kernel
            assert row.output[0] == 1 + math.ceil(span / row.stride)


def test_convolutions_of_torchvision_round_down():
    """The declared symmetric padding, rounded down, gives the same sizes."""
    for row, shape in _inputs(PUBLISHED["owt"]):
        if row.op == "conv":
            assert row.output[0] == (2 * max(row.padding) + shape[0] - row.kernel) // row.stride + 1


def test_convolutions_of_the_notebook_are_same():
    """SAME gives ceil(in / stride) outputs and puts the odd padding pixel at the end."""
    for row, shape in _inputs(PUBLISHED["notebook"]):
        if row.op == "conv":
            outputs = math.ceil(shape[0] / row.stride)
            total = (outputs - 1) * row.stride + row.kernel - shape[0]
            assert row.output[0] == outputs
            assert row.padding == (total // 2, total - total // 2)
