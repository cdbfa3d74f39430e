"""The columns of the table of recipes, as frozen records."""

import dataclasses
import math

from keras_alexnet.arguments import integer
from keras_alexnet.errors import amount
from keras_alexnet.short_repr import short_repr
from keras_alexnet.type_aliases import Velocity


@dataclasses.dataclass(frozen=True)
class Steps:
    """A number that changes in steps while training.

    Args:
        values: The numbers, in order.
        starts: When each begins, the first at 0.
        unit: The unit of the starts: `"epochs"` or `"iterations"` that are done, or `"share"`, the
            part of the whole training that is done, 0 to 1.
    """

    values: tuple[float, ...]
    starts: tuple[float, ...] = (0,)
    unit: str = "epochs"

    def sentence(self) -> str:
        """Return the values and their starts in words.

        >>> Steps((0.01, 0.001), (0, 6 / 7), "share").sentence()
        '0.01, 0.001 after 85.7 %'
        """
        word = {"epochs": " epochs", "iterations": " steps", "share": " %"}[self.unit]
        times, digits = (100, 3) if self.unit == "share" else (1, 6)
        return ", ".join(
            f"{value:.3g} after {times * start:,.{digits}g}{word}" if start else f"{value:.3g}"
            for value, start in zip(self.values, self.starts, strict=True)
        )


@dataclasses.dataclass(frozen=True)
class Plateau:
    """A rate that falls when the validation error stops improving.

    Args:
        value: The initial rate.
        factor: Multiplies the rate at each reduction.
        times: The largest number of reductions.
        patience: Number of epochs without improvement before a reduction.
    """

    value: float
    factor: float = 0.1
    times: int = 3
    patience: int = 5

    @property
    def values(self) -> tuple[float, ...]:
        """All rates in turn."""
        return tuple(self.value * self.factor**time for time in range(self.times + 1))

    def sentence(self) -> str:
        """Return the rule in words."""
        return (
            f"{self.value:.3g}, times {self.factor:.3g} when the validation error has not improved "
            f"for {self.patience} epochs, {self.times} times at most"
        )


@dataclasses.dataclass(frozen=True)
class Part:
    """The training of some of a network's variables.

    Args:
        pattern: Regular expression to search for in the path of a variable, such as
            `"conv1/kernel"`. A variable belongs to the first part whose pattern fits.
        factor: Multiplies the recipe's learning rate.
        learning_rate: Replaces the recipe's learning rate; `None` keeps it.
        weight_decay: Multiplies the variable; the product is added to its gradient.
    """

    pattern: str = ""
    factor: float = 1.0
    learning_rate: Steps | None = None
    weight_decay: Steps = Steps((0.0,))


@dataclasses.dataclass(frozen=True)
class RecipeRow:
    """A row of the table of recipes: how a published network was trained.

    Args:
        name: The name that `get_recipe` takes.
        variant: The network that was trained so.
        title: A description of the network in a few words.
        source: The document that has the figures.
        learning_rate: The rate of all variables that have none of their own.
        parts: The rates and decays of biases, weights and single layers.
        momentum: The factor by which each step multiplies the velocity.
        velocity: The rule of the step, as `CoupledSGD` takes it.
        restarts: Whether the velocity starts from 0 with each step of the rate.
        batch_size: Images per step.
        epochs: Passes over the training images.
        iterations: Training steps, if the source counts these; `epochs` is then their equivalent
            on ImageNet.
        held_back: Number of epochs at the beginning that leave out the fifth of the images that
            was kept for validation.
        color_noise: Strength of the colour noise.
        crop: Sides of the images and of the windows cut out of them; `None` for whole images.
        views: Number of windows whose outputs the published error averages: 1, 9 or 10.
        result: The published test error.
        note: The facts that the source leaves open, and the choices of this package.
    """

    name: str
    variant: str
    title: str
    source: str
    learning_rate: Steps | Plateau
    parts: tuple[Part, ...]
    momentum: float = 0.9
    velocity: Velocity = "with_rate"
    restarts: bool = False
    batch_size: int = 128
    epochs: int = 90
    iterations: int | None = None
    held_back: int = 0
    color_noise: Steps = Steps((0.0,))
    crop: tuple[int, int] | None = (256, 224)
    views: int = 1
    result: str = ""
    note: str = ""

    __repr__ = short_repr("name", "variant", "epochs")

    def sentence(self) -> str:
        """Return the recipe in a sentence.

        >>> from keras_alexnet import get_recipe
        >>> import textwrap
        >>> print(textwrap.fill(get_recipe("owt").sentence(), 80))
        torchvision's AlexNet: 90 epochs in batches of 256, momentum 0.9, learning rate
        0.01, 0.001 after 30 epochs, 0.0001 after 60 epochs.
        """
        return (
            f"{self.title}: {amount(self.epochs, 'epoch')} in batches of {self.batch_size}, "
            f"momentum {self.momentum:g}, learning rate {self.learning_rate.sentence()}."
        )

    def steps_per_epoch(self, images: int) -> list[int]:
        """Return the training steps of each epoch for a number of images, those held back included.

        >>> from keras_alexnet import get_recipe
        >>> get_recipe("cifar10_13pct").steps_per_epoch(50_000)[98:102]
        [313, 313, 391, 391]
        """
        images = integer("images", images, 1, "Give len(images).")
        early = math.ceil(images * 4 // 5 / self.batch_size)
        late = math.ceil(images / self.batch_size)
        return [early] * self.held_back + [late] * (self.epochs - self.held_back)
