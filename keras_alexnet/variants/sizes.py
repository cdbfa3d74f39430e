"""The size arithmetic of a variant: the height of the maps after each layer."""

import dataclasses

from keras_alexnet.variants.records import Conv, Pool, Variant


@dataclasses.dataclass(frozen=True)
class LayerSize:
    """The size of one layer's output; `text` shows the arithmetic."""

    layer: str
    text: str
    output: int


def layer_sizes(variant: Variant, size: int) -> list[LayerSize]:
    """Return the sizes after each layer, up to the first layer whose output would be empty.

    Args:
        variant: The network.
        size: Height or width of the image in pixels.

    Example:

    >>> from keras_alexnet import get_variant
    >>> [one.output for one in layer_sizes(get_variant("bvlc"), 227) if "pool" in one.layer]
    [27, 13, 6]
    """
    sizes = []
    for name, row in variant.features:
        if not isinstance(row, Conv | Pool):
            continue
        text, size = _conv_size(row, size) if isinstance(row, Conv) else _pool_size(row, size)
        sizes.append(LayerSize(name, text, size))
        if size < 1:
            break
    return sizes


def fits(variant: Variant, size: int) -> bool:
    """Return whether every layer has at least one row of output for images of this size."""
    return layer_sizes(variant, size)[-1].output >= 1


def smallest_size(variant: Variant) -> int:
    """Return the smallest image size that the network's features accept.

    Example:

    >>> from keras_alexnet import get_variant
    >>> smallest_size(get_variant("owt")), smallest_size(get_variant("bvlc"))
    (63, 67)
    """
    return next(size for size in range(1, variant.input_size + 1) if fits(variant, size))


def _conv_size(conv: Conv, size: int) -> tuple[str, int]:
    if conv.padding == "same":
        return f"ceil({size} / {conv.strides})", -(-size // conv.strides)
    padding = sum(conv.padding)  # type: ignore[arg-type]
    added = f" + {padding}" if padding else ""
    return (
        f"({size}{added} - {conv.kernel}) // {conv.strides} + 1",
        (size + padding - conv.kernel) // conv.strides + 1,
    )


def _pool_size(pool: Pool, size: int) -> tuple[str, int]:
    if pool.ceil:
        text = f"ceil(({size} - {pool.size}) / {pool.strides}) + 1"
        return text, -((pool.size - size) // pool.strides) + 1
    text = f"({size} - {pool.size}) // {pool.strides} + 1"
    return text, (size - pool.size) // pool.strides + 1
