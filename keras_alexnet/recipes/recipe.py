"""`Recipe`: a row of the table of recipes, with its optimizer and callbacks."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from keras_alexnet.arguments import integer
from keras_alexnet.recipes.records import Plateau, RecipeRow, Steps

if TYPE_CHECKING:  # it needs Keras, and the names of the recipes do not
    from keras_alexnet.recipes.coupled_sgd import CoupledSGD


@dataclasses.dataclass(frozen=True, repr=False)
class Recipe(RecipeRow):
    """How a published network was trained: the fields are those of `RecipeRow`.

    Example:

    >>> from keras_alexnet import get_recipe
    >>> get_recipe("cifar10_80sec").scaled(0.01).learning_rate.values[0]
    0.01
    """

    def optimizer(
        self, steps_per_epoch: int | Sequence[int] | None = None, **kwargs: Any
    ) -> "CoupledSGD":
        """Return the recipe's optimizer, for `compile`.

        Its schedules count training steps. The optimizer's state holds that count, so a run that
        was stopped continues at the right step.

        Args:
            steps_per_epoch: Training steps of every epoch, `len(data)`, or a list with those of
                each, as `steps_per_epoch(images)` returns it. Needed if the recipe counts epochs.
            **kwargs: The arguments of `keras.optimizers.Optimizer`, such as `clipnorm`.

        Returns:
            A `CoupledSGD`.

        Raises:
            UserError: (a `ValueError`) if the steps are needed and not given, or are no positive
                integers.

        Example:

        >>> from keras_alexnet import get_recipe
        >>> recipe = get_recipe("cifar10_80sec")
        >>> optimizer = recipe.optimizer(recipe.steps_per_epoch(50_000))
        >>> optimizer.get_config()["learning_rate"]["config"]["boundaries"]  # 8 epochs of 391 steps
        [3127]
        """
        from keras_alexnet.recipes.building import recipe_optimizer  # alone in needing Keras

        return recipe_optimizer(self, steps_per_epoch, **kwargs)

    def callbacks(self) -> list:
        """Return the callbacks that `fit` needs beside the optimizer; most recipes need none.

        They are `ReduceOnPlateau` for a rate that follows the validation error, and one for colour
        noise that ends before the training does.

        Example:

        >>> from keras_alexnet import get_recipe
        >>> [type(callback).__name__ for callback in get_recipe("paper").callbacks()]
        ['ReduceOnPlateau']
        """
        from keras_alexnet.recipes.building import recipe_callbacks

        return recipe_callbacks(self)

    def scaled(self, learning_rate: float) -> Self:
        """Return the recipe with another initial rate, and all its rates in proportion.

        Example:

        >>> from keras_alexnet import get_recipe
        >>> get_recipe("bvlc").scaled(0.02).learning_rate.values[:2]
        (0.02, 0.002)
        """
        first = self.learning_rate.values[0]

        def scale(rate):
            if isinstance(rate, Plateau):
                return dataclasses.replace(rate, value=rate.value * learning_rate / first)
            values = tuple(value * learning_rate / first for value in rate.values)
            return dataclasses.replace(rate, values=values)

        parts = tuple(
            dataclasses.replace(
                part, learning_rate=part.learning_rate and scale(part.learning_rate)
            )
            for part in self.parts
        )
        return dataclasses.replace(self, learning_rate=scale(self.learning_rate), parts=parts)

    def stretched(self, epochs: int) -> Self:
        """Return the recipe for another number of epochs, its steps at the same shares of them.

        Example:

        >>> from keras_alexnet import get_recipe
        >>> get_recipe("cifar10_80sec").stretched(20).learning_rate
        Steps(values=(0.001, 0.0001), starts=(0.0, 0.8), unit='share')
        """
        epochs = integer("epochs", epochs, 1, "Give the number of epochs to train for.")
        whole = {"epochs": self.epochs, "iterations": self.iterations, "share": 1}

        def stretch(rate):
            if isinstance(rate, Plateau):
                patience = max(1, round(rate.patience * epochs / self.epochs))
                return dataclasses.replace(rate, patience=patience)
            starts = tuple(start / whole[rate.unit] for start in rate.starts)
            return Steps(rate.values, starts, "share")

        parts = tuple(
            dataclasses.replace(
                part,
                learning_rate=part.learning_rate and stretch(part.learning_rate),
                weight_decay=stretch(part.weight_decay),
            )
            for part in self.parts
        )
        return dataclasses.replace(
            self,
            epochs=epochs,
            iterations=None,
            held_back=round(self.held_back * epochs / self.epochs),
            learning_rate=stretch(self.learning_rate),
            parts=parts,
            color_noise=stretch(self.color_noise),
        )

    def moves(self, epochs: int, others: int) -> bool:
        """Return whether a schedule steps after other epochs if `epochs` becomes `others`.

        Example:

        >>> from keras_alexnet import get_recipe
        >>> get_recipe("owt").moves(10, 20), get_recipe("owt").moves(10, 10)
        (True, False)
        """
        return self._epochs_of_steps(epochs) != self._epochs_of_steps(others)

    def _epochs_of_steps(self, epochs: int) -> list[list[float]]:
        """Return for each schedule the epochs at which it steps, or its patience."""
        recipe = self.stretched(epochs)
        schedules = [recipe.learning_rate, recipe.color_noise]
        for part in recipe.parts:
            schedules += [*filter(None, [part.learning_rate]), part.weight_decay]
        return [
            [rate.patience] if isinstance(rate, Plateau) else [x * epochs for x in rate.starts]
            for rate in schedules
        ]
