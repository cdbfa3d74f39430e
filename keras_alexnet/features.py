"""`feature_extractor`: the inner activations of a network, by layer names of any program."""

import collections
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_alexnet.errors import UserError
from keras_alexnet.functional_graphs import functional, functional_model, retraced
from keras_alexnet.variants import get_variant, list_variants
from keras_alexnet.variants.aliases import ALIASES

Path = tuple[str, ...]  # names of layers, each inside the one before


def feature_extractor(
    model: keras.Model, layers: str | Sequence[str] | Mapping[str, str]
) -> keras.Model:
    """Return a model that outputs the activations of inner layers.

    It shares its layers and weights with `model`, and computes nothing after the last layer in
    `layers`. A call of it and `predict` are inference, without dropout.

    Args:
        model: A functional or sequential model, such as `AlexNet` builds, `keras-alexnet fit`
            saves, or one that contains such a model.
        layers: The layers to read. One name results in one tensor, a list of names in a dict from
            these names to tensors, and a dict `{layer: key}` in a dict with your own keys. A name
            is that of one of `model`'s layers, or its name in another program:

            - Caffe: `"conv1"`, `"relu1"`, ..., `"prob"` are the names of the layers here. Caffe's
              *blob* `conv1` is `"relu1"`, because its rectifications overwrite their input.
            - torchvision, with `owt`: `"features.0"` to `"features.12"`, `"classifier.0"` to
              `"classifier.6"`, `"avgpool"`. A hook of PyTorch on `features.0` sees the tensor
              before the next layer, whose rectification overwrites it: a later copy equals
              `"features.1"` here.
            - imgclsmob (`"features.stage1.unit1"`), TF-Slim (`"alexnet_v2/fc7"`), and the names
              of the notebook's layers (`"fat1"`), each with its own variant.

            `"model/layer"` names one of two layers with the same name in two inner models.

    Returns:
        A `keras.Model` with the input of `model`.

    Raises:
        UserError: (a `ValueError`) for an unknown name; the error lists the nearest known ones.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> model = AlexNet("cifar10_18pct")
    >>> feature_extractor(model, "relu3").output_shape
    (None, 8, 8, 64)
    >>> features = feature_extractor(model, ["pool3", "fc10"])
    >>> {name: tensor.shape for name, tensor in features.output.items()}
    {'pool3': (None, 4, 4, 64), 'fc10': (None, 10)}
    """
    keys = _keys(layers)
    graph = functional(model)
    paths = list(_paths(graph))
    resolved = {name: _resolved(name, paths, model.name) for name in keys}
    inputs, found = _activations(graph, set(resolved.values()))
    outputs = {key: found[resolved[name]] for name, key in keys.items()}
    single = outputs[layers] if isinstance(layers, str) else outputs
    return functional_model(inputs, single, f"{model.name}_features", graph)


def _keys(layers) -> dict[str, str]:
    """Return `layers` as a dict from names to keys."""
    names = [layers] if isinstance(layers, str) else layers
    if isinstance(names, (list, tuple)):
        names = dict(zip(names, names, strict=True))
    good = isinstance(names, Mapping) and names
    if not good or not all(isinstance(text, str) for pair in names.items() for text in pair):
        raise UserError(
            f"Received layers={layers!r}.",
            "`layers` must be a name, a list of names, or a dict from names to keys.",
            'Give "fc7", or ["relu5", "fc7"].',
        )
    if len(set(names.values())) < len(names):
        raise UserError(
            f"Received layers={layers!r}, in which two layers have the same key.",
            "Every layer must have a different key.",
            "Change one of the keys.",
        )
    return dict(names)


def _paths(model, above: Path = ()):
    """Yield the path of every layer, including those of inner models."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        yield (*above, layer.name)
        if _has_layers(layer):
            yield from _paths(functional(layer), (*above, layer.name))


def _has_layers(layer) -> bool:
    """Return whether a layer is a model with a graph of layers."""
    return isinstance(layer, keras.Model) and bool(getattr(layer, "inputs", None))


def _resolved(name: str, paths: list[Path], model_name: str) -> Path:
    """Return the path of the layer with this name."""
    found = _named(name, paths)
    if not found:
        alias = _aliases([path[-1] for path in paths]).get(name, "")
        found = _named(alias, paths)
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"Received the layer {name!r}, of which the model {model_name!r} has {len(found)}.",
            "Every name must stand for one layer.",
            f"Give {' or '.join(repr('/'.join(path)) for path in found)}.",
        )
    names = list(dict.fromkeys(path[-1] for path in paths))
    others = [other for other, ours in _aliases(names).items() if ours in names]
    close = difflib.get_close_matches(name, [*names, *others], n=3, cutoff=0.5)
    nearest = f", such as {', '.join(map(repr, close))}" if close else ""
    raise UserError(
        f"Received the layer {name!r}, which the model {model_name!r} does not have.",
        f"The layers of the model are: {', '.join(names)}.",
        f"Choose one of the names{nearest}.",
    )


def _named(name: str, paths: list[Path]) -> list[Path]:
    return [path for path in paths if name in (path[-1], "/".join(path))]


def _aliases(names: list[str]) -> dict[str, str]:
    """Return other programs' names for the layers of a network, which `names` identify in order."""
    known = {row for variant in list_variants() for row, _ in get_variant(variant).rows()}
    own = [name for name in names if name in known and name != "avgpool"]
    aliases: dict[str, str] = {}
    for variant, table in ALIASES.items():
        record = get_variant(variant)
        rows = [name for name, _ in record.rows() if name != "avgpool"]
        if len(own) >= len(record.features) and own == rows[: len(own)]:
            aliases.update(table)
    return aliases


def _activations(graph, wanted: set[Path], to_the_end=False):
    """Return a new input, and a dict from paths to outputs of the wanted layers and the model, ().

    An inner model is computed to its end only if it or a layer after it is wanted.
    """
    to_the_end = to_the_end or len({path[0] for path in wanted}) > 1
    found: dict[Path, Any] = {}
    calls: collections.Counter = collections.Counter()

    def call(layer, *args, **kwargs):
        name = layer.name
        calls[name] += 1
        inside = {path[1:] for path in wanted if path[0] == name and path[1:]}
        whole = to_the_end or (name,) in wanted
        if inside:
            inputs, tensors = _activations(functional(layer), inside, whole)
            outputs = {
                "/".join(path): tensors[path] for path in (inside | {()} if whole else inside)
            }
            values = functional_model(inputs, outputs, name, layer)(*args, **kwargs)
            found.update({(name, *path): values["/".join(path)] for path in inside})
        found[(name,)] = values[""] if inside and whole else layer(*args, **kwargs)
        return found[(name,)]

    retrace = retraced(graph, call)
    for path in wanted:
        if calls[path[0]] > 1:
            raise UserError(
                f"Received the layer {'/'.join(path)!r}, which the model {graph.name!r} uses "
                f"{calls[path[0]]} times.",
                "The layer must be used once, because each use has its own activation.",
                "Extract the features from the model that is used several times.",
            )
    found[()] = retrace.output
    return retrace.input, found
