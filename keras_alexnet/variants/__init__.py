"""The published AlexNets: names and records of the variants."""

from __future__ import annotations

from keras_alexnet.names import ANY, known_name, normalized, unknown_name
from keras_alexnet.type_aliases import VariantName
from keras_alexnet.variants.records import Variant
from keras_alexnet.variants.table import VARIANTS


def list_variants() -> list[str]:
    """Return the names of all variants, the paper's first.

    Example:

    >>> list_variants()[:3]
    ['paper', 'source2012', 'source2012_half']
    """
    return list(VARIANTS)


def get_variant(name: VariantName) -> Variant:
    """Return the frozen record of a variant.

    Args:
        name: A name that `list_variants` returns, in any case and with `-` for `_`; or the name in
            another program: `"torchvision"` is `owt`, `"caffe"` is `bvlc`, `"alexnet"` is `paper`.

    Raises:
        UserError: (a `ValueError`) if there is no such variant.

    Warns:
        UserWarning: If the name fits several networks, as `"alexnet"` and `"caffe"` do.

    Example:

    >>> get_variant("owt").parameters
    61100840
    """
    known = known_variant(name)
    if known is not None:
        return VARIANTS[known]
    remedy = "Choose one of them: `keras-alexnet list` describes each."
    raise unknown_name("variant", name, VARIANTS, remedy)


def known_variant(name: object) -> str | None:
    """Return the variant that a name stands for in any program; `None` if there is none.

    Warns:
        UserWarning: If the name fits several networks.
    """
    return known_name(name, VARIANTS)


def named_variant(name: str | None) -> str | None:
    """Return the variant that a name stands for, or `None` if the weights decide it.

    They decide it if there is no name, and for `"alexnet"`, which fits every variant.

    Raises:
        UserError: If there is no such variant.
    """
    if name is None or (isinstance(name, str) and normalized(name) == ANY):
        return None
    return get_variant(name).name


__all__ = ["Variant", "get_variant", "list_variants"]
