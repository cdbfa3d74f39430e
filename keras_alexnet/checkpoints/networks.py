"""Which networks the tensors of a file can be of."""

from collections.abc import Mapping

from keras_alexnet.checkpoints.errors import CheckpointError, not_loaded, refused
from keras_alexnet.checkpoints.naming import Dialect, Slot, recognise
from keras_alexnet.checkpoints.provenance import claimed_variant
from keras_alexnet.checkpoints.reading import Contents
from keras_alexnet.checkpoints.reading.arrays import StoredArray
from keras_alexnet.checkpoints.registry import Checkpoint
from keras_alexnet.checkpoints.targets import KINDS, aliases_in, conv_kernels, variants_of
from keras_alexnet.variants import Variant, get_variant, list_variants

Slots = Mapping[Slot, str]


def networks_of(arrays: Mapping[str, StoredArray]) -> list[str]:
    """Return the variants whose layers a file's tensors are, by their names and shapes.

    Several have the same shapes, and of those the file's program may have had one only.

    Args:
        arrays: What the file holds.

    Raises:
        CheckpointError: If the names are nobody's.

    Example:

    >>> import numpy as np
    >>> from keras_alexnet.checkpoints.reading.arrays import MemoryArray
    >>> networks_of({"conv1/0": MemoryArray(np.zeros((96, 3, 11, 11)))})
    ['bvlc', 'caffenet']
    """
    return [name for name in list_variants() if _can_be(arrays, get_variant(name))]


def network_of(
    contents: Contents, checkpoint: Checkpoint | None = None, variant: str | None = None
) -> str:
    """Return the one variant that a file's weights are of.

    Args:
        contents: The open file.
        checkpoint: The published checkpoint that it is, if that is known.
        variant: What the user says.

    Raises:
        UserError: If it can be several, or none, or is another one than the user says.
    """
    if variant is not None:
        get_variant(variant)
    if checkpoint is not None and variant not in (None, checkpoint.variant):
        raise refused(
            f"Received variant={variant!r} for {contents.path!r}, which is {checkpoint.title}.",
            f"It belongs to the variant {checkpoint.variant!r}.",
            "Leave the variant out.",
        )
    said = checkpoint.variant if checkpoint is not None else variant
    said = said or claimed_variant(contents.metadata)
    if said is not None:
        return said
    with not_loaded(contents.path):
        names = networks_of(contents.arrays)
    if len(names) != 1:
        raise _unknown(contents.path, names)
    return names[0]


def arguments_for(arrays: Mapping[str, StoredArray], variant: Variant) -> dict:
    """Return what `AlexNet` must be called with for a file of a variant's tensors to fit.

    These are the classes, the channels of the images, and whether there is a classifier at all.
    """
    dialect, slots = _slots(arrays, variant)
    convs = conv_kernels(arrays, slots, dialect)
    above = _above(variant)
    top = any(slot.layer in above for slot in slots)
    channels = convs["conv1"][2] if "conv1" in convs else 3
    bias = slots.get(Slot(above[-1], "bias"))
    size = variant.input_size if top else None
    return {
        "variant": variant.name,
        "include_top": top,
        "classes": variant.classes if bias is None else arrays[bias].size,
        "input_shape": (size, size, channels),
    }


def _can_be(arrays: Mapping[str, StoredArray], variant: Variant) -> bool:
    """Say whether a file's layers are a variant's, all of them or all but the classifier."""
    dialect, slots = _slots(arrays, variant)
    if dialect.variants and variant.name not in dialect.variants:
        return False
    kernels = conv_kernels(arrays, slots, dialect)
    if "conv1" in kernels:  # of gray images, say
        height, width, _, filters = kernels["conv1"]
        kernels["conv1"] = (height, width, 3, filters)
    others = {slot.layer for slot in slots} - set(kernels)
    return others in (set(_above(variant)), set()) and variant.name in variants_of(kernels)


def _above(variant: Variant) -> list[str]:
    """Return the layers with weights that `include_top=False` leaves out."""
    return [name for name, row in variant.classifier if type(row) in KINDS]


def _slots(arrays: Mapping[str, StoredArray], variant: Variant) -> tuple[Dialect, Slots]:
    """Return the dialect of a file, and the names of its tensors by what they are in a variant."""
    aliases = aliases_in(variant)
    dialect = recognise(arrays, aliases)
    found = {dialect.translate(name, aliases): name for name in arrays}
    return dialect, {slot: name for slot, name in found.items() if slot is not None}


def _unknown(path: str, names: list[str]) -> CheckpointError:
    if not names:
        return refused(
            f"The tensors in {path!r} are those of none of the networks, by their names and "
            "shapes.",
            f"One of these was expected: {', '.join(list_variants())}.",
            "Build a model as the one that was saved, and pass it.",
        )
    titles = ", ".join(f"{name!r} ({get_variant(name).title})" for name in names)
    return refused(
        f"The tensors in {path!r} are, by their names and shapes, those of {titles}.",
        "It must be known in which of these the weights were trained: they compute differently.",
        f"Pass variant={names[0]!r}, say (--variant {names[0]}).",
    )
