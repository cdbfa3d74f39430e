"""Batches that the devices do not divide: padding changes no loss, gradient, metric or mean."""

import keras
import numpy as np
import pytest

import processes
from keras_alexnet.data.batch_reader import ArrayReader
from keras_alexnet.data.sequence import FileSequence
from keras_alexnet.errors import UserError
from keras_alexnet.training import padding
from keras_alexnet.training.padding import PaddedLoss, pad_batches

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(19, 5)).astype("float32"), RNG.integers(0, 3, 19).astype("int32")


def compiled(loss="sparse_categorical_crossentropy"):
    """Return a small network with penalties, whose gradients a step of SGD shows."""
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense(3, "softmax", kernel_regularizer=keras.regularizers.L2(0.1))
    model = keras.Sequential([keras.Input((5,)), dense])
    model.compile(keras.optimizers.SGD(0.5), PaddedLoss(loss), weighted_metrics=["accuracy"])
    return model


def as_tensorflow(batch_size):
    """Return the images as a `tf.data.Dataset`."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(batch_size)


def as_arrays(batch_size):
    """Return the images as a `PyDataset`."""
    return FileSequence(ArrayReader(X, Y), batch_size)


def trained(data, loss="sparse_categorical_crossentropy"):
    """Return the figures of an epoch and of an evaluation, and the weights after them."""
    model = compiled(loss)
    history = model.fit(data, shuffle=False, verbose=0, validation_data=data).history
    measured = model.evaluate(data, verbose=0, return_dict=True)
    return {**history, **measured}, model.get_weights()


@pytest.mark.long
@pytest.mark.parametrize(("made", "batch_size"), [(as_tensorflow, 6), (as_arrays, 8)])
def test_padding_changes_no_number(made, batch_size, monkeypatch):
    """Four devices divide 8 and not the last batch of 3, nor any batch of 6.

    Without `PaddedLoss`, the steps of padded batches are too short.
    """
    plain, weights = trained(made(batch_size))
    monkeypatch.setattr(padding, "batch_shards", lambda: 4)
    data = pad_batches(made(batch_size), len(X), batch_size)
    assert [len(batch[2]) % 4 for batch in data] == [0] * len(data)
    figures, others = trained(data)
    assert figures.keys() == plain.keys() >= {"loss", "val_loss", "accuracy", "val_accuracy"}
    for name, values in plain.items():
        np.testing.assert_allclose(figures[name], values, rtol=2e-5, err_msg=name)
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


@pytest.mark.parametrize("made", [as_tensorflow, as_arrays])
def test_what_is_padded(made, monkeypatch):
    """Copies of the last image, of weight 0; all others weigh the same, and N in the mean."""
    monkeypatch.setattr(padding, "batch_shards", lambda: 4)
    batches = [[np.asarray(part) for part in batch] for batch in pad_batches(made(8), 19, 8)]
    images, labels, weights = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    np.testing.assert_array_equal(images, [*X, X[-1]])
    np.testing.assert_array_equal(labels, [*Y, Y[-1]])
    np.testing.assert_allclose(weights, [20 / 19] * 19 + [0], rtol=1e-6)
    monkeypatch.setattr(padding, "batch_shards", lambda: 1)
    whole = made(8)
    assert pad_batches(whole, 19, 8) is whole


@pytest.mark.eager
def test_padded_loss_is_saved_with_its_model(tmp_path):
    """A model is loaded with the loss that it was compiled with, a function or an object."""
    for loss in ("sparse_categorical_crossentropy", keras.losses.SparseCategoricalCrossentropy()):
        model = compiled(loss)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        expected, found = (one.evaluate(X, Y, verbose=0) for one in (model, loaded))
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            lambda: (X, Y),
            "Received data of type tuple to pad for 4 devices.*must be a tf.data.Dataset",
        ),
        (
            lambda: as_tensorflow(8).map(lambda x, y: (x, y, y)),
            "batches of 3 arrays.*a pair of images",
        ),
    ],
)
def test_what_cannot_be_padded(data, message, monkeypatch):
    """Other data, and batches with weights of their own, are refused before the first step."""
    monkeypatch.setattr(padding, "batch_shards", lambda: 4)
    with pytest.raises(UserError, match=message):
        pad_batches(data(), 19, 8)


# Figures of `fit` and `evaluate` on eight devices beside those of one.
PROGRAM = """
import os, sys
import keras, numpy as np
sys.path.insert(0, os.path.dirname(sys.argv[1]))
from test_padding import as_tensorflow, trained
from keras_alexnet.training.padding import batch_shards, pad_batches

assert batch_shards() == 1
expected, weights = trained(as_tensorflow(8))
keras.distribution.set_distribution(keras.distribution.DataParallel())
assert batch_shards() == 8
figures, others = trained(pad_batches(as_tensorflow(8), 19, 8))
for name, values in expected.items():
    np.testing.assert_allclose(figures[name], values, rtol=2e-5, err_msg=name)
for one, other in zip(weights, others):
    np.testing.assert_allclose(one, other, atol=2e-6)
"""


if keras.backend.backend() == "jax":  # the one backend that divides batches

    @pytest.mark.long
    def test_eight_devices():
        """`fit` and `evaluate` give what one device gives."""
        eight = processes.eight_devices()
        code, _, errors = processes.run("-c", PROGRAM, __file__, environment=eight)
        assert code == 0, errors
