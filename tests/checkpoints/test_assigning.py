"""From tensors to variables: every layout, type and order of channels."""

import keras
import numpy as np
import pytest

from assigned import assert_equal
from helpers import double_precision, to_numpy
from keras_alexnet.checkpoints import layouts
from keras_alexnet.checkpoints.layouts import Piece, Placement
from keras_alexnet.formats.arrays import MemoryArray
from keras_alexnet.formats.errors import CheckpointError
from made_checkpoints import WAYS
from made_networks import blank_network, drawn_weights, small_network, weights_of

OTHERS = {"channels_last": "channels_first", "channels_first": "channels_last"}


@pytest.mark.medium
@pytest.mark.parametrize("rows", [64, 3])
@pytest.mark.parametrize("data_format", OTHERS)
@pytest.mark.parametrize("way", WAYS)
def test_every_layout(way, data_format, rows, load, monkeypatch):
    """Every number of every program's file comes to its place, block by block."""
    monkeypatch.setattr(layouts, "BLOCK_ROWS", rows)
    monkeypatch.setattr(layouts, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(layouts, "TILE_BYTES", 100 * rows)
    model = blank_network(data_format=data_format)
    weights = drawn_weights(model)
    loaded = load(model, WAYS[way](weights))
    assert loaded.dialect == way
    assert_equal(model, weights)
    assert len(loaded.assigned) == 16


class Watched(MemoryArray):
    """An array that remembers how much of it was read at once."""

    def read(self, start=0, stop=None):
        values = super().read(start, stop)
        self.most = max(getattr(self, "most", 0), values.nbytes)
        return values


def test_large_tensors_are_never_read_as_a_whole(load):
    """Of a matrix only blocks are in memory: 64 rows to transpose, a megabyte to copy."""
    shape = (1000, 600)
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(8, 3, name="conv1"), keras.layers.Flatten()]
        + [keras.layers.Dense(n, name=name) for name, n in (("fc6", 600), ("fc7", 1000))]
    )
    kernel = np.ones((600, 288), "float32")
    arrays = {"conv1/0": np.ones((8, 3, 3, 3)), "conv1/1": np.ones(8)}
    arrays |= {"fc6/0": kernel, "fc6/1": np.ones(600), "fc7/1": np.ones(1000)}
    arrays["fc7/0"] = Watched(np.ones(shape, "float32"))
    load(model, arrays)
    assert arrays["fc7/0"].most <= layouts.BLOCK_BYTES < np.prod(shape) * 4
    assert (to_numpy(model.get_layer("fc7").kernel.value) == 1).all()


def test_rows_are_read_while_transposing():
    """A matrix is transposed 64 stored rows at a time, through Caffe's two axes of one as well."""
    source = np.arange(200 * 50, dtype="float32").reshape(200, 50)
    watched = Watched(source)
    target = np.empty((50, 200), "float32")
    piece = Piece("fc7/0", watched, 0, 200)
    Placement((piece,), "OI", "IO", {"O": 200, "I": 50}).fill(target)
    np.testing.assert_array_equal(target, source.T)
    assert watched.most == 64 * 50 * 4


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_other_types_in_the_file(kind, load):
    """Half and double precision are read as well."""
    model = blank_network()
    weights = {
        name: tuple(array.astype(kind).astype("float32") for array in arrays)
        for name, arrays in drawn_weights(model).items()
    }
    arrays = {name: a.astype(kind) for name, a in WAYS["torchvision"](weights).items()}
    load(model, arrays)
    assert_equal(model, weights)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("policy", "rtol"),
    [
        ("mixed_float16", 0),
        ("mixed_bfloat16", 0),
        ("float16", 1e-3),
        ("bfloat16", 8e-3),
        ("float64", 0),
    ],
)
def test_dtype_policies(policy, rtol, load):
    """Variables keep their own type: float32 in mixed precision, the policy's otherwise."""
    with double_precision():
        model = small_network(dtype=policy)
        weights = drawn_weights(model)
        load(model, WAYS["caffe"](weights))
        assert_equal(model, weights, rtol)
        expected = "float32" if policy.startswith("mixed") else policy
        assert {keras.backend.standardize_dtype(w.dtype) for w in model.weights} == {expected}


@pytest.mark.medium
def test_a_loaded_model_trains(load):
    """What was assigned is the model's own: a step changes it, and the file's arrays stay."""
    model = small_network()
    arrays = WAYS["keras"](drawn_weights(model))
    copies = {name: array.copy() for name, array in arrays.items()}
    load(model, arrays)
    before = weights_of(model)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).normal(size=(4, 8, 12, 3)).astype("float32")
    model.fit(x, np.arange(4), verbose=0)
    after = weights_of(model)
    assert all((before[name][0] != after[name][0]).any() for name in before)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, copies[name])


def test_one_channel_takes_the_sum(load):
    """For a grey image the summed kernels give what the colour ones give, and it is said."""
    weights = drawn_weights(blank_network())
    model = small_network(channels=1)
    loaded = load(model, WAYS["caffe"](weights), sum_colors=True)
    kernel, _ = weights_of(model)["conv1"]
    expected = weights["conv1"][0].sum(axis=2, keepdims=True)
    np.testing.assert_allclose(kernel, expected, rtol=0, atol=1e-6)
    assert loaded.changes == ("The first kernels are summed over their 3 colours.",)
    assert_equal(model, {**weights, "conv1": weights_of(model)["conv1"]})


def test_one_channel_is_not_summed_unasked(load):
    model = small_network(channels=1)
    with pytest.raises(CheckpointError, match=r"\(32, 3, 7, 7\).*pass sum_colors=True"):
        load(model, WAYS["caffe"](drawn_weights(blank_network())))


@pytest.mark.parametrize(
    ("way", "order", "reversed_", "words"),
    [
        ("caffe", "rgb", True, "reversed from BGR to RGB"),
        ("torchvision", "bgr", True, "reversed from RGB to BGR"),
        ("caffe", "bgr", False, ""),
        ("caffe", None, False, ""),
        ("torchvision", "rgb", False, ""),
    ],
)
def test_channel_order(way, order, reversed_, words, load):
    """The first kernels are reversed on request alone, and only where they differ."""
    model = blank_network()
    weights = drawn_weights(model)
    loaded = load(model, WAYS[way](weights), channel_order=order)
    kernel, bias = weights["conv1"]
    expected = kernel[:, :, [2, 1, 0]] if reversed_ else kernel
    assert_equal(model, {**weights, "conv1": (expected, bias)})
    assert words in " ".join(loaded.changes)
    assert loaded.channel_order == (order or "bgr")


def test_channel_order_must_be_known(load):
    """A file of one's own does not tell its order, unless it says it."""
    model = blank_network()
    arrays = WAYS["keras"](drawn_weights(model))
    with pytest.raises(CheckpointError, match=r"channel_order='rgb'.*does not say what order"):
        load(model, arrays, channel_order="rgb")
    loaded = load(model, arrays, {"channel_order": "bgr"}, channel_order="rgb")
    assert loaded.changes == ("The first kernels are reversed from BGR to RGB.",)


@pytest.mark.medium
def test_too_large_for_half_precision(load):
    """What overflows in the variable's type is refused, though the file's numbers are finite."""
    model = small_network(dtype="float16")
    arrays = WAYS["torchvision"](drawn_weights(model))
    arrays["features.3.bias"][2] = 70_000
    with pytest.raises(CheckpointError, match=r"features\.3\.bias.*beyond 6\.55e\+04.*of float16"):
        load(model, arrays)
