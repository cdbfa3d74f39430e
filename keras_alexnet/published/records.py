"""Records of published checkpoints: files, accuracies, known values."""

import dataclasses

from keras_alexnet.short_repr import short_repr
from keras_alexnet.variants.records import Pixels


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """A published accuracy: fractions of all images, not percent.

    Args:
        top1: Fraction of the images whose class came first.
        top5: Fraction of the images whose class was among the first five.
        transform: The preparation of images for this measurement.
        source: The publication of the figures.
        data: The images that were classified.
    """

    top1: float
    top5: float
    transform: str
    source: str
    data: str = "ImageNet validation images (ILSVRC-2012)"


@dataclasses.dataclass(frozen=True)
class Sample:
    """Published values of a convolution's kernel, which a right copy has.

    Args:
        layer: The layer.
        filter: The filter, from 0.
        channel: The channel of its input.
        row: The row.
        column: The column of the first value.
        values: The first and the next ones along the row.
        tolerance: The largest deviation: only a few digits are published.
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
        title: Its name in sentences.
        variant: The network it belongs to, by a name that `list_variants()` gives.
        filename: Name of the file of weights.
        urls: Addresses of downloads, the best first.
        hashes: All known hashes, the strongest first, each `"algorithm:hexadecimal digits"`.
            The algorithm `"sha256-prefix"` stands for the first digits of a sha256.
        size: Size of the file in bytes, `None` if not known.
        member: If the urls are of a zip archive, the name of the file in it; size and hashes
            are of that file.
        formats: Its format, by a name of `formats.sniffing`; several if the sources do not say
            which of them.
        dialect: Names and layouts of its tensors, by a name of `checkpoints.naming`.
        licence: Its licence.
        pixels: The preparation of images for it.
        accuracies: Its published accuracies, its own authors' figure first.
        source: The source of all this.
        class_order: Order of the classes: `"wordnet"` is by WordNet identifier, from n01440764
            (tench) to n15075141 (toilet tissue).
        samples: Published values of kernels.
        remark: A sentence of further information.
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

    def size_text(self) -> str:
        """Return the size of the file in MB, or that it is not published."""
        return "size not published" if self.size is None else f"{self.size / 1e6:,.0f} MB"
