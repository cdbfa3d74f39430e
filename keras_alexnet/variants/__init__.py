"""Every published AlexNet as a row of one table."""

import difflib

from keras_alexnet.errors import UserError, explain
from keras_alexnet.variants.records import Variant
from keras_alexnet.variants.table import VARIANTS


def list_variants() -> list[str]:
    """Return the names of all variants, the paper's first.

    Example:

    >>> list_variants()[:3]
    ['paper', 'source2012', 'source2012_half']
    """
    return list(VARIANTS)


def get_variant(name: str) -> Variant:
    """Return the frozen record of a variant.

    Args:
        name: A name that `list_variants` gives.

    Raises:
        UserError: (a `ValueError`) if there is no such variant.

    Example:

    >>> get_variant("owt").parameters
    61100840
    """
    if isinstance(name, str) and name in VARIANTS:
        return VARIANTS[name]
    close = difflib.get_close_matches(str(name).lower(), VARIANTS, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    raise UserError(
        explain(
            f"Received variant={name!r}, which is not known.",
            f"The variants are: {', '.join(VARIANTS)}.",
            f"{hint}`keras-alexnet list` says what each is.",
        )
    )


__all__ = ["Variant", "get_variant", "list_variants"]
