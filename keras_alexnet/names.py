"""Names of variants, checkpoints and recipes, in every spelling that users write.

Case does not matter, and `-` and a space stand for `_`. The names that other programs give a
network are accepted as well. If such a name fits several networks, a warning says which is used.
"""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from keras_alexnet.errors import UserError, warn

__all__ = ["OTHER_NAMES", "did_you_mean"]

ANY = "alexnet"  # fits every network here


@dataclasses.dataclass(frozen=True)
class OtherName:
    """The variant that another program's name stands for.

    Args:
        variant: Name of the variant.
        remark: A warning that the name fits other networks as well; empty if it fits no other.
    """

    variant: str
    remark: str = ""


OTHER_NAMES: Mapping[str, OtherName] = MappingProxyType(
    {
        ANY: OtherName(
            "paper",
            "The name 'alexnet' fits several networks: it is taken for 'paper', the network of the "
            "paper. torchvision's is 'owt' and Caffe's is 'bvlc'.",
        ),
        "torchvision": OtherName("owt"),  # torchvision.models.alexnet
        "one_weird_trick": OtherName("owt"),  # arXiv:1404.5997
        "caffe": OtherName(
            "bvlc",
            "Caffe has two such networks: 'caffe' is taken for 'bvlc', its AlexNet. Its CaffeNet "
            "is 'caffenet'.",
        ),
        "bvlc_alexnet": OtherName("bvlc"),  # Caffe, models/bvlc_alexnet
        "bvlc_reference_caffenet": OtherName("caffenet"),  # Caffe, models/bvlc_reference_caffenet
        "alexnet_v2": OtherName("slim_v2"),  # tf_slim/nets/alexnet.py
    }
)


def normalized(name: str) -> str:
    """Return a name in lower case, with `_` for `-` and spaces.

    >>> normalized("CIFAR10-19pct")
    'cifar10_19pct'
    """
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def known_name(name: object, names: Iterable[str]) -> str | None:
    """Return the name in a table that a user's name stands for, `None` if there is none.

    Warns:
        UserWarning: If the user's name fits several networks.

    Example:

    >>> known_name("Torchvision", ["paper", "owt"])
    'owt'
    """
    known = list(names)
    if not isinstance(name, str) or name in known:
        return name if isinstance(name, str) else None
    key = normalized(name)
    if key in known:
        return key
    other = OTHER_NAMES.get(key)
    if other is None or other.variant not in known:
        return None
    if other.remark:
        warn(other.remark)
    return other.variant


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Return "Did you mean ...?" with the most similar name; empty if no name is similar.

    The names that other programs give to a variant count, if the variant is among the names.

    Example:

    >>> did_you_mean("papr", ["owt", "paper"]), did_you_mean("x", ["owt", "paper"])
    ("Did you mean 'paper'?", '')
    """
    known = {normalized(each): each for each in names}
    known |= {key: key for key, other in OTHER_NAMES.items() if other.variant in known}
    close = difflib.get_close_matches(normalized(str(name)), known, n=1)
    return f"Did you mean {known[close[0]]!r}?" if close else ""


def unknown_name(kind: str, name: object, names: Iterable[str], remedy: str = "") -> UserError:
    """Return the error for a name that no table has, with the known ones and the most similar.

    Args:
        kind: A singular noun for what the name should be, such as "recipe".
        name: What was received.
        names: The known names.
        remedy: A sentence that says what to do if no name is similar.

    Example:

    >>> print(unknown_name("recipe", "papr", ["paper", "owt"]))
    Received recipe='papr', which is not known. The recipes are: paper, owt. Did you mean 'paper'?
    """
    known = list(names)
    return UserError(
        f"Received {kind}={name!r}, which is not known.",
        f"The {kind}s are: {', '.join(known)}.",
        did_you_mean(name, known) or remedy or "Choose one of them.",
    )
