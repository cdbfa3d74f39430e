"""A recipe with another rate or length, all else in proportion."""

import dataclasses
from typing import TypeVar

from keras_alexnet.arguments import integer
from keras_alexnet.recipes.records import Plateau, RecipeRow, Steps

Row = TypeVar("Row", bound=RecipeRow)


def scaled(recipe: Row, learning_rate: float) -> Row:
    """Return a recipe that begins with another learning rate, and has all others in proportion.

    >>> from keras_alexnet import get_recipe
    >>> scaled(get_recipe("bvlc"), 0.02).learning_rate.values[:2]
    (0.02, 0.002)
    """
    first = recipe.learning_rate.values[0]

    def rate(steps):
        if isinstance(steps, Plateau):
            return dataclasses.replace(steps, value=steps.value * learning_rate / first)
        values = tuple(value * learning_rate / first for value in steps.values)
        return dataclasses.replace(steps, values=values)

    parts = tuple(
        part
        if part.learning_rate is None
        else dataclasses.replace(part, learning_rate=rate(part.learning_rate))
        for part in recipe.parts
    )
    return dataclasses.replace(recipe, learning_rate=rate(recipe.learning_rate), parts=parts)


def stretched(recipe: Row, epochs: int) -> Row:
    """Return a recipe for another number of epochs, with its steps at the same shares of them.

    >>> from keras_alexnet import get_recipe
    >>> stretched(get_recipe("cifar10_80sec"), 20).learning_rate
    Steps(values=(0.001, 0.0001), starts=(0.0, 0.8), unit='share')
    """
    epochs = integer("epochs", epochs, 1, "Give the number of epochs to train for.")
    whole = {"epochs": recipe.epochs, "iterations": recipe.iterations, "share": 1}

    def shares(steps):
        if isinstance(steps, Plateau):
            patience = max(1, round(steps.patience * epochs / recipe.epochs))
            return dataclasses.replace(steps, patience=patience)
        starts = tuple(start / whole[steps.unit] for start in steps.starts)
        return Steps(steps.values, starts, "share")

    parts = tuple(
        dataclasses.replace(
            part,
            learning_rate=None if part.learning_rate is None else shares(part.learning_rate),
            weight_decay=shares(part.weight_decay),
        )
        for part in recipe.parts
    )
    return dataclasses.replace(
        recipe,
        epochs=epochs,
        iterations=None,
        held_back=round(recipe.held_back * epochs / recipe.epochs),
        learning_rate=shares(recipe.learning_rate),
        parts=parts,
        color_noise=shares(recipe.color_noise),
    )


def steps_after(recipe: RecipeRow, epochs: int) -> list[list[float]]:
    """Return, for each schedule, the numbers of epochs after which it steps in such a training.

    A rate that follows the validation error has its patience instead.

    >>> from keras_alexnet import get_recipe
    >>> steps_after(get_recipe("cifar10_80sec"), 20)[0]
    [0.0, 16.0]
    """
    recipe = stretched(recipe, epochs)
    parts = (steps for part in recipe.parts for steps in (part.learning_rate, part.weight_decay))
    return [
        [steps.patience] if isinstance(steps, Plateau) else [x * epochs for x in steps.starts]
        for steps in (recipe.learning_rate, recipe.color_noise, *parts)
        if steps is not None
    ]
