"""The columns of the table of recipes, as frozen records; what is done with them comes later."""

import dataclasses
import math

from keras_alexnet.arguments import integer
from keras_alexnet.short_repr import short_repr


@dataclasses.dataclass(frozen=True)
class Steps:
    """A number that changes in steps while training.

    Args:
        values: The numbers, in order.
        starts: When each begins to hold, the first at 0.
        unit: What the starts count: `"epochs"` done, `"iterations"` done, or `"share"` of the
            whole training, 0 to 1.
    """

    values: tuple[float, ...]
    starts: tuple[float, ...] = (0,)
    unit: str = "epochs"

    def sentence(self) -> str:
        """Say what holds when.

        >>> Steps((0.01, 0.001), (0, 0.8), "share").sentence()
        '0.01, 0.001 after 80 %'
        """
        word = {"epochs": " epochs", "iterations": " steps", "share": " %"}[self.unit]
        times = 100 if self.unit == "share" else 1
        return ", ".join(
            f"{value:.3g} after {times * start:,.6g}{word}" if start else f"{value:.3g}"
            for value, start in zip(self.values, self.starts, strict=True)
        )


@dataclasses.dataclass(frozen=True)
class Plateau:
    """A rate that is divided when the validation error stops improving.

    Args:
        value: The rate to begin with.
        factor: What it is multiplied with.
        times: How often, at most.
        patience: Epochs without improvement that are waited for.
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
        """Say what is done."""
        return (
            f"{self.value:.3g}, times {self.factor:.3g} when the validation error has not improved "
            f"for {self.patience} epochs, {self.times} times at most"
        )


@dataclasses.dataclass(frozen=True)
class Part:
    """The training of some of a network's variables.

    Args:
        pattern: Regular expression that is searched for in the path of a variable, such as
            `"conv1/kernel"`. The first of the parts whose pattern fits holds.
        factor: Times the recipe's learning rate.
        learning_rate: Steps of their own instead of the recipe's.
        weight_decay: Share of the variable that is added to its gradient.
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
        title: What it is, in a few words.
        source: Where its figures stand.
        learning_rate: The rate, of the weights and of all that has none of its own.
        parts: What sets biases, weights and single layers apart.
        momentum: Share of the velocity that is kept.
        velocity: Where the rate stands, as `CoupledSGD` takes it.
        restarts: Whether the velocity starts from 0 with each step of the rate.
        batch_size: Images per step.
        epochs: Passes over the training images.
        iterations: Training steps, where the source counts these; `epochs` is then what they
            were on ImageNet.
        held_back: Epochs trained before the fifth of the images that was kept for validation was
            folded in.
        color_noise: Strength of the colour noise.
        crop: Sides of the images and of the windows cut out of them; `None` for whole images.
        views: Windows whose outputs the published error averages: 1, 9 or 10.
        result: The published test error.
        note: What the source leaves open, and how it is filled here.
    """

    name: str
    variant: str
    title: str
    source: str
    learning_rate: Steps | Plateau
    parts: tuple[Part, ...]
    momentum: float = 0.9
    velocity: str = "with_rate"
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
        """Say how it trains.

        >>> from keras_alexnet import get_recipe
        >>> print(get_recipe("owt").sentence())
        torchvision's AlexNet: 90 epochs in batches of 256, momentum 0.9, learning rate 0.01, \
0.001 after 30 epochs, 0.0001 after 60 epochs.
        """
        return (
            f"{self.title}: {self.epochs} epochs in batches of {self.batch_size}, momentum "
            f"{self.momentum:g}, learning rate {self.learning_rate.sentence()}."
        )

    def steps_per_epoch(self, images: int) -> list[int]:
        """Return the training steps of each epoch, for so many images with those held back.

        >>> from keras_alexnet import get_recipe
        >>> get_recipe("cifar10_13pct").steps_per_epoch(50_000)[98:102]
        [313, 313, 391, 391]
        """
        images = integer("images", images, 1, "Give len(images).")
        early = math.ceil(images * 4 // 5 / self.batch_size)
        late = math.ceil(images / self.batch_size)
        return [early] * self.held_back + [late] * (self.epochs - self.held_back)
