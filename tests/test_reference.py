"""The published tables agree with arithmetic, and the NumPy reference with paper and pencil."""

import math

import numpy as np
import pytest

import reference
from published import INITIAL, PUBLISHED, Row, Variant

pytestmark = pytest.mark.backend_free

WEIGHTED = ("conv", "local", "fc")

every_variant = pytest.mark.parametrize("variant", PUBLISHED.values(), ids=PUBLISHED)


def _inputs(variant):
    """Pairs of a row and the shape it receives, both as published."""
    shapes = [variant.input_shape] + [row.output for row in variant.rows]
    return zip(variant.rows, shapes, strict=False)


# The published tables ------------------------------------------------------------------------


@every_variant
def test_rows_agree_with_arithmetic(variant):
    """Shape, parameters and MACs of each row follow from its operation."""
    published = [(row.name, row.output, row.params, row.macs) for row in variant.rows]
    counted = [(c.name, c.output, c.params, c.macs) for c in reference.count(variant)]
    assert published == counted


@every_variant
def test_totals_agree_with_arithmetic(variant):
    """The published totals are the sums over the layers."""
    counts = reference.count(variant)
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
    counts = reference.count(PUBLISHED[name], input_size=32)
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


@pytest.mark.parametrize("variant", PUBLISHED.values(), ids=PUBLISHED)
def test_weight_shapes_hold_the_published_parameters(variant):
    """Kernels and biases of the shapes that `forward` takes have the published sizes."""
    shapes = reference.weight_shapes(variant)
    for row in variant.rows:
        assert row.params == sum(math.prod(shape) for shape in shapes.get(row.name, ()))


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


# Convolution, pooling, dense, softmax ---------------------------------------------------------

# 1 2 3
# 4 5 6
# 7 8 9
NINE = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)

#  1  2  3  4
#  5  6  7  8
#  9 10 11 12
# 13 14 15 16
SIXTEEN = np.arange(1.0, 17.0).reshape(1, 4, 4, 1)


@pytest.mark.parametrize(
    ("stride", "pad", "expected"),
    [
        # 1*1 + 2*2 + 4*3 + 5*4 = 37, 2*1 + 3*2 + 5*3 + 6*4 = 47,
        # 4*1 + 5*2 + 7*3 + 8*4 = 67, 5*1 + 6*2 + 8*3 + 9*4 = 77
        (1, (0, 0), [[37, 47], [67, 77]]),
        # Zeros at the bottom and right: 37, 3*1 + 6*3 = 21, 7*1 + 8*2 = 23, 9*1 = 9
        (2, (0, 1), [[37, 21], [23, 9]]),
        # Zeros at the top and left: 1*4 = 4, 2*3 + 3*4 = 18, 4*2 + 7*4 = 36, 77
        (2, (1, 0), [[4, 18], [36, 77]]),
    ],
)
def test_conv2d_by_hand(stride, pad, expected):
    """A 2 x 2 kernel over 3 x 3 pixels, without a flip of the kernel."""
    kernel = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    y = reference.conv2d(NINE, kernel, np.array([0.5]), stride, pad)
    np.testing.assert_array_equal(y[0, :, :, 0], np.array(expected) + 0.5)


def test_conv2d_groups_by_hand():
    """The first half of the filters sees the first half of the channels alone."""
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    kernel = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 1, 4)
    y = reference.conv2d(x, kernel, np.zeros(4), groups=2)
    np.testing.assert_array_equal(y.ravel(), [1, 2, 30, 40])


