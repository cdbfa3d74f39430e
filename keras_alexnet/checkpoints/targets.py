"""The targets of a checkpoint's tensors: a model's layers with weights, and their shapes."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras

from keras_alexnet.checkpoints.dialects import Dialect, Slot
from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, first_eight
from keras_alexnet.layers import LocallyConnected2D
from keras_alexnet.variants import Variant, get_variant, list_variants
from keras_alexnet.variants.records import Conv, Dense, Local, Norm

# Rows that have weights, and how Keras writes the classes of their layers in its files.
KINDS: Mapping[type, str] = {Conv: "conv2d", Local: "locally_connected2d", Dense: "dense"}

COMPARED = "conv|norm|cnorm|pool|relu|local|fc"  # layers, by the start of their names
REAL = ("float16", "bfloat16", "float32", "float64")  # types that weights are assigned in
WEIGHTED = (keras.layers.Conv2D, LocallyConnected2D, keras.layers.Dense)


@dataclasses.dataclass(frozen=True)
class Target:
    """A layer of the model that has weights.

    Args:
        name: Its name.
        layer: The Keras layer.
        maps: Height, width and channels of the maps whose flattened values it takes, `None` if it
            takes none.
    """

    name: str
    layer: Any
    maps: tuple[int, int, int] | None = None

    @property
    def is_conv(self) -> bool:
        """Whether it is a convolution with shared weights."""
        return len(self.layer.kernel.shape) == 4


def targets_of(model) -> list[Target]:
    """Return the layers with weights of a model, those of models inside it included, in order.

    Raises:
        CheckpointError: If the model has none, or one with weights that no AlexNet has, or one that
            was altered: quantized, given LoRA's matrices, or tied to another.
    """
    if not isinstance(model, keras.Model) or not model.built:
        raise CheckpointError(
            f"Received {type(model).__name__} instead of a model to load weights into.",
            "The model must be a built keras.Model.",
            'Pass AlexNet("owt"), say.',
        )
    found, others, maps = [], [], None
    for layer in layers_of(model):
        if isinstance(layer, keras.layers.Flatten):
            maps = _maps(layer)
        elif isinstance(layer, WEIGHTED) and layer.use_bias:
            dense = isinstance(layer, keras.layers.Dense)
            found.append(Target(layer.name, layer, maps if dense else None))
            maps = None
        elif layer.weights:
            others.append(layer.name)
    if others or not found:
        raise CheckpointError(
            f"The model {model.name!r} has weights in "
            f"{', '.join(map(repr, others)) or 'no layer at all'}.",
            "Only convolutions and dense layers with biases may have weights, as in AlexNet.",
            "Load the weights into the AlexNet alone, and add other layers to it afterwards.",
        )
    _check_unaltered(model, found)
    return found


def _check_unaltered(model, targets: list[Target]) -> None:
    """Raise unless each layer computes with a kernel and a bias of its own, both real numbers.

    Raises:
        CheckpointError: If one does not; the message names all that do not.
    """
    owners: dict[int, Target] = {}
    altered = []
    for target in targets:
        how = _alteration(target.layer)
        for variable in target.layer.weights:
            owner = owners.setdefault(id(variable), target)
            if owner.layer is not target.layer:
                how = how or f"shares weights with {owner.name!r}"
        if how:
            altered.append(f"{target.name!r} {how}")
    if altered:
        raise CheckpointError(
            f"Layers of the model {model.name!r} were altered: {first_eight(altered)}.",
            "Each layer must have a kernel and a bias of its own, of real numbers, and no other "
            "weights.",
            "Load the weights into the model as AlexNet builds it, or convert them with such a "
            "model. Quantize it, enable LoRA or tie layers afterwards.",
        )


def _alteration(layer) -> str:
    """Return how a layer computes with more than a kernel and a bias; empty if it does not."""
    others = {id(variable): variable.name for variable in layer.weights}
    found = []
    for part, variable in (("kernel", layer.kernel), ("bias", layer.bias)):
        if others.pop(id(variable), None) is None:
            found.append(f"computes its {part} from other weights")
        elif variable.dtype not in REAL:
            found.append(f"has a {part} of type {variable.dtype}")
    if others:
        found.append(f"also has the weights {', '.join(others.values())}")
    if found and getattr(layer, "quantization_mode", None):
        return f"is quantized to {layer.quantization_mode}"
    if found and getattr(layer, "lora_enabled", False):
        return f"has LoRA matrices of rank {layer.lora_rank}"
    return found[0] if found else ""


def layers_of(model) -> Iterator[Any]:
    """Yield the layers of a model in order, with those of models inside it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        else:
            yield layer


