"""`Group`: the training of some of a model's variables."""

import dataclasses
import math
import re
from typing import Any

import keras

from keras_alexnet.arguments import number
from keras_alexnet.errors import UserError

BIAS = r"(^|/)bias$"  # fits the end of a `variable.path` such as "conv1/bias"


@keras.saving.register_keras_serializable(package="keras_alexnet")
@dataclasses.dataclass(frozen=True)
class Group:
    """The training of some variables of a model.

    Rate and decay may each be a `keras.optimizers.schedules.LearningRateSchedule`, a function of
    the step.

    Args:
        pattern: Regular expression to search for in `variable.path`, such as `"conv1/kernel"`;
            `""` fits every variable.
        factor: Multiplies the learning rate.
        learning_rate: Replaces the optimizer's learning rate; `None` keeps it.
        weight_decay: Multiplies the variable; the product is added to its gradient.

    Raises:
        UserError: (a `ValueError`) if the pattern is not a regular expression, or another argument
            not a number.

    Example:

    >>> Group("bias$", factor=2.0).fits("conv1/bias")
    True
    """

    pattern: str = ""
    factor: float = 1.0
    learning_rate: Any = None
    weight_decay: Any = 0.0

    def __post_init__(self):
        """Raise unless the pattern is a regular expression and the others are numbers."""
        try:
            re.compile(self.pattern)
        except (re.error, TypeError) as error:
            raise UserError(
                f"Received pattern={self.pattern!r}, which Python cannot compile: {error}.",
                "`pattern` must be a regular expression.",
                'Give the end of a variable\'s path, such as r"fc10/kernel$".',
            ) from error
        number("factor", self.factor, math.isfinite, "a finite number", "Leave it out for 1.")
        remedy = "Leave it out for none."
        for name in ("learning_rate", "weight_decay"):
            value = getattr(self, name)
            if not callable(value) and not (name == "learning_rate" and value is None):
                number(name, value, math.isfinite, "a finite number or a schedule", remedy)

    def fits(self, path: str) -> bool:
        """Return whether a variable with this path belongs to the group."""
        return re.search(self.pattern, path) is not None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Group":
        """Return the group of a config, with its schedules."""
        made = keras.saving.deserialize_keras_object
        return cls(**{k: made(v) if isinstance(v, dict) else v for k, v in config.items()})
