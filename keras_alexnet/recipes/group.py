"""Groups of a model's variables that are trained differently."""

import dataclasses
import re
from typing import Any

import keras

from keras_alexnet.errors import UserError

BIAS = r"(^|/)bias$"  # the ends of `variable.path`: "conv1/bias"


@keras.saving.register_keras_serializable(package="keras_alexnet")
@dataclasses.dataclass(frozen=True)
class Group:
    """The training of some variables of a model.

    A number may be a `keras.optimizers.schedules.LearningRateSchedule`, a function of the step.

    Args:
        pattern: Regular expression that is searched for in `variable.path`, such as
            `"conv1/kernel"`; `""` fits every variable.
        factor: Times the optimizer's learning rate.
        learning_rate: A rate of their own instead, which `factor` multiplies too.
        weight_decay: Share of the variable that is added to its gradient.

    Raises:
        UserError: (a `ValueError`) if the pattern is not a regular expression.

    Example:

    >>> Group(BIAS, factor=2.0).fits("conv1/bias")
    True
    """

    pattern: str = ""
    factor: float = 1.0
    learning_rate: Any = None
    weight_decay: Any = 0.0

    def __post_init__(self):
        """Refuse patterns that cannot be searched for."""
        try:
            re.compile(self.pattern)
        except (re.error, TypeError) as error:
            raise UserError(
                f"Received pattern={self.pattern!r}: {error}.",
                "A regular expression was expected.",
                'Give the end of a variable\'s path, r"fc10/kernel$" say.',
            ) from error

    def fits(self, path: str) -> bool:
        """Return whether a variable with this path belongs to the group."""
        return re.search(self.pattern, path) is not None

    def get_config(self) -> dict:
        """Return the arguments of the constructor."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_config(cls, config: dict) -> "Group":
        """Return the group of a config, with its schedules made again."""
        return cls(**{name: _made(value) for name, value in config.items()})


def _made(value):
    if isinstance(value, dict):
        return keras.saving.deserialize_keras_object(value)
    return value
