"""From a recipe to what `compile` and `fit` take."""

import itertools
from collections.abc import Sequence

import keras

from keras_alexnet.arguments import integer
from keras_alexnet.errors import UserError
from keras_alexnet.recipes.color_noise import ColorNoiseSteps
from keras_alexnet.recipes.coupled_sgd import CoupledSGD
from keras_alexnet.recipes.group import Group
from keras_alexnet.recipes.plateau import ReduceOnPlateau
from keras_alexnet.recipes.records import Plateau, RecipeRow, Steps


def recipe_optimizer(recipe: RecipeRow, steps_per_epoch=None, **kwargs) -> CoupledSGD:
    """Return the optimizer of a recipe.

    Its schedules count training steps, which the optimizer's state holds: a run that is stopped
    and goes on does so in the right place.

    Args:
        recipe: What `get_recipe` gives.
        steps_per_epoch: Training steps of each epoch, one number for all or a list, as
            `recipe.steps_per_epoch(images)` gives it. Not needed where the recipe counts none.
        **kwargs: The arguments of `keras.optimizers.Optimizer`, such as `clipnorm`.

    Raises:
        UserError: (a `ValueError`) if the steps are needed and not given, or are no steps.

    Example:

    >>> from keras_alexnet import AlexNet, get_recipe
    >>> recipe = get_recipe("cifar10_80sec")
    >>> optimizer = recipe_optimizer(recipe, recipe.steps_per_epoch(50_000))
    >>> optimizer.get_config()["learning_rate"]["config"]["boundaries"]  # 8 epochs of 391 steps
    [3127]
    """
    clock = _Clock(recipe, steps_per_epoch)
    groups = [
        Group(
            part.pattern,
            part.factor,
            None if part.learning_rate is None else clock.schedule(part.learning_rate),
            clock.schedule(part.weight_decay),
        )
        for part in recipe.parts
    ]
    rate = clock.schedule(recipe.learning_rate)
    return CoupledSGD(rate, clock.momentum(), groups, recipe.velocity, recipe.name, **kwargs)


def recipe_callbacks(recipe: RecipeRow) -> list[keras.callbacks.Callback]:
    """Return what a recipe needs in `fit` beside its optimizer: often nothing.

    Example:

    >>> from keras_alexnet import get_recipe
    >>> [type(callback).__name__ for callback in recipe_callbacks(get_recipe("paper"))]
    ['ReduceOnPlateau']
    """
    callbacks: list[keras.callbacks.Callback] = []
    rate = recipe.learning_rate
    if isinstance(rate, Plateau):
        callbacks.append(
            ReduceOnPlateau(factor=rate.factor, times=rate.times, patience=rate.patience)
        )
    if len(recipe.color_noise.values) > 1:
        callbacks.append(ColorNoiseSteps(recipe.color_noise, recipe.epochs))
    return callbacks


class _Clock:
    """Turns the times of a recipe into numbers of training steps."""

    def __init__(self, recipe: RecipeRow, steps_per_epoch: int | Sequence[int] | None):
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch

    def schedule(self, rate: Steps | Plateau):
        """Return the number that training begins with, or its schedule by iterations."""
        if isinstance(rate, Plateau) or len(rate.values) == 1:
            return rate.values[0]
        # Keras's boundaries are the last iterations, counted from 0, of the values before them.
        boundaries = [start - 1 for start in self._changes(rate)]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, list(rate.values))

    def momentum(self):
        """Return the momentum, of 0 in the first iteration of each rate where it starts anew."""
        momentum, rate = self.recipe.momentum, self.recipe.learning_rate
        if not (self.recipe.restarts and isinstance(rate, Steps)):
            return momentum
        changes = self._changes(rate)
        boundaries = [boundary for start in changes for boundary in (start - 1, start)]
        values = [momentum, *([0.0, momentum] * len(changes))]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)

    def _changes(self, rate: Steps) -> list[int]:
        return [self._iteration(start, rate.unit) for start in rate.starts[1:]]

    def _iteration(self, start: float, unit: str) -> int:
        """Return the number of the training step, from 0, at which something starts."""
        if unit == "iterations":
            return round(start)
        steps = [0, *itertools.accumulate(self._steps())]
        if unit == "share":
            return round(start * steps[-1])
        return steps[min(round(start), len(steps) - 1)]

    def _steps(self) -> list[int]:
        given = self.steps_per_epoch
        remedy = "Give len(data), or recipe.steps_per_epoch(images)."
        steps = given if isinstance(given, list | tuple) else [given] * self.recipe.epochs
        if given is not None and len(steps):
            return [integer("steps_per_epoch", number, 1, remedy) for number in steps]
        raise UserError(
            f"Received steps_per_epoch={given!r}.",
            f"The recipe {self.recipe.name!r} changes its rate by epochs and needs to know "
            "how many training steps they have.",
            remedy,
        )
