"""`paper_optimizer`: the optimizer of 2012."""

import math
from typing import Any

import keras

from keras_alexnet.arguments import number
from keras_alexnet.recipes.coupled_sgd import CoupledSGD
from keras_alexnet.recipes.group import BIAS, Group


def paper_optimizer(
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.01,
    momentum: float | keras.optimizers.schedules.LearningRateSchedule = 0.9,
    weight_decay: float = 5e-4,
    bias_factor: float = 2.0,
    **kwargs: Any,
) -> CoupledSGD:
    """Return the optimizer that the 2012 network was trained with, ready for `compile`.

    For a weight w with the gradient g of the mean loss and the velocity v, one step is

        v <- momentum * v - weight_decay * learning_rate * w - learning_rate * g,    w <- w + v

    For a bias the step has no decay, and `bias_factor` times the rate. The paper has "an equal
    learning rate for all layers" and does not mention biases; the authors' program gave them twice
    the rate and no decay, as Caffe's networks do. With batches of 128 images, divide the rate by 10
    when the validation error stops improving: `ReduceOnPlateau` does that. `get_recipe("paper")`
    has all of it together.

    Args:
        learning_rate: The rate of the weights, a number or a
            `keras.optimizers.schedules.LearningRateSchedule`.
        momentum: The factor by which each step multiplies the velocity.
        weight_decay: Strength of the decay of all variables but the biases.
        bias_factor: Rate of the biases as a multiple of that of the weights.
        **kwargs: The arguments of `keras.optimizers.Optimizer`, such as `clipnorm`.

    Returns:
        A `CoupledSGD`.

    Raises:
        UserError: (a `ValueError`) for a momentum outside 0 to 1, and what is not a number.

    Reference:
        Krizhevsky, Sutskever, Hinton, NIPS 2012, section 5; layer-params-145.cfg of the authors'
        program: epsW 0.01, epsB 0.02, momentum 0.9, wc 0.0005 on weights alone.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> model = AlexNet("cifar10_18pct")
    >>> model.compile(paper_optimizer(0.001), "sparse_categorical_crossentropy")
    >>> model.optimizer.group("conv1/bias").factor
    2.0
    """
    decay = number("weight_decay", weight_decay, math.isfinite, "a finite number", "5e-4 is usual.")
    factor = number("bias_factor", bias_factor, math.isfinite, "a finite number", "2 is usual.")
    groups = (Group(BIAS, factor=factor), Group(weight_decay=decay))
    return CoupledSGD(learning_rate, momentum, groups, **kwargs)
