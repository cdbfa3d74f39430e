"""The networks that the tensors of a file fit."""

from collections.abc import Mapping

from keras_alexnet.checkpoints.dialects import Dialect, Slot
from keras_alexnet.checkpoints.naming import find_dialect
from keras_alexnet.checkpoints.sources import WeightSource
from keras_alexnet.checkpoints.targets import KINDS, aliases_in, conv_kernels, variants_of
from keras_alexnet.formats.arrays import StoredArray
from keras_alexnet.formats.errors import CheckpointError, errors_about
from keras_alexnet.variants import Variant, get_variant, list_variants

Slots = Mapping[Slot, str]


def networks_of(arrays: Mapping[str, StoredArray]) -> list[str]:
    """Return the variants that a file's tensors fit, by their names and shapes.

    Several variants have the same shapes; of those, the file's program may have had only one.

    Raises:
        CheckpointError: If no known program uses such names.

    Example:

    >>> import numpy as np
    >>> from keras_alexnet.formats.arrays import MemoryArray
    >>> networks_of({"conv1/0": MemoryArray(np.zeros((96, 3, 11, 11)))})
    ['bvlc', 'caffenet']
    """
    return [name for name in list_variants() if _can_be(arrays, get_variant(name))]


def network_of(source: WeightSource, variant: str | None = None) -> str:
    """Return the variant that weights belong to; a `variant` that the caller names agrees with it.

    Raises:
        UserError: If neither the caller nor the file names it, and names and shapes fit several
            variants, or none.
    """
    named = source.card.variant or variant
    if named is not None:
        return named
    contents = source.contents
    with errors_about(f"{contents.path!r} was not loaded."):
        names = networks_of(contents.arrays)
    if len(names) != 1:
        raise _unknown(contents.path, names)
    return names[0]


def arguments_for(source: WeightSource, variant: Variant) -> dict:
    """Return the `classes` and `input_shape` of `AlexNet` with which the tensors of a file fit.

    Raises:
        UserError: If no known program uses such names of tensors.
    """
    arrays = source.contents.arrays
    with errors_about(f"{source.contents.path!r} was not loaded."):
        dialect, slots = _slots(arrays, variant)
    convs = conv_kernels(arrays, slots, dialect)
    channels = convs["conv1"][2] if "conv1" in convs else 3
    bias = slots.get(Slot(_above(variant)[-1], "bias"))
    size = source.card.input_size or variant.input_size
    return {
        "classes": variant.classes if bias is None else arrays[bias].size,
        "input_shape": (size, size, channels),
    }


def has_classifier(source: WeightSource, variant: str | None = None) -> bool:
    """Return whether weights include layers that `include_top=False` leaves out.

    Raises:
        UserError: If the network is not known.
    """
    record = get_variant(network_of(source, variant))
    _, slots = _slots(source.contents.arrays, record)
    return any(slot.layer in _above(record) for slot in slots)


def _can_be(arrays: Mapping[str, StoredArray], variant: Variant) -> bool:
    """Return whether a file has a variant's layers, all of them or all but the classifier."""
    dialect, slots = _slots(arrays, variant)
    if dialect.variants and variant.name not in dialect.variants:
        return False
    kernels = conv_kernels(arrays, slots, dialect)
    if "conv1" in kernels:  # it may be for gray images
        height, width, _, filters = kernels["conv1"]
        kernels["conv1"] = (height, width, 3, filters)
    others = {slot.layer for slot in slots} - set(kernels)
    return others in (set(_above(variant)), set()) and variant.name in variants_of(kernels)


def _above(variant: Variant) -> list[str]:
    """Return the layers with weights that `include_top=False` leaves out."""
    return [name for name, row in variant.classifier if type(row) in KINDS]


def _slots(arrays: Mapping[str, StoredArray], variant: Variant) -> tuple[Dialect, Slots]:
    """Return the dialect of a file, and the names of its tensors by their slots in a variant."""
    aliases = aliases_in(variant)
    dialect = find_dialect(arrays, aliases)
    found = {dialect.translate(name, aliases): name for name in arrays}
    return dialect, {slot: name for slot, name in found.items() if slot is not None}


def _unknown(path: str, names: list[str]) -> CheckpointError:
    if not names:
        return CheckpointError(
            f"The tensors in {path!r} fit none of the networks, by their names and shapes.",
            f"The networks are: {', '.join(list_variants())}.",
            "Build a model as the one that was saved, and pass it.",
        )
    titles = ", ".join(f"{name!r} ({get_variant(name).title})" for name in names)
    return CheckpointError(
        f"The tensors in {path!r} fit several networks, by their names and shapes: {titles}.",
        "The network of the weights must be known, because these compute differently.",
        f"Pass variant={names[0]!r}, say (--variant {names[0]}).",
    )
