"""The mutants of each format by their numbers: the same number gives the same bytes again."""

import dataclasses
import functools
import random
from collections.abc import Callable

from fuzz import archives, arrays, blind, hdf5, pickles, protobufs, seeds, tables, tars


@dataclasses.dataclass(frozen=True)
class Format:
    """A format to be damaged.

    Args:
        name: Its name.
        damaged: Damages a whole file in ways that the format suggests.
        summed: Whether its checksums cover all numbers: damage that does not mend them must not
            change any.
    """

    name: str
    damaged: Callable[[random.Random, bytes, bytes], bytes]
    summed: bool = False

    @property
    def whole(self) -> tuple[bytes, ...]:
        """Whole files of this format."""
        return seeds.whole_files(self.name)


FORMATS = {
    row.name: row
    for row in (
        Format("torch_zip", archives.damaged, summed=True),
        Format("torch_legacy", pickles.damaged),
        Format("torch_tar", tars.damaged),
        Format("caffe", protobufs.damaged),
        Format("binaryproto", protobufs.damaged),
        Format("onnx", protobufs.damaged),
        Format("safetensors", tables.damaged),
        Format("npy", arrays.damaged),
        Format("npy_pickled", arrays.damaged),
        Format("npz", archives.damaged, summed=True),
        Format("pickle", pickles.damaged),
        Format("h5", hdf5.damaged),
        Format("weights_h5", hdf5.damaged),
        Format("keras", archives.damaged, summed=True),
    )
}


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A damaged file.

    Args:
        content: Its bytes.
        mended: Whether its checksums may have been made right.
    """

    content: bytes
    mended: bool


def prepare(row: Format) -> None:
    """Make what is made but once, so that it is not made anew in each process."""
    mutant(row, 0, 0)
    archives.bombs()
    _lenders()


@functools.cache
def _lenders() -> tuple[bytes, ...]:
    return tuple(content for row in FORMATS.values() for content in row.whole)


def mutant(row: Format, seed: int, number: int) -> Mutant:
    """Return one mutant: three quarters know the format, the others only bytes."""
    rng = random.Random(f"{row.name} {seed} {number}")
    content = rng.choice(row.whole)
    other = rng.choice(row.whole if rng.random() < 0.8 else _lenders())
    knowing = rng.random() < 0.75
    if knowing:
        lent = other if other in row.whole else content
        content = row.damaged(rng, content, lent)
    for _ in range(rng.choice((0, 0, 0, 1)) if knowing else rng.choice((1, 1, 2, 4))):
        content = blind.damaged(rng, content, other)
    return Mutant(content, knowing)
