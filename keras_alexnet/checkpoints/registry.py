"""The published checkpoints, looked up by name."""

import dataclasses
import difflib
import os

from keras_alexnet.errors import UserError, explain
from keras_alexnet.short_repr import short_repr
from keras_alexnet.variants import get_variant, list_variants
from keras_alexnet.variants.records import Pixels


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """A published accuracy; parts of all images, not percent.

    Args:
        top1: Part of the images whose class came first.
        top5: Part whose class was among the first five.
        transform: How images were made into inputs when it was measured.
        source: Who says so.
        data: What was classified.
    """

    top1: float
    top5: float
    transform: str
    source: str
    data: str = "ImageNet validation images (ILSVRC-2012)"


@dataclasses.dataclass(frozen=True)
class Sample:
    """Public values of a convolution's kernel: what a right copy has in that place.

    Args:
        layer: The layer.
        filter: The filter, from 0.
        channel: The channel of its input.
        row: The row.
        column: The column of the first value.
        values: It and the next ones along the row.
        tolerance: How far they may be off, for they are public with a few digits only.
    """

    layer: str
    filter: int
    channel: int
    row: int
    column: int
    values: tuple[float, ...]
    tolerance: float


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """One published file of weights.

    Args:
        name: The name that `AlexNet(weights=...)` takes.
        title: What it is, in a few words.
        variant: The network it belongs to, by a name that `list_variants()` gives.
        filename: Name of the file of weights.
        urls: Where it can be had, the best place first.
        hashes: All that are known, the strongest first, each `"algorithm:hexadecimal digits"`.
            The algorithm `"sha256-prefix"` stands for the first digits of a sha256.
        size: Size of the file in bytes, `None` if not known.
        member: If the urls are of a zip archive, the name of the file in it; size and hashes
            are of that file.
        formats: What kind of file it is, by names of `checkpoints.reading`: several where the
            sources do not say which of them.
        dialect: How its tensors are named and laid out, by a name of `checkpoints.naming`.
        licence: Under which terms it was published.
        pixels: How images must be prepared for it.
        accuracies: What was published about how good it is, its own authors' figure first.
        source: Where all this stands.
        class_order: In which order the classes are: `"wordnet"` is by WordNet identifier, from
            n01440764 (tench) to n15075141 (toilet tissue).
        samples: Values that are public.
        remark: What else one should know, in a sentence.
    """

    name: str
    title: str
    variant: str
    filename: str
    urls: tuple[str, ...]
    hashes: tuple[str, ...]
    size: int | None
    formats: tuple[str, ...]
    dialect: str
    licence: str
    pixels: Pixels
    accuracies: tuple[Accuracy, ...]
    source: str
    member: str | None = None
    class_order: str = "wordnet"
    samples: tuple[Sample, ...] = ()
    remark: str = ""

    __repr__ = short_repr("name", "variant", "filename")


def list_checkpoints() -> list[str]:
    """Return the names of all published checkpoints that are known, the best documented first.

    Example:

    >>> list_checkpoints()[:3]
    ['owt_torchvision', 'bvlc_caffe', 'caffenet_caffe']
    """
    from keras_alexnet.checkpoints.table import CHECKPOINTS

    return list(CHECKPOINTS)


def get_checkpoint(name: str) -> Checkpoint:
    """Return the frozen record of a published checkpoint.

    Args:
        name: A name that `list_checkpoints` gives.

    Raises:
        UserError: (a `ValueError`) if there is no such checkpoint.

    Example:

    >>> get_checkpoint("owt_torchvision").filename
    'alexnet-owt-7be5be79.pth'
    """
    from keras_alexnet.checkpoints.table import CHECKPOINTS

    if isinstance(name, str) and name in CHECKPOINTS:
        return CHECKPOINTS[name]
    raise UserError(
        explain(
            f"Received the checkpoint {name!r}, which is not known.",
            f"The published checkpoints are: {', '.join(CHECKPOINTS)}.",
            _near(name) or "Choose one of them.",
        )
    )


def checkpoints_of(variant: str) -> list[str]:
    """Return the names of the checkpoints of a variant, the best documented first.

    Example:

    >>> checkpoints_of("caffenet")
    ['caffenet_caffe', 'caffenet_onnx']
    """
    return [name for name in list_checkpoints() if get_checkpoint(name).variant == variant]


def imagenet_checkpoint(variant: str) -> Checkpoint:
    """Return what `weights="imagenet"` means for a variant: the best documented checkpoint.

    Raises:
        UserError: If no weights of the variant were ever published; it names those that have any.

    Example:

    >>> imagenet_checkpoint("bvlc").name
    'bvlc_caffe'
    """
    get_variant(variant)
    names = checkpoints_of(variant)
    if names:
        return get_checkpoint(names[0])
    having = [other for other in list_variants() if checkpoints_of(other)]
    raise UserError(
        explain(
            f"Received weights='imagenet' for the variant {variant!r}, of which no weights are "
            "published.",
            f"The variants with published weights are: {', '.join(having)}.",
            f"Build one of those, such as AlexNet({having[0]!r}, weights='imagenet'), or leave "
            "`weights` out to start from initial values.",
        )
    )


def named_checkpoint(weights, variant: str | None = None) -> Checkpoint | None:
    """Return the published checkpoint that `weights` names, `None` if it is a path.

    Args:
        weights: A name, `"imagenet"`, or a path.
        variant: The network to be loaded into, if it is known.

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
    if weights == "imagenet":
        if variant is None:
            raise UserError(
                explain(
                    "Received 'imagenet', which means another checkpoint for each network.",
                    f"A path or one of {', '.join(list_checkpoints())} was expected.",
                    "Or build the network with AlexNet(..., weights='imagenet').",
                )
            )
        return imagenet_checkpoint(variant)
    if weights not in list_checkpoints():
        if not os.path.exists(weights):
            raise _neither(weights)
        return None
    checkpoint = get_checkpoint(weights)
    if variant not in (None, checkpoint.variant):
        raise UserError(
            explain(
                f"Received weights={weights!r} for the variant {variant!r}.",
                f"They belong to the variant {checkpoint.variant!r}, which computes otherwise.",
                f"Build AlexNet({checkpoint.variant!r}, weights={weights!r}).",
            )
        )
    return checkpoint


def _neither(weights: str) -> UserError:
    """Return the error for what is neither a name nor a file."""
    received = f"Received the weights {weights!r}, which is no published checkpoint and no file."
    if os.path.basename(weights) != weights or os.path.splitext(weights)[1]:
        received = f"Received the path {weights!r}, but there is no such file."
    return UserError(
        explain(
            received,
            f"The path of a file or one of {', '.join(list_checkpoints())} was expected.",
            _near(weights) or f"Check the spelling; the current folder is {os.getcwd()!r}.",
        )
    )


def _near(name) -> str:
    """Return the question whether a similar name was meant, empty if there is none."""
    close = difflib.get_close_matches(str(name).lower(), list_checkpoints(), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""
