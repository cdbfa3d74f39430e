"""The size arithmetic of a variant: what becomes of an image's height on its way through."""

import dataclasses

from keras_alexnet.variants.records import Conv, Pool, Variant


@dataclasses.dataclass(frozen=True)
class Step:
    """One layer's effect on a size: `text` shows the sum, `output` is what it comes to."""

    layer: str
    text: str
    output: int


def size_steps(variant: Variant, size: int) -> list[Step]:
    """Follow one side of an image through the network, up to the first layer that cannot be.

    Args:
        variant: The network.
        size: Height or width of the image in pixels.

    Example:

    >>> from keras_alexnet import get_variant
    >>> [step.output for step in size_steps(get_variant("bvlc"), 227) if "pool" in step.layer]
    [27, 13, 6]
    """
    steps = []
    for name, row in variant.features:
        if not isinstance(row, Conv | Pool):
            continue
        text, size = _conv_step(row, size) if isinstance(row, Conv) else _pool_step(row, size)
        steps.append(Step(name, text, size))
        if size < 1:
            break
    return steps


def fits(variant: Variant, size: int) -> bool:
    """Say whether images of this size leave at least one row after every layer."""
    return size_steps(variant, size)[-1].output >= 1


def smallest_size(variant: Variant) -> int:
    """Return the smallest image size that the network's features accept.

    Example:

    >>> from keras_alexnet import get_variant
    >>> smallest_size(get_variant("owt")), smallest_size(get_variant("bvlc"))
    (63, 67)
    """
    return next(size for size in range(1, variant.input_size + 1) if fits(variant, size))


def _conv_step(conv: Conv, size: int) -> tuple[str, int]:
    if conv.padding == "same":
        return f"ceil({size} / {conv.strides})", -(-size // conv.strides)
    padding = sum(conv.padding)  # type: ignore[arg-type]
    added = f" + {padding}" if padding else ""
    return (
        f"({size}{added} - {conv.kernel}) // {conv.strides} + 1",
        (size + padding - conv.kernel) // conv.strides + 1,
    )


def _pool_step(pool: Pool, size: int) -> tuple[str, int]:
    if pool.ceil:
        text = f"ceil(({size} - {pool.size}) / {pool.strides}) + 1"
        return text, -((pool.size - size) // pool.strides) + 1
    text = f"({size} - {pool.size}) // {pool.strides} + 1"
    return text, (size - pool.size) // pool.strides + 1