def aliases_of(targets: list[Target]) -> dict[str, str]:
    """Return the names that layers may have in Keras's own files: their own, or by class.

    Keras numbers the layers of each class: `conv2d`, `conv2d_1`, and so on.
    """
    return _aliases((target.name, _snake_case(type(target.layer).__name__)) for target in targets)


def aliases_in(variant: Variant) -> dict[str, str]:
    """Return the same names for the layers of a variant, of which there need be no model.

    Example:

    >>> aliases_in(get_variant("cifar10_19pct"))["conv2d_2"]
    'conv3'
    """
    return _aliases((name, KINDS[type(row)]) for name, row in variant.rows() if type(row) in KINDS)


def _aliases(kinds: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the aliases of layers, given their names and Keras's words for their classes."""
    numbered, names, seen = {}, {}, dict[str, int]()
    for name, kind in kinds:
        number = seen[kind] = seen.get(kind, -1) + 1
        numbered[f"{kind}_{number}" if number else kind] = names[name] = name
    return {**numbered, **names}


def conv_kernels(
    arrays: Mapping[str, StoredArray], slots: Mapping[Slot, str], dialect: Dialect
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the convolutions' kernels in a file, in Keras's layout."""
    order = [dialect.conv.index(axis) for axis in "HWIO"]
    kernels: dict[str, tuple[int, ...]] = {}
    for slot, name in slots.items():
        shape = arrays[name].shape
        if slot.layer.startswith("conv") and slot.part == "kernel" and len(shape) == 4:
            *rest, outputs = (shape[index] for index in order)
            others = kernels.get(slot.layer, (0,))[-1]  # of the other half, if it is in halves
            kernels[slot.layer] = (*rest, outputs + others)
    return kernels


def variants_of(kernels: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Return the names of the variants whose convolutions have these kernels, in Keras's layout.

    Example:

    >>> variants_of({"conv1": (11, 11, 3, 64), "conv4": (3, 3, 384, 256)})
    ['owt', 'cuda_convnet2', 'notebook']
    """
    names = []
    for name in list_variants():
        expected = _kernels(get_variant(name))
        if kernels and all(expected.get(layer) == shape for layer, shape in kernels.items()):
            names.append(name)
    return names


def difference(model, variant: Variant) -> str:
    """Return how a model first differs from a variant in the order and constants of its layers.

    Shapes do not show these. The text is empty if nothing differs.

    Example:

    >>> from keras_alexnet import AlexNet
    >>> model = AlexNet("bvlc", include_top=False)
    >>> difference(model, get_variant("bvlc"))
    ''
    >>> difference(model, get_variant("caffenet"))
    'it has norm1 where the variant has pool1'
    """
    rows = dict(variant.rows())
    expected = [name for name in rows if re.match(COMPARED, name)]
    layers = {layer.name: layer for layer in layers_of(model)}
    names = [name for name in layers if re.match(COMPARED, name)]
    for name, its in zip(names, expected, strict=False):  # a model may end early
        if name != its:
            return f"it has {name} where the variant has {its}"
    for name in names:
        row, layer = rows[name], layers[name]
        if isinstance(row, Norm):
            mine, theirs = ((x.size, x.k, x.alpha, x.beta, x.groups) for x in (layer, row))
            if mine != theirs:
                words = "window {}, k {:g}, alpha {:g}, beta {:g}, groups {}"
                return f"its {name} has {words.format(*mine)}, not {words.format(*theirs)}"
    return _other_padding(layers, rows["conv1"])


def _other_padding(layers, conv) -> str:
    """Return how the padding of images in front of the first convolution differs."""
    pad, first = layers.get("pad1"), layers.get("conv1")
    if first is None:
        return ""
    mine = "same" if first.padding == "same" else (0, 0)
    mine = tuple(pad.padding[0]) if pad is not None else mine
    if mine == conv.padding or (mine == "same" and conv.padding == (conv.kernel // 2,) * 2):
        return ""
    return f"it pads images by {mine} in front of conv1, not by {conv.padding}"


def _maps(flatten) -> tuple[int, int, int]:
    """Return height, width and channels of the maps that a layer flattens."""
    shape = tuple(flatten.input.shape[1:])
    if len(shape) != 3:
        return (1, 1, shape[-1])
    return shape if flatten.data_format == "channels_last" else (shape[1], shape[2], shape[0])


def _snake_case(name: str) -> str:
    """Return the name of a class as Keras writes it in its files.

    >>> [_snake_case(name) for name in ("Conv2D", "GroupedConv2D", "ReLU", "Dense")]
    ['conv2d', 'grouped_conv2d', 're_lu', 'dense']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _kernels(variant: Variant) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a variant's convolutions' kernels."""
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    for name, row in variant.features:
        if isinstance(row, Conv):
            shapes[name] = (row.kernel, row.kernel, channels // row.groups, row.filters)
            channels = row.filters
    return shapes
