"""The recipes: how each published network was trained, by name."""

from __future__ import annotations

from keras_alexnet.names import known_name, unknown_name
from keras_alexnet.recipes.recipe import Recipe
from keras_alexnet.recipes.table import RECIPES
from keras_alexnet.type_aliases import RecipeName


def list_recipes() -> list[str]:
    """Return the names of all recipes, the paper's first.

    Example:

    >>> list_recipes()[:3]
    ['paper', 'source2012', 'bvlc']
    """
    return list(RECIPES)


def get_recipe(name: RecipeName) -> Recipe:
    """Return the frozen record of how a published network was trained.

    Args:
        name: A name from `list_recipes`, in any spelling that `get_variant` takes.

    Raises:
        UserError: (a `ValueError`) if there is no such recipe.

    Example:

    >>> recipe = get_recipe("cifar10_80sec")
    >>> recipe.learning_rate, recipe.epochs
    (Steps(values=(0.001, 0.0001), starts=(0, 8), unit='epochs'), 10)
    """
    known = known_name(name, RECIPES)
    if known is not None:
        return RECIPES[known]
    raise unknown_name("recipe", name, RECIPES)


__all__ = ["Recipe", "get_recipe", "list_recipes"]
