"""Recipes with another rate or fewer epochs: their proportions stay."""

import pytest

from keras_alexnet import get_recipe


@pytest.mark.backend_free
def test_a_recipe_with_another_rate_keeps_its_proportions():
    """Rates of layers and biases of their own as well."""
    recipe = get_recipe("source2012").scaled(0.001)
    assert recipe.learning_rate.values == pytest.approx((1e-3, 1e-4, 1e-5, 1e-6))
    conv1 = recipe.parts[1].learning_rate
    assert conv1.values == pytest.approx((1e-3, 1e-4, 1e-5, 1e-6, 0))
    assert recipe.parts[2].learning_rate.values == pytest.approx((2e-3,))
    assert recipe.parts[3] == get_recipe("source2012").parts[3]
    assert get_recipe("paper").scaled(1.0).learning_rate.values == pytest.approx(
        (1, 0.1, 0.01, 1e-3)
    )


@pytest.mark.parametrize(
    ("name", "boundaries"),
    [
        ("bvlc", [21, 43, 66, 88]),  # of 100 steps: 10 epochs are 100,000 / 450,000 four times
        ("cifar10_18pct", [85, 92]),
        ("cuda_convnet2", [24, 49, 74]),
    ],
)
def test_a_recipe_for_fewer_epochs_keeps_its_proportions(name, boundaries):
    """The steps come at the same shares of the training."""
    recipe = get_recipe(name).stretched(10)
    config = recipe.optimizer(10).get_config()
    assert config["learning_rate"]["config"]["boundaries"] == boundaries
    assert (recipe.epochs, recipe.iterations) == (10, None)


def test_epochs_of_different_lengths():
    """The CIFAR-10 networks train on four fifths first: the rate falls by the steps done."""
    recipe = get_recipe("cifar10_13pct")
    config = recipe.optimizer(recipe.steps_per_epoch(50_000)).get_config()
    after_140 = 100 * 313 + 40 * 391
    boundaries = [after_140 - 1, after_140 + 10 * 391 - 1]
    assert config["learning_rate"]["config"]["boundaries"] == boundaries
