"""Records of published checkpoints: files, accuracies, known values."""

import dataclasses

from keras_alexnet.short_repr import short_repr
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
        formats: What kind of file it is, by names of `formats`: several where the
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
