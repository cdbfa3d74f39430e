"""The inner activations of a network, by the names of its layers or other programs' names."""

import collections
import difflib
from collections.abc import Mapping
from typing import Any

import keras

from keras_alexnet.errors import UserError
from keras_alexnet.functional_graphs import functional, functional_model, retraced
from keras_alexnet.variants import get_variant, list_variants
from keras_alexnet.variants.aliases import ALIASES

Path = tuple[str, ...]  # names of layers, each inside the one before


def feature_extractor(model, layers):
    """Return a model that gives the activations of inner layers.

    The layers are shared with `model`, weights included, and nothing behind the last of those
    asked for is computed. Called or used with `predict` it is inference, without dropout.

    Args:
        model: A functional or sequential model, such as `AlexNet` builds, `keras-alexnet fit`
            saves, or one that has either inside.
        layers: Which activations. One name gives one tensor. A list of names gives a dict from
            these names to tensors, and a dict `{layer: key}` one with keys of your own. A name is
            one of `model`'s layers, or what another program calls it:

            - Caffe: `"conv1"`, `"relu1"`, ..., `"prob"` are the names of the layers here. Caffe's
              *blob* `conv1` is `"relu1"`, for its rectifications overwrite their input.
            - torchvision, with `owt`: `"features.0"` to `"features.12"`, `"classifier.0"` to
              `"classifier.6"`, `"avgpool"`. A hook of PyTorch on `features.0` sees the tensor
              before the next layer, whose rectification overwrites it: copied later, it holds
              what is `"features.1"` here.
            - imgclsmob (`"features.stage1.unit1"`), TF-Slim (`"alexnet_v2/fc7"`), and the names
              of the notebook's layers (`"fat1"`), each with its own variant.

            Of two layers with one name in two models inside `model`, `"model/layer"` is one.

    Returns:
        A `keras.Model` with the input of `model`.

    Raises:
        UserError: (a `ValueError`) for a name that is no layer, with the nearest ones that are.

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
    return functional_model(inputs, single, f"{model.name}_features")


def _keys(layers) -> dict[str, str]:
    """Return what was asked for as a dict from names to keys."""
    names = [layers] if isinstance(layers, str) else layers
    if not isinstance(names, Mapping) and isinstance(names, (list, tuple)):
        names = dict(zip(names, names, strict=True))
    good = isinstance(names, Mapping) and names
    if not good or not all(isinstance(text, str) for pair in names.items() for text in pair):
        raise UserError(
            f"Received layers={layers!r}.",
            "`layers` must be a name, a list of names, or a dict from names to keys.",
            'Try "fc7", or ["relu5", "fc7"].',
        )
    if len(set(names.values())) < len(names):
        raise UserError(
            f"Received layers={layers!r}, in which a key stands twice.",
            "Every activation needs a key of its own.",
            "Give the dict another key.",
        )
    return dict(names)


def _paths(model, above: Path = ()):
    """Yield the path of every layer, those of models inside the model too."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        yield (*above, layer.name)
        if _has_layers(layer):
            yield from _paths(functional(layer), (*above, layer.name))


def _has_layers(layer) -> bool:
    """Say whether a layer is a model whose layers can be seen."""
    return isinstance(layer, keras.Model) and bool(getattr(layer, "inputs", None))


def _resolved(name: str, paths: list[Path], model_name: str) -> Path:
    """Return the one path that a name stands for."""
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
            f"Say which: {' or '.join(repr('/'.join(path)) for path in found)}.",
        )
    names = list(dict.fromkeys(path[-1] for path in paths))
    others = [other for other, ours in _aliases(names).items() if ours in names]
    close = difflib.get_close_matches(name, [*names, *others], n=3, cutoff=0.5)
    nearest = f"The nearest are {', '.join(map(repr, close))}." if close else "Choose one of them."
    raise UserError(
        f"Received the layer {name!r}, which the model {model_name!r} does not have.",
        f"Its layers are: {', '.join(names)}.",
        nearest,
    )


def _named(name: str, paths: list[Path]) -> list[Path]:
    return [path for path in paths if name in (path[-1], "/".join(path))]


def _aliases(names: list[str]) -> dict[str, str]:
    """Return other programs' names for the layers of the network that has these, in this order."""
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
    """Return a new input, and by its path the output of every wanted layer; () is the model's.

    A model inside is not computed to its end for the sake of a layer in it, unless something
    behind it is wanted.
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
            values = keras.Model(inputs, outputs, name=name)(*args, **kwargs)
            found.update({(name, *path): values["/".join(path)] for path in inside})
        found[(name,)] = values[""] if inside and whole else layer(*args, **kwargs)
        return found[(name,)]

    retrace = retraced(graph, call)
    for path in wanted:
        if calls[path[0]] > 1:
            raise UserError(
                f"Received the layer {'/'.join(path)!r}, which the model {graph.name!r} uses "
                f"{calls[path[0]]} times.",
                "A layer must be used once, to have one activation.",
                "Give the model whose layers are shared instead.",
            )
    found[()] = retrace.output
    return retrace.input, found
