"""`with_preparation`: the graph of a network with the layers that prepare photos before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.targets import layers_of
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.folder import size_and_method
from keras_alexnet.evaluation.networks import misfit, prepares_itself
from keras_alexnet.export.layer_operators import operators_of
from keras_alexnet.export.operators import (
    Affine,
    CenterCrop,
    Dense,
    Graph,
    Node,
    Resize,
    Softmax,
    Value,
)
from keras_alexnet.preprocessing import SquareResize, evaluation_preprocessor
from keras_alexnet.preprocessing.base import ImageLayer
from keras_alexnet.preprocessing.stacks import Preprocessor

PROBABILITIES = "probabilities"


def preparation_of(model, card: ModelCard, graph: Graph) -> Preprocessor:
    """Return the layers that turn photos into the input of a model.

    Raises:
        UserError: If it is not known how its images are prepared.
    """
    if prepares_itself(model):
        found = [layer for layer in layers_of(model) if isinstance(layer, SquareResize)]
        return Preprocessor(found[:1] or [SquareResize(*size_and_method(model), graph.data_format)])
    wrong = unprepared(model, card, graph)
    if wrong is not None:
        raise UserError(
            f"Received preprocessing=True for {wrong}.",
            "The model must have the layers that prepare its images, or else a model card with its "
            "variant, as those of AlexNet have, and no layer that scales them.",
            "Leave `preprocessing` (--preprocessing) out, or put evaluation_preprocessor(...) in "
            "front of the model.",
        )
    return evaluation_preprocessor(card, data_format=graph.data_format)


def unprepared(model, card: ModelCard, graph: Graph) -> str | None:
    """Return a model, and why its card does not say how its images are prepared, in words.

    `None` if the card says it, or the model has the layers that prepare them.
    """
    if prepares_itself(model):
        return None
    if card.variant is None:
        return f"the model {model.name!r}, which does not say how its images are prepared"
    if scales_pixels(graph):
        return (
            f"the model {model.name!r}, which scales its images itself, and whose model card says "
            "how to prepare them too"
        )
    return misfit(model, card)


def scales_pixels(graph: Graph) -> bool:
    """Return whether a network begins with a layer that scales its input, such as `Rescaling`."""
    begins = [node.operator for node in graph.nodes if node.input == graph.input.name]
    return graph.input.dtype == "uint8" or any(isinstance(x, Affine) for x in begins)


def prepared_sentence(model, card: ModelCard, graph: Graph) -> str:
    """Return how a model's images are prepared, in a sentence; empty if that is not known."""
    if prepares_itself(model):
        return str(Preprocessor([x for x in layers_of(model) if isinstance(x, ImageLayer)]))
    return str(evaluation_preprocessor(card)) if unprepared(model, card, graph) is None else ""


def with_preparation(graph: Graph, stack: Preprocessor) -> Graph:
    """Return a graph from photos of any size, uint8, to probabilities.

    Args:
        graph: The graph of the model.
        stack: The layers that prepare its images. Where the graph begins with its own
            `SquareResize`, they are that layer.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> from keras_alexnet.export.graphs import graph_of
    >>> graph = graph_of(AlexNet("cifar10_18pct", classifier_activation=None))
    >>> ready = with_preparation(graph, evaluation_preprocessor("cifar10_18pct"))
    >>> ready.input.dtype, ready.input.shape, ready.outputs[0].name
    ('uint8', (None, None, None, 3), 'probabilities')
    """
    first = graph.data_format == "channels_first"
    shape = (None, 3, None, None) if first else (None, None, None, 3)
    photos = Value(graph.input.name, shape, "uint8")
    begins = [node for node in graph.nodes if node.input == graph.input.name]
    front = []
    if not any(isinstance(node.operator, Resize) for node in begins):
        front = _nodes(stack, photos, graph)
    nodes = [*front, *_behind(graph, front[-1].output if front else photos)]
    outputs = graph.outputs
    if len(outputs) == 1 and isinstance(_producer(nodes, outputs[0]).operator, Dense):
        name = _unused(PROBABILITIES, nodes)
        outputs = (dataclasses.replace(outputs[0], name=name),)
        nodes.append(Node(name, Softmax(), graph.outputs[0].name, *outputs))
    whole = _whole_numbers(nodes, photos)
    return dataclasses.replace(graph, input=photos, nodes=whole, outputs=outputs)


def _nodes(stack: Preprocessor, photos: Value, graph: Graph) -> list[Node]:
    """Return the operators of layers in front of a graph."""
    nodes: list[Node] = []
    value = photos
    for layer in stack.layers:
        shape = tuple(layer.compute_output_shape(value.shape))
        for operator in operators_of(layer, value.shape, graph.data_format):
            if operator is None:
                raise TypeError(f"{type(layer).__name__} prepares images, and is no operator.")
            name = _unused(layer.name, [*graph.nodes, *nodes])
            nodes.append(Node(name, operator, value.name, Value(name, shape)))
            value = nodes[-1].output
    return nodes


def _behind(graph: Graph, value: Value) -> Iterable[Node]:
    """Yield the nodes of a graph with another value as its input."""
    for node in graph.nodes:
        if node.input == graph.input.name:
            node = dataclasses.replace(node, input=value.name)
        yield node


def _whole_numbers(nodes: Sequence[Node], photos: Value) -> tuple[Node, ...]:
    """Return the nodes, in which photos stay whole numbers until they are scaled."""
    whole = {photos.name}
    found = []
    for node in nodes:
        if node.input in whole and isinstance(node.operator, Resize | CenterCrop):
            whole.add(node.output.name)
            node = dataclasses.replace(node, output=dataclasses.replace(node.output, dtype="uint8"))
        found.append(node)
    return tuple(found)


def _producer(nodes: Sequence[Node], value: Value) -> Node:
    return next(node for node in nodes if node.output.name == value.name)


def _unused(name: str, nodes: Sequence[Node]) -> str:
    names = {node.name for node in nodes}
    number, found = 1, name
    while found in names:
        number += 1
        found = f"{name}_{number}"
    return found
