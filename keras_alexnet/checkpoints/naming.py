"""The dialects: how each program names its tensors; and the one that a file has."""

import dataclasses
from collections.abc import Mapping

from keras_alexnet.checkpoints.dialects import Dialect, Slot
from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, first_eight, quoted

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")


def _named(*names: str) -> dict[str, str | tuple[str, int]]:
    """Return our layers by another program's names of them."""
    return dict(zip(names, LAYERS, strict=True))


STAGES = ("stage1", "stage2", "stage3", "stage3", "stage3")
UNITS = ("unit1", "unit1", "unit1", "unit2", "unit3")
TORCH_PARTS = {"weight": "kernel", "bias": "bias"}
KERAS_PARTS = {
    **{part + end: part for part in ("kernel", "bias") for end in ("", ":0")},
    "vars/0": "kernel",
    "vars/1": "bias",
}
NUMBERED = {"0": "kernel", "1": "bias"}
TOWERS = {
    f"conv{number}{half}": (f"conv{number}", "ab".index(half))
    for number in "12345"
    for half in "ab"
}

TORCHVISION = Dialect(
    name="torchvision",
    title="torchvision's AlexNet",
    pattern=r"(?P<layer>(?:features|classifier)\.\d+)\.(?P<part>weight|bias)",
    layers=_named(
        *[f"features.{number}" for number in (0, 3, 6, 8, 10)],
        *[f"classifier.{number}" for number in (1, 4, 6)],
    ),
    parts=TORCH_PARTS,
    variants=("owt",),
    wrapped=True,
)
IMGCLSMOB_TORCH = Dialect(
    name="imgclsmob_torch",
    title="imgclsmob's AlexNets for PyTorch",
    pattern=r"(?P<layer>features\.stage\d\.unit\d|output\.fc\d)"
    r"(?:\.(?:conv|fc))?\.(?P<part>weight|bias)",
    layers=_named(
        *[f"features.{stage}.{unit}" for stage, unit in zip(STAGES, UNITS, strict=True)],
        *[f"output.fc{number}" for number in (1, 2, 3)],
    ),
    parts=TORCH_PARTS,
    variants=("ungrouped", "owt"),
    wrapped=True,
)
IMGCLSMOB_TF2 = Dialect(
    name="imgclsmob_tf2",
    title="imgclsmob's AlexNets for TensorFlow",
    # TensorFlow's versions differ in how often they repeat the names around a layer.
    pattern=r"(?:.*/)?(?P<layer>stage\d/unit\d|output1/fc\d)/(?:(?:conv|fc)[^/]*/)*"
    r"(?P<part>kernel|bias)(?::0)?",
    layers=_named(
        *[f"{stage}/{unit}" for stage, unit in zip(STAGES, UNITS, strict=True)],
        *[f"output1/fc{number}" for number in (1, 2, 3)],
    ),
    parts=KERAS_PARTS,
    conv="HWIO",
    dense="IO",
    flattened="(CHW)O",  # the network transposes its maps before it flattens them
    variants=("ungrouped", "owt"),
)
CAFFE = Dialect(
    name="caffe",
    title="Caffe's AlexNet and CaffeNet",
    pattern=r"(?P<layer>\w+)/(?P<part>[01])",
    layers=_named(*LAYERS),
    parts=NUMBERED,
    order="bgr",
    variants=("bvlc", "caffenet"),
)
TORONTO = dataclasses.replace(
    CAFFE,
    name="toronto",
    title="caffe-tensorflow's conversions of Caffe's networks",
    conv="HWIO",
    dense="IO",
    flattened="(HWC)O",
)
ONNX_ZOO = dataclasses.replace(
    CAFFE,
    name="onnx_zoo",
    title="the ONNX model zoo's conversions of Caffe's networks",
    pattern=r"(?P<layer>\w+)_(?P<part>[wb])_0",
    parts={"w": "kernel", "b": "bias"},
    ignored=r"OC2_DUMMY_\d+",  # shapes for its reshaping
)
PADDLE = Dialect(
    name="paddle",
    title="PaddlePaddle's AlexNet",
    pattern=r"(?P<layer>_(?:conv|fc)\d)(?:\._conv)?\.(?P<part>weight|bias)",
    layers=_named(*[f"_{name}" for name in LAYERS]),
    parts=TORCH_PARTS,
    dense="IO",
    flattened="(CHW)O",
    variants=("owt",),
    # Its dropout, in front of fc6 and fc7, halves at test time instead of doubling in training.
    scale={"fc6": 0.5, "fc7": 0.5},
    ignored=r"StructuredToParameterName@@.*",
)
TWO_TOWERS = Dialect(
    name="two_towers",
    title="two-tower networks with the convolutions of each tower on their own",
    pattern=r"(?P<layer>conv\d[ab]?|fc\d)[/.](?P<part>kernel|bias)",
    layers={**_named(*LAYERS), **TOWERS},
    parts=KERAS_PARTS,
    conv="HWIO",
    dense="IO",
    flattened="(HWC)O",
    order=None,
)
KERAS = Dialect(
    name="keras",
    title="this package's own files",
    pattern=r"(?:.*[/.])?(?P<layer>[^/.]+)[/.](?P<part>vars/[01]|(?:kernel|bias)(?::0)?)",
    layers=None,
    parts=KERAS_PARTS,
    conv="HWIO",
    dense="IO",
    flattened="(HWC)O",
    order=None,
    ignored=r"(?:.*/)?optimizer/.*|(?:.*/)?seed_generator\w*/.*|.*/vars/stream",
    own=True,
)
# Where two fit equally well, the first is taken.
DIALECTS = (
    KERAS,
    TORCHVISION,
    CAFFE,
    TORONTO,
    IMGCLSMOB_TF2,
    IMGCLSMOB_TORCH,
    ONNX_ZOO,
    PADDLE,
    TWO_TOWERS,
)


