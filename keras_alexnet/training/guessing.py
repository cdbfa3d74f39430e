"""The logged figures that are cross-entropies over classes, and their values for guessing."""

import dataclasses
import math
import warnings
from collections.abc import Iterable, Mapping

import keras

from keras_alexnet.errors import UserError
from keras_alexnet.training.padding import PaddedLoss

OVER_CLASSES = ("sparse_categorical_crossentropy", "categorical_crossentropy")
OF_ONE_UNIT = ("binary_crossentropy",)
EITHER = ("crossentropy", "ce")  # losses of which Keras chooses by the shape of the labels
MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")  # reductions of a loss


@dataclasses.dataclass(frozen=True)
class Figure:
    """A logged figure that is the cross-entropy of an output, but for a factor and penalties.

    Args:
        name: Its name in the logs, such as `"loss"`.
        classes: Number of classes.
        output: Name of the output; empty if the model has one.
        factor: Times the cross-entropy: the weight of the loss, and the mean weight of the images.
        penalized: Whether the penalties on the model's weights are added to it.
    """

    name: str
    classes: int
    output: str = ""
    factor: float = 1.0
    penalized: bool = False

    @property
    def guessing(self) -> float:
        """The cross-entropy of a network that gives each class the same probability."""
        return math.log(self.classes)


def cross_entropies(model, classes: int | None, mean_weight: float) -> list[Figure]:
    """Return the figures of a compiled model that may be logged, for each output the best first.

    Metrics come first: Keras adds no penalties to them, and weights them with nothing.

    Args:
        model: The model.
        classes: Number of classes of a model with one output; `None` for what its shape says.
        mean_weight: Mean weight of the images in the loss.

    Raises:
        UserError: If the number of classes is not given and no output has the shape
            `(batch, classes)`.
    """
    shapes = _shapes(model)
    losses = _by_output(getattr(model, "loss", None), shapes)
    alone = sum(loss is not None for loss in losses.values()) == 1
    figures = []
    for output, units in _units(shapes, classes).items():
        loss, count = losses[output], classes if classes and len(shapes) == 1 else max(2, units)
        names = OF_ONE_UNIT if units == 1 else OVER_CLASSES
        before = f"{output}_" if output else ""
        figures += [Figure(before + name, count, output) for name in names]
        if _is_one_of(loss, names + EITHER):
            weighted = getattr(loss, "reduction", MEANS[0]) != "mean_with_sample_weight"
            factor = mean_weight if weighted else 1.0
            if alone:  # Keras logs no losses of the outputs then
                factor *= _by_output(_loss_weights(model), shapes)[output] or 1.0
            name = "loss" if alone else f"{before}loss"
            figures.append(Figure(name, count, output, factor, penalized=alone))
    return figures


def penalties(model) -> float:
    """Return what the regularizers of the weights add to the loss."""
    terms = [variable.regularizer(variable) for variable in _regularized(model)]
    return sum(float(keras.ops.convert_to_numpy(term)) for term in terms)


def has_penalties(model) -> bool:
    """Say whether a weight that is trained has a regularizer."""
    return bool(_regularized(model))


def _regularized(model) -> list:
    return [v for v in model.trainable_variables if getattr(v, "regularizer", None) is not None]


def _shapes(model) -> dict:
    """Return the shape of each output by its name; the name of a single one is empty."""
    shape = getattr(model, "output_shape", None)
    if isinstance(shape, Mapping):
        return dict(shape)
    if isinstance(shape, (list, tuple)) and shape and isinstance(shape[0], (list, tuple)):
        return dict(zip(model.output_names, shape, strict=True))
    return {"": shape}


def _units(shapes: Mapping, classes: int | None) -> dict[str, int]:
    """Return how many units each output has: those of shape `(batch, units)`, or the only one."""
    found = {
        output: shape[1]
        for output, shape in shapes.items()
        if isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[1], int)
    }
    if found:
        return found
    if classes is not None and len(shapes) == 1:
        return dict.fromkeys(shapes, classes)
    shape = shapes.get("", list(shapes.values()))
    raise UserError(
        f"Received a model with outputs of shape {shape}.",
        "One output of shape (batch, classes) was expected.",
        "Say how many classes there are: FlatLossWarning(classes=10).",
    )


def _by_output(values, outputs: Iterable[str]) -> dict:
    """Return what `compile` was given for each output: one value, a list or a dict of them."""
    outputs = list(outputs)
    if isinstance(values, Mapping) and len(outputs) > 1:
        return {output: values.get(output) for output in outputs}
    if isinstance(values, (Mapping, list, tuple)):
        values = list(values.values()) if isinstance(values, Mapping) else list(values)
        fitting = len(values) == len(outputs)
        return dict(zip(outputs, values if fitting else [None] * len(outputs), strict=True))
    return dict.fromkeys(outputs, values)


def _is_one_of(loss, names: Iterable[str]) -> bool:
    """Say whether a loss, as `compile` takes it, has one of these names and is a mean."""
    loss = loss.loss if isinstance(loss, PaddedLoss) else loss
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    plain = [text.replace("_", "") for text in names]
    return name.lower().replace("_", "") in plain and getattr(loss, "reduction", "mean") in MEANS


def _loss_weights(model):
    """Return what `compile` was given as `loss_weights`, as far as Keras can tell."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a metric that could not be saved
            return model.get_compile_config().get("loss_weights")
    except (TypeError, ValueError, NotImplementedError):
        return None
