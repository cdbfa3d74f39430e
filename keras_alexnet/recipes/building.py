"""The optimizer and the callbacks of a recipe."""

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
    """Return the optimizer of a recipe: see `Recipe.optimizer`."""
    schedules = _Schedules(recipe, steps_per_epoch)
    groups = [
        Group(
            part.pattern,
            part.factor,
            part.learning_rate and schedules.of(part.learning_rate),
            schedules.of(part.weight_decay),
        )
        for part in recipe.parts
    ]
    rate = schedules.of(recipe.learning_rate)
    return CoupledSGD(rate, schedules.momentum(), groups, recipe.velocity, recipe.name, **kwargs)


def recipe_callbacks(recipe: RecipeRow) -> list[keras.callbacks.Callback]:
    """Return the callbacks of a recipe: see `Recipe.callbacks`."""
    callbacks: list[keras.callbacks.Callback] = []
    rate = recipe.learning_rate
    if isinstance(rate, Plateau):
        callbacks.append(
            ReduceOnPlateau(factor=rate.factor, times=rate.times, patience=rate.patience)
        )
    if len(recipe.color_noise.values) > 1:
        callbacks.append(ColorNoiseSteps(recipe.color_noise, recipe.epochs))
    return callbacks


class _Schedules:
    """The schedules of a recipe by training steps."""

    def __init__(self, recipe: RecipeRow, steps_per_epoch: int | Sequence[int] | None):
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch

    def of(self, rate: Steps | Plateau):
        """Return the initial number of a rate, or its schedule if the optimizer changes it."""
        if isinstance(rate, Plateau) or len(rate.values) == 1:
            return rate.values[0]
        # Keras's boundaries are the last iterations, counted from 0, of the values before them.
        boundaries = [start - 1 for start in self._changes(rate)]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, list(rate.values))

    def momentum(self):
        """Return the momentum; if the recipe restarts, it is 0 in the first step of each rate."""
        momentum, rate = self.recipe.momentum, self.recipe.learning_rate
        if not (self.recipe.restarts and isinstance(rate, Steps)):
            return momentum
        changes = self._changes(rate)
        boundaries = [boundary for start in changes for boundary in (start - 1, start)]
        values = [momentum, *([0.0, momentum] * len(changes))]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)

    def _changes(self, rate: Steps) -> list[int]:
        """Return the training steps, counted from 0, at which a rate changes."""
        if rate.unit == "iterations":
            return [round(start) for start in rate.starts[1:]]
        steps = [0, *itertools.accumulate(self._steps())]
        if rate.unit == "share":
            return [round(start * steps[-1]) for start in rate.starts[1:]]
        return [steps[min(round(start), len(steps) - 1)] for start in rate.starts[1:]]

    def _steps(self) -> list[int]:
        """Return the training steps of each epoch."""
        given = self.steps_per_epoch
        remedy = "Give len(data), or recipe.steps_per_epoch(images)."
        steps = given if isinstance(given, list | tuple) else [given] * self.recipe.epochs
        if given is not None and len(steps):
            return [integer("steps_per_epoch", number, 1, remedy) for number in steps]
        raise UserError(
            f"Received steps_per_epoch={given!r} for the recipe {self.recipe.name!r}.",
            "`steps_per_epoch` must be a positive integer, or a list of them: the recipe changes "
            "its rate by epochs.",
            remedy,
        )
