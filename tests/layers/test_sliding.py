"""`SlidingDense`: which layers it takes, and how it is saved."""

import keras
import numpy as np
import pytest

from helpers import to_numpy
from keras_alexnet.layers.sliding import SlidingDense


@pytest.mark.medium
def test_sliding_dense_takes_dense_layers():
    """Other layers, and weights that were quantized, are refused."""
    with pytest.raises(
        ValueError, match=r"'re', a ReLU\. The layer must be a keras\.layers\.Dense"
    ):
        SlidingDense(keras.layers.ReLU(name="re"))
    dense = keras.layers.Dense(4)
    dense.build((None, 8))
    dense.quantize("int8")
    with pytest.raises(ValueError, match=r"Dense with quantized weights.*quantize a dense layer"):
        SlidingDense(dense)


def test_sliding_dense_saves_itself(tmp_path):
    """In a model of one's own it is saved with the dense layer inside, built or not."""
    inputs = keras.Input((None, None, 2))
    layer = SlidingDense(keras.layers.Dense(3, activation="relu"), (2, 3), "channels_last")
    model = keras.Model(inputs, layer(inputs))
    assert layer.layer.kernel.shape == (12, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 2)).astype("float32")
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 3), axis=(1, 2))
    flat = windows.transpose(0, 1, 2, 4, 5, 3).reshape(2, 4, 4, 12)
    expected = np.maximum(flat @ np.asarray(layer.layer.get_weights()[0]), 0)
    for each in (model, loaded):
        np.testing.assert_allclose(to_numpy(each(x)), expected, atol=1e-5)