# The dialect of a file with a graph, which gives the slots whatever the names are.
GRAPH = Dialect(
    name="onnx_graph",
    title="an ONNX graph's layers",
    pattern="",
    layers={},
    parts={},
    order=None,
)


def find_dialect(arrays: Mapping[str, StoredArray], aliases: Mapping[str, str]) -> Dialect:
    """Return the dialect that knows most of the names, and whose convolutions have these shapes.

    If the file has a graph of layers, that graph decides the slots and layouts.

    Args:
        arrays: The arrays of the file by name.
        aliases: Layers of the model, by the names that they may have in files of ours.

    Raises:
        CheckpointError: If no dialect knows any name, if the file holds several networks, or if a
            tensor that the dialect knows cannot be read.

    Example:

    >>> import numpy as np
    >>> from keras_alexnet.formats.arrays import MemoryArray
    >>> find_dialect({"conv1/0": MemoryArray(np.zeros((96, 3, 11, 11)))}, {}).name
    'caffe'
    >>> find_dialect({"conv1/0": MemoryArray(np.zeros((11, 11, 3, 96)))}, {}).name
    'toronto'
    """
    best = _by_names(arrays, aliases)
    by_graph = _by_graph(arrays, aliases, best)
    if not (best or by_graph):
        raise _unknown(arrays)
    if by_graph is None and len(best) > 1:
        prefixes = first_eight([quoted(dialect.prefix) for dialect in best])
        raise CheckpointError(
            f"The file holds several networks: {prefixes}.",
            "The file must hold one network.",
            "Save the one that you want alone: torch.save(model.state_dict(), path).",
        )
    found = by_graph or best[0]
    for name, array in arrays.items():
        if found.translate(name, aliases) is not None:
            array.require()
    return found


def _by_names(arrays: Mapping[str, StoredArray], aliases: Mapping[str, str]) -> list[Dialect]:
    """Return the dialect that knows most of the names, once for each prefix it fits with."""
    best, known = list[Dialect](), 0
    for dialect in DIALECTS:
        for found in dialect.found_in(arrays, aliases):
            slots = {name: found.translate(name, aliases) for name in arrays}
            count = sum(slot is not None for slot in slots.values())
            if count >= max(known, 1) and _has_square_kernels(found, arrays, slots):
                if count > known:
                    best, known = [found], count
                elif found.name == best[0].name:
                    best.append(found)
    return best


def _by_graph(
    arrays: Mapping[str, StoredArray], aliases: Mapping[str, str], named: list[Dialect]
) -> Dialect | None:
    """Return the dialect of a graph, if the file has one of an AlexNet's layers.

    The names still tell which program made the file, unless they contradict the graph.
    """
    uses = {name: array.use for name, array in arrays.items() if array.use is not None}
    layers = {"conv": LAYERS[:5], "dense": LAYERS[5:]}
    counts = dict.fromkeys(layers, 0)
    for use in uses.values():
        counts[use.kind] = max(counts[use.kind], use.number + 1)
    if counts["conv"] != len(layers["conv"]) or counts["dense"] > len(layers["dense"]):
        return None
    slots = {name: Slot(layers[use.kind][use.number], use.part) for name, use in uses.items()}
    found = dataclasses.replace(
        GRAPH,
        slots=slots,
        turned=frozenset(slots[name].layer for name, use in uses.items() if use.turned),
        flattened="O(HWC)" if any(use.channels_last for use in uses.values()) else "O(CHW)",
    )
    base = named[0] if named else GRAPH
    known = {name: base.translate(name, aliases) for name in slots}
    if base.own or any(known[name] not in (None, slot) for name, slot in slots.items()):
        return found
    return dataclasses.replace(
        found, name=base.name, title=base.title, order=base.order, variants=base.variants
    )


def _has_square_kernels(dialect: Dialect, arrays, slots) -> bool:
    """Return whether every convolution's kernel is as high as wide, as all of AlexNet's are."""
    height, width = dialect.conv.index("H"), dialect.conv.index("W")
    shapes = [
        arrays[name].shape
        for name, slot in slots.items()
        if slot is not None and len(arrays[name].shape) == 4
    ]
    others = (1, 1)  # Caffe once kept everything in four axes, biases and matrices as well
    return all(shape[height] == shape[width] for shape in shapes if shape[:2] != others)


def _unknown(arrays: Mapping[str, StoredArray]) -> CheckpointError:
    some = [quoted(name) for name, array in arrays.items() if not array.is_unread]
    unread = [quoted(name) for name, array in arrays.items() if array.is_unread]
    received = (
        f"The file holds the tensors {first_eight(some)}." if some else "The file holds no tensors."
    )
    remedy = "Rename the tensors, or save them with model.save_weights(...) from an AlexNet model."
    if unread:
        received += f" It also holds objects that are not tensors: {first_eight(unread)}."
        remedy = "Save the weights alone: torch.save(model.state_dict(), path)."
    titles = "; ".join(dialect.title for dialect in DIALECTS)
    return CheckpointError(
        received, f"Names and shapes must be those of one of these: {titles}.", remedy
    )
