"""The published checkpoints, looked up by name."""

from __future__ import annotations

import os

from keras_alexnet.errors import UserError, warn
from keras_alexnet.names import ANY, did_you_mean, normalized, unknown_name
from keras_alexnet.published.records import Checkpoint
from keras_alexnet.published.table import CHECKPOINTS
from keras_alexnet.type_aliases import CheckpointName
from keras_alexnet.variants import get_variant, known_variant, list_variants

__all__ = ["checkpoints_of", "get_checkpoint", "list_checkpoints"]

BEST = ("imagenet", "default", ANY)  # the best documented checkpoint of a variant
TORCHVISION_NAMES = {"imagenet1k_v1": "owt_torchvision"}  # torchvision, AlexNet_Weights


def list_checkpoints() -> list[str]:
    """Return the names of the known published checkpoints, the best documented first.

    Example:

    >>> list_checkpoints()[:3]
    ['owt_torchvision', 'bvlc_caffe', 'caffenet_caffe']
    """
    return list(CHECKPOINTS)


def get_checkpoint(name: CheckpointName) -> Checkpoint:
    """Return the frozen record of a published checkpoint.

    Args:
        name: A name that `list_checkpoints` gives, or another that `AlexNet(weights=name)` takes.

    Raises:
        UserError: (a `ValueError`) if there is no such checkpoint.

    Example:

    >>> get_checkpoint("owt_torchvision").filename
    'alexnet-owt-7be5be79.pth'
    """
    known = known_checkpoint(name)
    if known is not None:
        return known
    raise unknown_name("checkpoint", name, CHECKPOINTS)


def known_checkpoint(name: object, variant: str | None = None) -> Checkpoint | None:
    """Return the published checkpoint of a name, `None` if there is none.

    Case does not matter, and `-` stands for `_`. These names are known:

    - the names of `list_checkpoints`, and torchvision's `"IMAGENET1K_V1"`;
    - `"imagenet"`, torchvision's `"DEFAULT"` and `"alexnet"`: the best documented checkpoint of
      `variant`, or of `owt` without it;
    - each name that `get_variant` takes: the best documented checkpoint of that variant.

    Args:
        name: The name.
        variant: The variant that the weights are for, if it is known.

    Raises:
        UserError: If the name means a variant without published weights.

    Warns:
        UserWarning: If the name fits several networks.

    Example:

    >>> known_checkpoint("DEFAULT").name, known_checkpoint("Caffenet").name
    ('owt_torchvision', 'caffenet_caffe')
    """
    if not isinstance(name, str):
        return None
    key = name if name in CHECKPOINTS else normalized(name).removeprefix("alexnet_weights.")
    key = TORCHVISION_NAMES.get(key, key)
    if key in CHECKPOINTS:
        return CHECKPOINTS[key]
    if key in BEST:
        if key == ANY and variant is None:
            warn(
                "The name 'alexnet' fits several networks: its weights are taken to be those of "
                "'owt', torchvision's network. Caffe's network is 'bvlc'."
            )
        return imagenet_checkpoint(variant or "owt")
    known = known_variant(name)
    return None if known is None else imagenet_checkpoint(known)


def checkpoints_of(variant: str) -> list[str]:
    """Return the names of the checkpoints of a variant, the best documented first.

    Example:

    >>> checkpoints_of("caffenet")
    ['caffenet_caffe', 'caffenet_onnx']
    """
    return [name for name in list_checkpoints() if get_checkpoint(name).variant == variant]


def imagenet_checkpoint(variant: str) -> Checkpoint:
    """Return the checkpoint of `weights="imagenet"` for a variant: the best documented one.

    Raises:
        UserError: If no weights of the variant are published; it names the variants that have some.

    Example:

    >>> imagenet_checkpoint("bvlc").name
    'bvlc_caffe'
    """
    get_variant(variant)
    names = checkpoints_of(variant)
    if names:
        return get_checkpoint(names[0])
    others = [other for other in list_variants() if checkpoints_of(other)]
    raise UserError(
        f"Received weights='imagenet' for the variant {variant!r}, of which no weights are "
        "published.",
        f"The variants with published weights are: {', '.join(others)}.",
        f"Build one of those, such as AlexNet({others[0]!r}, weights='imagenet'), or leave "
        "`weights` out to start from initial values.",
    )


def named_checkpoint(
    weights, variant: str | None = None, argument: str = "weights"
) -> Checkpoint | None:
    """Return the published checkpoint that `weights` names, `None` if it is a path.

    If a file has the name, the file is meant, except for `"imagenet"` and the names of
    `list_checkpoints`.

    Args:
        weights: A name, as `known_checkpoint` takes it, or a path.
        variant: The variant that the weights are for, if it is known.
        argument: Name of the argument of the public call that `weights` was given for.

    Raises:
        UserError: If it is the name of a checkpoint of another network, `"imagenet"` for a network
            without published weights, or neither a name nor a file that exists.

    Example:

    >>> named_checkpoint("imagenet", "owt").name
    'owt_torchvision'
    >>> named_checkpoint(__file__) is None
    True
    """
    if not isinstance(weights, str):
        return None
    if weights not in ("imagenet", *list_checkpoints()) and os.path.isfile(weights):
        return None
    checkpoint = known_checkpoint(weights, variant)
    if checkpoint is None:
        if not os.path.exists(weights):
            raise _neither(weights, argument)
        return None
    if variant not in (None, checkpoint.variant):
        raise UserError(
            f"Received weights={weights!r} for the variant {variant!r}.",
            "The weights must belong to the network that is built: these belong to the variant "
            f"{checkpoint.variant!r}, which computes differently.",
            f"Build AlexNet({checkpoint.variant!r}, weights={weights!r}).",
        )
    return checkpoint


def _neither(weights: str, argument: str) -> UserError:
    """Return the error for weights, or a model, that are neither a name nor a file."""
    names = ", ".join(list_checkpoints())
    with_weights = {get_checkpoint(name).variant for name in list_checkpoints()}
    kind = "weights"
    expected = f"Weights must be the path of a file, 'imagenet', or one of {names}."
    if argument == "model":
        kind = "model"
        expected = f"The model must be a .keras file, a file of weights, or one of {names}."
    received = f"Received the {kind} {weights!r}, which is no published checkpoint and no file."
    if os.path.basename(weights) != weights or os.path.splitext(weights)[1]:
        received = f"Received the path {weights!r}, but there is no such file."
    return UserError(
        received,
        expected,
        did_you_mean(weights, (*list_checkpoints(), *BEST, *with_weights))
        or f"Check the spelling; the current folder is {os.getcwd()!r}.",
    )
