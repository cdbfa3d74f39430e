"""Recipes end their colour noise after a number of epochs."""

import keras
import numpy as np
import pytest

from keras_alexnet import PCAColorNoise, get_recipe
from keras_alexnet.recipes.color_noise import ColorNoiseSteps
from keras_alexnet.recipes.records import Steps


@pytest.mark.medium
@pytest.mark.parametrize("nested", [False, True])
def test_colour_noise_ends_in_the_middle_of_training(nested):
    """Black images have a loss as long as there is noise, in the compiled step as well."""
    noise = PCAColorNoise(0.1, "lighting", seed=1, data_format="channels_last")
    first = keras.Sequential([keras.Input((2, 2, 3)), noise]) if nested else noise
    model = keras.Sequential(
        [
            keras.Input((2, 2, 3)),
            first,
            keras.layers.GlobalAveragePooling2D(data_format="channels_last"),
            keras.layers.Dense(3, kernel_initializer="identity", use_bias=False),
        ]
    )
    model.compile(keras.optimizers.SGD(0.0), "mse")
    steps = ColorNoiseSteps(Steps((0.1, 0.02, 0.0), (0, 0.5, 0.75), "share"), epochs=4)
    x, y = np.zeros((64, 2, 2, 3)), np.zeros((64, 3))
    losses = model.fit(x, y, epochs=4, verbose=0, callbacks=[steps]).history["loss"]
    assert losses[0] / losses[2] == pytest.approx(25, rel=0.5)
    assert losses[1] / losses[2] == pytest.approx(25, rel=0.5)
    assert losses[3] == 0


def test_the_noise_of_2012_ends_after_67_epochs():
    (callback,) = get_recipe("source2012").callbacks()
    assert [callback.strength(epoch) for epoch in (0, 66, 67, 90)] == [0.1, 0.1, 0.0, 0.0]
    (callback,) = get_recipe("source2012").stretched(10).callbacks()
    assert [callback.strength(epoch) for epoch in (7, 8)] == [0.1, 0.0]


def test_most_recipes_need_no_callback():
    assert get_recipe("cifar10_18pct").callbacks() == []
