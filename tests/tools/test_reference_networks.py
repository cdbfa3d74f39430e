"""The reference's whole networks: shapes, dropout and the order of flattened maps."""

import math

import numpy as np
import pytest

from published import PUBLISHED
from published.rows import Row, Variant
from reference_networks import forward, random_weights, weight_shapes

pytestmark = pytest.mark.backend_free


@pytest.mark.parametrize("variant", PUBLISHED.values(), ids=PUBLISHED)
def test_weight_shapes_hold_the_published_parameters(variant):
    """Kernels and biases of the shapes that `forward` takes have the published sizes."""
    shapes = weight_shapes(variant)
    for row in variant.rows:
        assert row.params == sum(math.prod(shape) for shape in shapes.get(row.name, ()))


# source2012 is the only full-size network here, to save time: it has groups, both norms and
# dropout that scales.
@pytest.mark.medium
@pytest.mark.parametrize("name", ["source2012", "cifar10_18pct", "cifar10_80sec", "cifar10_11pct"])
def test_forward_gives_every_published_shape(name):
    """Each row has an output of the published shape, in order, and the last sums to one."""
    variant = PUBLISHED[name]
    rng = np.random.default_rng(4)
    weights = random_weights(variant, rng)
    outputs = forward(variant, rng.standard_normal((1, *variant.input_shape)), weights)
    assert list(outputs) == [row.name for row in variant.rows]
    for row in variant.rows:
        assert outputs[row.name].shape == (1, *row.output)
        assert outputs[row.name].dtype == np.float64
    np.testing.assert_allclose(outputs["prob"].sum(), 1.0, rtol=1e-12)


def _row(name, op, output, **fields):
    absent = dict.fromkeys(("filters", "kernel", "stride", "padding", "groups"))
    return Row(name=name, op=op, output=output, params=0, macs=0, **{**absent, **fields})


@pytest.mark.parametrize(("kind", "factor"), [("inverted", 1.0), ("downscale", 0.75)])
def test_forward_scales_by_the_keep_probability(kind, factor):
    """At test time only the "downscale" kind of dropout multiplies by 1 - rate."""
    row = _row("drop", "dropout", (2, 2, 3), dropout_rate=0.25, dropout_kind=kind)
    variant = Variant("tiny", 2, 3, 0, 0, 0, (row,))
    images = np.random.default_rng(5).standard_normal((2, 2, 2, 3))
    np.testing.assert_array_equal(forward(variant, images, {})["drop"], images * factor)


def test_forward_flattens_rows_columns_channels():
    """Input i * 2 * 3 + j * 3 + c of the first dense layer is channel c of pixel (i, j)."""
    variant = Variant("tiny", 2, 12, 0, 0, 0, (_row("fc", "fc", (12,), filters=12),))
    images = np.random.default_rng(6).standard_normal((2, 2, 2, 3))
    y = forward(variant, images, {"fc": (np.eye(12), np.zeros(12))})["fc"]
    for i, j, c in np.ndindex(2, 2, 3):
        np.testing.assert_array_equal(y[:, i * 6 + j * 3 + c], images[:, i, j, c])


def test_forward_refuses_unknown_layers():
    """A row of a type that is not transcribed is named, not skipped."""
    row = _row("mystery3", "mystery", (2, 2, 3))
    with pytest.raises(ValueError, match="mystery3"):
        forward(Variant("tiny", 2, 3, 0, 0, 0, (row,)), np.zeros((1, 2, 2, 3)), {})
