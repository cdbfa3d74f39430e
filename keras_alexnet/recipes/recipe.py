"""`Recipe`: a row of the table of recipes, and what `compile` and `fit` need of it."""

import dataclasses
from collections.abc import Sequence
from typing import Self

from keras_alexnet.recipes.adapting import scaled, steps_after, stretched
from keras_alexnet.recipes.records import RecipeRow


@dataclasses.dataclass(frozen=True, repr=False)
class Recipe(RecipeRow):
    """How a published network was trained: the fields are those of `RecipeRow`.

    Example:

    >>> from keras_alexnet import get_recipe
    >>> get_recipe("cifar10_80sec").scaled(0.01).learning_rate.values[0]
    0.01
    """

    def optimizer(self, steps_per_epoch: int | Sequence[int] | None = None, **kwargs):
        """Return the recipe's optimizer, for `compile`; its schedules are in its state.

        Args:
            steps_per_epoch: Training steps of every epoch, `len(data)`, or a list with those of
                each; needed where the recipe counts epochs.
            **kwargs: The arguments of `keras.optimizers.Optimizer`, such as `clipnorm`.

        Returns:
            A `CoupledSGD`.

        Raises:
            UserError: (a `ValueError`) if the steps are needed and not given, or are no steps.
        """
        from keras_alexnet.recipes.building import recipe_optimizer  # alone in needing Keras

        return recipe_optimizer(self, steps_per_epoch, **kwargs)

    def callbacks(self) -> list:
        """Return what `fit` needs beside the optimizer, often nothing.

        That is `ReduceOnPlateau` for a rate that follows the validation error, and a callback for
        colour noise that ends before the training does.
        """
        from keras_alexnet.recipes.building import recipe_callbacks

        return recipe_callbacks(self)

    def scaled(self, learning_rate: float) -> Self:
        """Return the recipe with another rate to begin with, and all its rates in proportion."""
        return scaled(self, learning_rate)

    def stretched(self, epochs: int) -> Self:
        """Return the recipe for another number of epochs, its steps at the same shares of them."""
        return stretched(self, epochs)

    def moves(self, epochs: int, others: int) -> bool:
        """Return whether a schedule steps after other epochs if `epochs` becomes `others`.

        >>> from keras_alexnet import get_recipe
        >>> get_recipe("owt").moves(10, 20), get_recipe("owt").moves(10, 10)
        (True, False)
        """
        return steps_after(self, epochs) != steps_after(self, others)
