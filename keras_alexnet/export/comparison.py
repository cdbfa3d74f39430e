"""The comparison of a written file, run by its own runtime, with the model in Keras."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np

from keras_alexnet.export.operators import Dense, Graph, Node, Softmax
from keras_alexnet.functional_graphs import functional

SMALLEST = 1e-30  # probability whose logarithm is taken
# Logits below this, from probabilities of float32, are of little more than its rounding: those of a
# network with small initial values, for which all classes are the same.
SMALLEST_LOGIT = 1e-2
BATCH = 8  # images at a time; the last batch of most numbers of images is smaller

Batches = Sequence[np.ndarray]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How well a file computes what its model does; nothing but zeros if it was not run.

    Args:
        error: The largest difference of an output over its largest magnitude; of probabilities, of
            their logarithms.
        kept: Share of the images whose best class is the same; `None` for a model without classes.
        images: Number of images.
    """

    error: float | None = None
    kept: float | None = None
    images: int = 0


def in_batches(inputs: np.ndarray) -> Batches:
    """Return a batch as several smaller ones.

    Example:

    >>> [len(batch) for batch in in_batches(np.zeros((12, 5)))]
    [8, 4]
    """
    return [inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH)]


def keras_outputs(model, batches: Batches, data_format: str) -> list[list[np.ndarray]]:
    """Return the outputs of a model for each batch, computed by Keras in float32."""
    model = _in_float32(model)
    if keras.backend.backend() == "tensorflow" and data_format == "channels_first":
        # On a CPU TensorFlow has such convolutions under XLA alone.
        model = keras.Model(model.inputs, model.outputs)
        model.compile(jit_compile=True)
    return [
        [np.asarray(y, "float32") for y in keras.tree.flatten(model.predict_on_batch(batch))]
        for batch in batches
    ]


def compare(
    run: Callable[[np.ndarray], list[np.ndarray]],
    batches: Batches,
    expected: Sequence[Sequence[np.ndarray]],
    graph: Graph,
    alone: Graph,
    coarse: bool = False,
) -> Comparison:
    """Compare what a file computes with the outputs of the model.

    Args:
        run: The file, in its runtime.
        batches: What it takes.
        expected: The model's outputs for each batch.
        graph: What was written.
        alone: The graph of the model, which may lack the softmax of what was written.
        coarse: Whether probabilities are whole numbers, which may be 0: they have no logarithm.
    """
    found = [run(batch) for batch in batches]
    errors = []
    for number, (wrote, meant) in enumerate(zip(_makers(graph), _makers(alone), strict=True)):
        ours = np.concatenate([np.asarray(outputs[number], "float32") for outputs in found])
        keras_s = np.concatenate([outputs[number] for outputs in expected])
        axis = 1 if graph.data_format == "channels_first" else -1
        softmax = isinstance(wrote.operator, Softmax)
        if softmax and not isinstance(meant.operator, Softmax):
            keras_s = _softmax(keras_s, axis)  # some of which vanish, as those of the file do
        if not (coarse and softmax):
            ours, keras_s = (_logits(values, wrote, axis) for values in (ours, keras_s))
        errors.append(_error(ours, keras_s, SMALLEST_LOGIT if softmax and not coarse else 0.0))
    images = sum(map(len, batches))
    kept = None
    if len(errors) == 1 and isinstance(wrote.operator, Dense | Softmax) and ours.ndim == 2:
        kept = float(np.mean(ours.argmax(axis=-1) == keras_s.argmax(axis=-1)))
    return Comparison(max(errors), kept, images)


def _makers(graph: Graph) -> list[Node]:
    """Return the nodes that make the outputs of a graph."""
    nodes = {node.output.name: node for node in graph.nodes}
    return [nodes[value.name] for value in graph.outputs]


def _logits(values: np.ndarray, node: Node, axis: int) -> np.ndarray:
    """Return logits less their mean, which a softmax takes away; other values as they are."""
    if isinstance(node.operator, Softmax):
        values = np.log(np.maximum(values, SMALLEST))
    elif not isinstance(node.operator, Dense):
        return values
    return values - values.mean(axis=axis, keepdims=True)


def _softmax(values: np.ndarray, axis: int) -> np.ndarray:
    powers = np.exp(values - values.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _error(found: np.ndarray, expected: np.ndarray, least: float = 0.0) -> float:
    """Return the largest difference over the largest magnitude; infinite where it is no number.

    A magnitude below `least` counts as `least`.
    """
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    largest = max(float(np.abs(expected).max()), least)
    return float(np.abs(found - expected).max()) / (largest or 1.0)


def _in_float32(model):
    """Return a model that computes in float32, the same one if it does already."""
    model = functional(model)
    config = model.get_config()
    wide = _widened(config)
    if wide == config:
        return model
    copy = type(model).from_config(wide)
    copy.set_weights([np.asarray(weight, "float32") for weight in model.get_weights()])
    return copy


def _widened(config):
    """Return a configuration in which every policy of dtypes is float32."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {**config["config"], "name": "float32"}}
        return {key: _widened(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(map(_widened, config))
    return config
