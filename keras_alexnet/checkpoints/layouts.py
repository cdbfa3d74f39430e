"""From the order of a file's numbers to that of a model's, a block of rows at a time."""

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Mapping

import numpy as np

from keras_alexnet.checkpoints.reading.arrays import StoredArray

# 64 rows, transposed, are 256 bytes on each of the pages that are written to. In between they lie
# 64 bytes further apart than they are long: at distances that are a multiple of 4096 bytes, as
# fc6's and fc7's are, all would compete for the same lines of a CPU's first cache. It is twice as
# fast as without.
BLOCK_ROWS = 64
GAP_BYTES = 64
BLOCK_BYTES = 1 << 20  # what is only copied


@dataclasses.dataclass(frozen=True)
class Piece:
    """A tensor of a file that is all outputs of a variable, or some of them.

    Args:
        name: Its name in the file.
        array: The tensor.
        first: The output of the variable that its first one becomes.
        outputs: How many it has.
    """

    name: str
    array: StoredArray
    first: int
    outputs: int


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where the numbers of a variable come from.

    Args:
        pieces: The tensors, side by side along the outputs.
        stored: Their layout, as `naming.Dialect` writes it.
        wanted: The variable's layout. It ends with O.
        sizes: The variable's size along each axis.
        scale: Factor on all numbers.
        reverse: Whether the input channels are taken in reverse: from BGR to RGB or back.
        summed: The number of input channels in the file if they are summed to one, else 0.
    """

    pieces: tuple[Piece, ...]
    stored: str
    wanted: str
    sizes: Mapping[str, int]
    scale: float = 1.0
    reverse: bool = False
    summed: int = 0

    def fill(self, target: np.ndarray, run: Callable = map) -> None:
        """Write all numbers into an array of the variable's shape, C-contiguous, of any float type.

        Args:
            target: The array.
            run: What calls a function for each of several arguments, such as a thread pool's `map`.
        """
        if self.summed:
            sizes = {**self.sizes, "I": self.summed}
            colours = np.empty(shape_of(self.wanted, sizes), target.dtype)
            dataclasses.replace(self, sizes=sizes, summed=0).fill(colours, run)
            np.sum(colours, axis=axes_of(self.wanted).index("I"), keepdims=True, out=target)
            return
        same = self.stored == self.wanted
        view = target.reshape(shape_of(self.wanted if same else axes_of(self.wanted), self.sizes))
        if self.reverse:
            view = np.flip(view, axes_of(self.wanted).index("I"))
        for piece in self.pieces:
            part = view[..., piece.first : piece.first + piece.outputs]
            write = functools.partial(self._copy if same else self._transpose, piece, part)
            first, *others = self._blocks(piece)
            write(first)  # alone: it may decode all of the tensor
            list(run(write, others))

    def _blocks(self, piece: Piece) -> list[tuple[int, int]]:
        """Return where blocks of the stored rows start and stop."""
        if self.stored == self.wanted:
            return row_blocks(piece.array)
        return row_blocks(piece.array, BLOCK_ROWS if self.stored[0] == "O" else self._unit(piece))

    def _unit(self, piece: Piece) -> int:
        """Return how many of the stored rows belong to one step along the first axis."""
        axis = axes_of(self.stored)[0]
        return piece.array.shape[0] // (piece.outputs if axis == "O" else self.sizes[axis])

    def _copy(self, piece: Piece, part: np.ndarray, block: tuple[int, int]) -> None:
        """Copy stored rows into `part`, which has the stored layout."""
        part[slice(*block)] = self._read(piece, block)

    def _transpose(self, piece: Piece, part: np.ndarray, block: tuple[int, int]) -> None:
        """Copy stored rows into `part`, which has each of the wanted axes on its own."""
        axes, wanted = axes_of(self.stored), axes_of(self.wanted)
        sizes = {**self.sizes, "O": piece.outputs}
        values = self._read(piece, block).reshape(-1, *[sizes[axis] for axis in axes[1:]])
        rest = wanted.replace(axes[0], "")
        rows = _rows_apart(values.transpose(0, *[axes.index(axis) for axis in rest]))
        place = wanted.index(axes[0])
        first = block[0] // self._unit(piece)
        part[(slice(None),) * place + (slice(first, first + len(rows)),)] = np.moveaxis(
            rows, 0, place
        )

    def _read(self, piece: Piece, block: tuple[int, int]) -> np.ndarray:
        values = piece.array.read(*block)
        if self.scale != 1:
            values *= values.dtype.type(self.scale)
        return values


def _rows_apart(rows: np.ndarray) -> np.ndarray:
    """Return a copy of rows, each on its own in C order, with a gap between them in memory."""
    length, gap = math.prod(rows.shape[1:]), GAP_BYTES // rows.itemsize
    room = np.empty((len(rows), length + gap), rows.dtype)
    apart = room[:, :length].reshape(rows.shape)
    apart[...] = rows
    return apart


def axes_of(layout: str) -> str:
    """Return the axes of a layout, those in brackets one by one.

    >>> axes_of("O(CHW)")
    'OCHW'
    """
    return re.sub(r"[()]", "", layout)


def shape_of(layout: str, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Return the shape of an array with a layout.

    >>> shape_of("O(CHW)", {"O": 4096, "C": 256, "H": 6, "W": 6})
    (4096, 9216)
    """
    groups = re.findall(r"\(\w+\)|\w", layout)
    return tuple(math.prod(sizes[axis] for axis in axes_of(group)) for group in groups)


def row_blocks(array: StoredArray, step: int = 0) -> list[tuple[int, int]]:
    """Return where blocks of rows start and stop: about a megabyte each, or `step` rows.

    >>> import numpy as np
    >>> from keras_alexnet.checkpoints.reading.arrays import MemoryArray
    >>> row_blocks(MemoryArray(np.zeros((5, 1))), step=2)
    [(0, 2), (2, 4), (4, 5)]
    """
    rows = array.shape[0] if array.shape else 1
    step = step or max(1, BLOCK_BYTES * rows // max(array.nbytes, 1))
    return [(start, min(start + step, rows)) for start in range(0, rows, step)]
