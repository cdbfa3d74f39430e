"""The logged figures that are cross-entropies, and their values for a network that guesses."""

import dataclasses
import math
import warnings
from collections.abc import Iterable, Mapping

import keras

from keras_alexnet.errors import UserError
from keras_alexnet.training.padding import PaddedLoss

OVER_CLASSES = (
    *("sparse_categorical_crossentropy", "categorical_crossentropy"),
    "smoothed_crossentropy",  # of smoothed labels it is ln(n) as well
)
OF_ONE_UNIT = ("binary_crossentropy",)
EITHER = ("crossentropy", "ce")  # Keras chooses by the shape of the labels
MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")  # reductions of a loss


@dataclasses.dataclass(frozen=True)
class Figure:
    """A logged figure that is the cross-entropy of an output times a factor, plus penalties.

    Args:
        name: Its name in the logs, such as `"loss"`.
        classes: Number of classes.
        output: Name of the output; empty if the model has only one.
        factor: Multiplies the cross-entropy: the weight of the loss times the mean weight of the
            images.
        penalized: Whether the figure includes the penalties on the model's weights.
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
    """Return the figures that a compiled model may log, the best of each output first.

    Metrics come before losses: Keras neither adds penalties to them nor weights them.

    Args:
        model: The model.
        classes: Number of classes of a model with one output; `None` for that of its shape.
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
    """Return the sum that the regularizers of the weights add to the loss."""
    terms = [variable.regularizer(variable) for variable in _regularized(model)]
    return sum(float(keras.ops.convert_to_numpy(term)) for term in terms)


def has_penalties(model) -> bool:
    """Return whether a trainable weight has a regularizer."""
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
    """Return the units of each output of shape `(batch, units)`; `classes` for a single other."""
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
        "An output must have the shape (batch, classes), or `classes` must be given.",
        "Give the number of classes, such as FlatLossWarning(classes=10).",
    )


def _by_output(values, outputs: Iterable[str]) -> dict:
    """Return an argument of `compile` by output, from one value, a list or a dict."""
    outputs = list(outputs)
    if isinstance(values, Mapping) and len(outputs) > 1:
        return {output: values.get(output) for output in outputs}
    if isinstance(values, (Mapping, list, tuple)):
        values = list(values.values()) if isinstance(values, Mapping) else list(values)
        fitting = len(values) == len(outputs)
        return dict(zip(outputs, values if fitting else [None] * len(outputs), strict=True))
    return dict.fromkeys(outputs, values)


def _is_one_of(loss, names: Iterable[str]) -> bool:
    """Return whether a loss, as `compile` takes it, has one of these names and is a mean."""
    loss = loss.loss if isinstance(loss, PaddedLoss) else loss
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    plain = [text.replace("_", "") for text in names]
    return name.lower().replace("_", "") in plain and getattr(loss, "reduction", "mean") in MEANS


def _loss_weights(model):
    """Return the `loss_weights` of `compile`, `None` if Keras cannot return them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of metrics that it cannot save
            return model.get_compile_config().get("loss_weights")
    except (TypeError, ValueError, NotImplementedError):
        return None
