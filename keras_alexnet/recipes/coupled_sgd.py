"""`CoupledSGD`: stochastic gradient descent as the papers of 2012 wrote it."""

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from keras_alexnet.arguments import choice, number
from keras_alexnet.errors import UserError
from keras_alexnet.operations.optimizer import descend
from keras_alexnet.recipes.group import BIAS, Group
from keras_alexnet.short_repr import short_repr
from keras_alexnet.type_aliases import Tensor, Velocity

Schedule = keras.optimizers.schedules.LearningRateSchedule
VELOCITIES = ("with_rate", "without_rate")
GROUPS_2012 = (Group(BIAS, factor=2.0), Group(weight_decay=5e-4))


@keras.saving.register_keras_serializable(package="keras_alexnet")
class CoupledSGD(keras.optimizers.Optimizer):
    """Gradient descent with momentum, weight decay in the gradient, and rates by group.

    With the gradient g of the mean loss, the rate e and the decay d of a variable w, and its
    velocity v, which starts at 0, one step is

        v <- momentum * v - e * (g + d * w),    w <- w + v    velocity="with_rate"
        v <- momentum * v + g + d * w,      w <- w - e * v    velocity="without_rate"

    "with_rate" is the rule of the 2012 paper (section 5), of cuda-convnet and of Caffe: each
    gradient enters the velocity with the rate of its own step. "without_rate" is the rule of
    PyTorch and Torch7: the newest rate multiplies the whole velocity. Both rules are the same until
    the rate changes. When it falls to a tenth, "with_rate" continues at nearly the old speed for
    some ten steps.

    `keras.optimizers.SGD(weight_decay=d)` follows neither rule (Keras 3.11 to 3.15). It multiplies
    each variable by 1 - e * d before the step, outside the velocity: momentum 0.9 makes the decay
    here ten times as strong, and that one not. It decays biases too. A `kernel_regularizer` of
    `keras.regularizers.L2(d / 2)` gives the same decay as here, but adds it to the loss.

    Args:
        learning_rate: The rate e: a number, which callbacks may change, or a
            `keras.optimizers.schedules.LearningRateSchedule`.
        momentum: A number of at least 0 and below 1, or a schedule.
        groups: `Group`s. A variable belongs to the first whose pattern fits its path. A variable
            of no group has the learning rate and no decay. The default is that of 2012: biases
            have twice the rate and no decay, all other variables a decay of 5e-4.
        velocity: `"with_rate"` or `"without_rate"`.
        name: Name of the optimizer.
        **kwargs: The other arguments of `keras.optimizers.Optimizer`, such as `clipnorm`, but for
            `weight_decay`, which belongs to the groups.

    Raises:
        UserError: (a `ValueError`) for a wrong momentum or velocity, and for `weight_decay`.

    Reference:
        Krizhevsky, Sutskever, Hinton, NIPS 2012, section 5; `Weights::update` of cuda-convnet's
        weights.cuh; Caffe's sgd_solver.cpp; `torch.optim.SGD`.

    Example:

    >>> import numpy as np
    >>> w = keras.Variable(np.ones(2, "float32"), name="kernel")
    >>> optimizer = CoupledSGD(0.1, groups=[Group("kernel", weight_decay=0.5)])
    >>> optimizer.apply([np.zeros(2, "float32")], [w])
    >>> np.allclose(keras.ops.convert_to_numpy(w), 1 - 0.1 * (0 + 0.5 * 1))
    True
    """

    __repr__ = short_repr("name", "velocity")

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.01,
        momentum: float | keras.optimizers.schedules.LearningRateSchedule = 0.9,
        groups: Sequence[Group] = GROUPS_2012,
        velocity: Velocity = "with_rate",
        name: str = "coupled_sgd",
        **kwargs: Any,
    ):
        _check(momentum, groups, velocity, kwargs.pop("weight_decay", None))
        if not isinstance(learning_rate, Schedule) and not callable(learning_rate):
            expected = "a number of at least 0, or a schedule"
            learning_rate = number(
                "learning_rate", learning_rate, lambda rate: rate >= 0, expected, "0.01 is usual."
            )
        super().__init__(learning_rate, name=name, **kwargs)
        self.momentum = momentum
        self.groups = tuple(groups)
        self.velocity = velocity
        self._saved: dict | None = None  # the variables of the optimizer that this is a copy of

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make the velocity of each variable, and find its group."""
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._group_of = [self.group(variable.path) for variable in variables]
        if self._saved is not None:
            self.load_own_variables(self._saved)
            self._saved = None

    def __reduce__(self):
        """Return the parts of a copy; Keras's own optimizers lose their velocities."""
        saved: dict = {}
        self.save_own_variables(saved)
        return _copied, (self.get_config(), saved if self.built else self._saved)

    def group(self, path: str) -> Group:
        """Return the group of a variable with this path."""
        return next((group for group in self.groups if group.fits(path)), Group())

    def update_step(
        self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor
    ) -> None:
        """Change one variable and its velocity."""
        number = self._get_variable_index(variable)  # as `keras.Optimizer` documents it
        group, velocity = self._group_of[number], self._velocities[number]

        def number_of(value):
            value = value(self.iterations) if isinstance(value, Schedule) else value
            return value if isinstance(value, float) else ops.cast(value, variable.dtype)

        own = group.learning_rate
        descend(
            self,
            variable,
            velocity,
            ops.cast(gradient, variable.dtype),
            number_of(learning_rate if own is None else own) * float(group.factor),
            number_of(self.momentum),
            number_of(group.weight_decay),
            self.velocity == "with_rate",
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        config = super().get_config()
        del config["weight_decay"]
        return {
            **config,
            "momentum": keras.saving.serialize_keras_object(self.momentum),
            "groups": keras.saving.serialize_keras_object(self.groups),
            "velocity": self.velocity,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """Return the optimizer of a config, with its groups and schedules."""
        made = keras.saving.deserialize_keras_object
        parts = {name: made(config[name], custom_objects) for name in ("momentum", "groups")}
        return super().from_config({**config, **parts}, custom_objects)


def _copied(config: dict, saved: dict | None) -> CoupledSGD:
    """Return a copy of an optimizer; its variables get their values when it is built."""
    optimizer = CoupledSGD.from_config(config)
    optimizer._saved = saved
    return optimizer


def _check(momentum, groups, velocity, weight_decay) -> None:
    if weight_decay is not None:
        raise UserError(
            f"Received weight_decay={weight_decay!r}.",
            "`CoupledSGD` takes the weight decay of each group of variables.",
            f"Give groups=[Group(weight_decay={weight_decay!r})], or use paper_optimizer.",
        )
    if not isinstance(momentum, Schedule):
        expected = "at least 0 and below 1, or a schedule"
        remedy = "Give 0.9, as all published recipes do."
        number("momentum", momentum, lambda momentum: 0 <= momentum < 1, expected, remedy)
    if not isinstance(groups, (list, tuple)) or not all(isinstance(x, Group) for x in groups):
        raise UserError(
            f"Received groups={groups!r}.",
            "`groups` must be a list of `keras_alexnet.Group`.",
            "Give [Group(weight_decay=5e-4)], say, or leave it out for the groups of 2012.",
        )
    remedy = "Give 'with_rate' for the rule of the paper and Caffe, 'without_rate' for PyTorch's."
    choice("velocity", velocity, VELOCITIES, remedy)