@pytest.mark.parametrize(
    ("stride", "pad", "groups"), [(1, (1, 1), 1), (2, (0, 3), 2), (3, (2, 1), 4)]
)
def test_conv2d_agrees_with_loops(stride, pad, groups):
    """The matrix product equals the sum over taps and channels, written out."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 8, 7, 8))
    kernel = rng.standard_normal((3, 3, 8 // groups, 12))
    bias = rng.standard_normal(12)
    y = reference.conv2d(x, kernel, bias, stride, pad, groups)
    padded = np.pad(x, ((0, 0), pad, pad, (0, 0)))
    expected = np.zeros_like(y)
    for image, p, q, f in np.ndindex(y.shape):
        first = f // (12 // groups) * (8 // groups)
        window = padded[image, stride * p :, stride * q :, first:]
        window = window[:3, :3, : 8 // groups]
        expected[image, p, q, f] = bias[f] + np.sum(window * kernel[..., f])
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)


def test_local2d_by_hand():
    """Every place has a kernel and a bias of its own."""
    kernel = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1, 1, 1)
    kernel = np.broadcast_to(kernel, (2, 2, 2, 2, 1, 1))
    bias = np.array([[0.1, 0.2], [0.3, 0.4]]).reshape(2, 2, 1)
    y = reference.local2d(NINE, kernel, bias)
    # 1 + 2 + 4 + 5 = 12, 2 + 3 + 5 + 6 = 16, 4 + 5 + 7 + 8 = 24, 5 + 6 + 8 + 9 = 28
    np.testing.assert_allclose(y[0, :, :, 0], [[12.1, 160.2], [2400.3, 28000.4]], rtol=1e-15)
    # Zeros after the image, steps of 2: 12, 3 + 6 = 9, 7 + 8 = 15, 9
    y = reference.local2d(NINE, kernel, bias, 2, (0, 1))
    np.testing.assert_allclose(y[0, :, :, 0], [[12.1, 90.2], [1500.3, 9000.4]], rtol=1e-15)


@pytest.mark.parametrize(("stride", "pad"), [(1, (1, 1)), (2, (0, 1)), (3, (2, 1))])
def test_local2d_with_equal_kernels_is_a_convolution(stride, pad):
    """Where all places have the same kernel and bias, the layer is the shared one."""
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((2, 8, 7, 3)), rng.standard_normal((3, 3, 3, 4))
    bias = rng.standard_normal(4)
    expected = reference.conv2d(x, kernel, bias, stride, pad)
    places = expected.shape[1:3]
    kernels, biases = np.tile(kernel, (*places, 1, 1, 1, 1)), np.tile(bias, (*places, 1))
    y = reference.local2d(x, kernels, biases, stride, pad)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)


def test_max_pool_rounding_up_by_hand():
    """The windows at the edge keep the pixels that exist."""
    y = reference.max_pool(SIXTEEN, 3, 2, (0, 1))
    np.testing.assert_array_equal(y[0, :, :, 0], [[11, 12], [15, 16]])


def test_max_pool_padding_never_wins():
    """Padding is below every pixel, so that it cannot replace a negative maximum."""
    y = reference.max_pool(-SIXTEEN, 3, 2, (0, 1))
    np.testing.assert_array_equal(y[0, :, :, 0], [[-1, -3], [-9, -11]])


def test_avg_pool_divides_by_the_pixels_inside():
    """Windows of 9, 6, 6 and 4 pixels inside the image each have a mean of their own."""
    # (1+2+3+5+6+7+9+10+11)/9 = 54/9, (3+4+7+8+11+12)/6 = 45/6, (9+10+11+13+14+15)/6 = 72/6,
    # (11+12+15+16)/4 = 54/4
    y = reference.avg_pool(SIXTEEN, 3, 2, (0, 1))
    np.testing.assert_array_equal(y[0, :, :, 0], [[6, 7.5], [12, 13.5]])


def test_pools_rounding_down_drop_the_rest():
    """Without padding, the fourth row and column are not read."""
    assert reference.max_pool(SIXTEEN, 3, 2).ravel().tolist() == [11]
    assert reference.avg_pool(SIXTEEN, 3, 2).ravel().tolist() == [6]


def test_dense_by_hand():
    """(1, 2) times ((1, 3), (2, 4)) plus (10, 20) is (15, 31)."""
    y = reference.dense([[1.0, 2.0]], [[1.0, 3.0], [2.0, 4.0]], np.array([10.0, 20.0]))
    np.testing.assert_array_equal(y, [[15, 31]])


@pytest.mark.parametrize("shift", [0.0, 1000.0, -1000.0])
def test_softmax_by_hand(shift):
    """exp(log 1, log 2, log 5) divided by 8, whatever is added to all three."""
    y = reference.softmax(np.log([[1.0, 2.0, 5.0]]) + shift)
    np.testing.assert_allclose(y, [[0.125, 0.25, 0.625]], rtol=1e-12)


# Local response normalisation -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "even", "scales"),
    [
        # The squares of (1, 2, 3) are 1, 4, 9; each scale is 1 plus a sum of squares.
        # n = 3: channels {0,1}, {0,1,2}, {1,2}: sums 5, 14, 13.
        (3, "before", [6, 15, 14]),
        (3, "after", [6, 15, 14]),
        # n = 2, one before: {0}, {0,1}, {1,2}: sums 1, 5, 13.
        (2, "before", [2, 6, 14]),
        # n = 2, one after: {0,1}, {1,2}, {2}: sums 5, 13, 9.
        (2, "after", [6, 14, 10]),
        # n = 4, two before, one after: {0,1}, {0,1,2}, {0,1,2}: sums 5, 14, 14.
        (4, "before", [6, 15, 15]),
        # n = 4, one before, two after: {0,1,2}, {0,1,2}, {1,2}: sums 14, 14, 13.
        (4, "after", [15, 15, 14]),
        # n = 5 reaches every channel from each of the three: 14.
        (5, "before", [15, 15, 15]),
    ],
)
def test_lrn_across_by_hand(n, even, scales):
    """Three channels (1, 2, 3) with k, alpha and beta 1."""
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    y = reference.lrn_across(x, n, k=1.0, alpha=1.0, beta=1.0, even=even)
    np.testing.assert_allclose(y.ravel(), np.array([1, 2, 3]) / scales, rtol=1e-15)


def test_lrn_across_constants_by_hand():
    """k is added once, alpha multiplies the squares, beta is the power: 3 / (7 + 9)^0.75 = 3/8."""
    y = reference.lrn_across(np.array([3.0]), 1, k=7.0, alpha=1.0, beta=0.75)
    np.testing.assert_allclose(y, 3 / 8, rtol=1e-14)
    # 6 / (7 + 36/4)^0.75 = 6/8
    y = reference.lrn_across(np.array([6.0]), 1, k=7.0, alpha=0.25, beta=0.75)
    np.testing.assert_allclose(y, 6 / 8, rtol=1e-14)


def test_lrn_across_stays_inside_its_group():
    """Of (1, 2, 3, 4) in two groups, each pair is normalised alone: 1 + 5 and 1 + 25."""
    x = np.array([1.0, 2.0, 3.0, 4.0])
    y = reference.lrn_across(x, 3, k=1.0, alpha=1.0, beta=1.0, groups=2)
    np.testing.assert_allclose(y, [1 / 6, 2 / 6, 3 / 26, 4 / 26], rtol=1e-15)


@pytest.mark.parametrize("even", ["before", "after"])
@pytest.mark.parametrize("n", [2, 4, 5])
def test_lrn_across_groups_are_separate_maps(n, even):
    """Two groups give what two separate normalisations give."""
    x = np.random.default_rng(1).standard_normal((2, 3, 3, 12))
    constants = {"k": 2.0, "alpha": 0.1, "beta": 0.75, "even": even}
    halves = [reference.lrn_across(half, n, **constants) for half in np.split(x, 2, axis=-1)]
    y = reference.lrn_across(x, n, groups=2, **constants)
    np.testing.assert_allclose(y, np.concatenate(halves, axis=-1), rtol=1e-14)


@pytest.mark.parametrize(
    ("n", "even", "scales"),
    [
        # The squares are ((1, 4), (9, 16)); each scale is 1 plus a sum of squares.
        # n = 3 covers all four pixels from each of them: 30.
        (3, "before", [[31, 31], [31, 31]]),
        # n = 2, one before: 1, 1 + 4, 1 + 9, all.
        (2, "before", [[2, 6], [11, 31]]),
        # n = 2, one after: all, 4 + 16, 9 + 16, 16.
        (2, "after", [[31, 21], [26, 17]]),
    ],
)
def test_lrn_within_by_hand(n, even, scales):
    """A map ((1, 2), (3, 4)) with k, alpha and beta 1; zeros in a second map change nothing."""
    pixels = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = np.stack([pixels, np.zeros((2, 2))], axis=-1)[np.newaxis]
    y = reference.lrn_within(x, n, k=1.0, alpha=1.0, beta=1.0, even=even)
    np.testing.assert_allclose(y[0, :, :, 0], pixels / scales, rtol=1e-15)
    np.testing.assert_array_equal(y[0, :, :, 1], 0.0)


def test_lrn_within_factor_is_fixed_at_the_border():
    """Of 3 x 3 ones, corners see 4 squares, edges 6 and the centre 9, with the same factor."""
    y = reference.lrn_within(np.ones((1, 3, 3, 1)), 3, k=1.0, alpha=1.0, beta=1.0)
    expected = 1 / np.array([[5, 7, 5], [7, 10, 7], [5, 7, 5]])
    np.testing.assert_allclose(y[0, :, :, 0], expected, rtol=1e-15)


def test_lrn_refuses_an_unknown_even_rule():
    """The rule for even windows is one of two words."""
    with pytest.raises(ValueError, match="even is"):
        reference.lrn_across(np.ones(3), 2, 1.0, 1.0, 1.0, even="middle")


def _central_differences(function, x, dy, step=1e-5):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = np.sum(dy * (function(up) - function(down))) / (2 * step)
    return gradient


@pytest.mark.parametrize("even", ["before", "after"])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_lrn_across_gradient_agrees_with_differences(n, groups, even):
    """The derived gradient is the slope of the function."""
    rng = np.random.default_rng(2)
    x, dy = rng.standard_normal((2, 2, 2, 8)), rng.standard_normal((2, 2, 2, 8))
    constants = {"k": 1.5, "alpha": 0.3, "beta": 0.75, "groups": groups, "even": even}
    expected = _central_differences(lambda v: reference.lrn_across(v, n, **constants), x, dy)
    actual = reference.lrn_across_gradient(x, dy, n, **constants)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("even", ["before", "after"])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_lrn_within_gradient_agrees_with_differences(n, even):
    """The derived gradient is the slope of the function."""
    rng = np.random.default_rng(3)
    x, dy = rng.standard_normal((2, 4, 5, 2)), rng.standard_normal((2, 4, 5, 2))
    constants = {"k": 1.5, "alpha": 0.3, "beta": 0.75, "even": even}
    expected = _central_differences(lambda v: reference.lrn_within(v, n, **constants), x, dy)
    actual = reference.lrn_within_gradient(x, dy, n, **constants)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-8)


# Whole networks -------------------------------------------------------------------------------


# source2012 is the only full-size network here, to save time: it has groups, both norms and
# dropout that scales.
@pytest.mark.medium
@pytest.mark.parametrize("name", ["source2012", "cifar10_18pct", "cifar10_80sec", "cifar10_11pct"])
def test_forward_gives_every_published_shape(name):
    """Each row has an output of the published shape, in order, and the last sums to one."""
    variant = PUBLISHED[name]
    rng = np.random.default_rng(4)
    weights = reference.random_weights(variant, rng)
    outputs = reference.forward(variant, rng.standard_normal((1, *variant.input_shape)), weights)
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
    np.testing.assert_array_equal(reference.forward(variant, images, {})["drop"], images * factor)


def test_forward_flattens_rows_columns_channels():
    """Input i * 2 * 3 + j * 3 + c of the first dense layer is channel c of pixel (i, j)."""
    variant = Variant("tiny", 2, 12, 0, 0, 0, (_row("fc", "fc", (12,), filters=12),))
    images = np.random.default_rng(6).standard_normal((2, 2, 2, 3))
    y = reference.forward(variant, images, {"fc": (np.eye(12), np.zeros(12))})["fc"]
    for i, j, c in np.ndindex(2, 2, 3):
        np.testing.assert_array_equal(y[:, i * 6 + j * 3 + c], images[:, i, j, c])


def test_forward_refuses_unknown_layers():
    """A row of a type that is not transcribed is named, not skipped."""
    row = _row("mystery3", "mystery", (2, 2, 3))
    with pytest.raises(ValueError, match="mystery3"):
        reference.forward(Variant("tiny", 2, 3, 0, 0, 0, (row,)), np.zeros((1, 2, 2, 3)), {})
