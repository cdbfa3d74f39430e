"""`Placement`: copies a file's numbers into a model's layout, a block of rows at a time."""

import dataclasses
import functools
import math
import re
import threading
from collections.abc import Callable, Mapping

import numpy as np

from keras_alexnet.formats.arrays import StoredArray

# 64 rows, transposed, are 256 bytes on each page of the target. In memory the rows have gaps of 64
# bytes between them: at distances that are a multiple of 4096 bytes, as fc6's and fc7's are, all
# would compete for the same lines of a CPU's first cache. They are transposed by tiles that fit its
# second cache, and written from there.
BLOCK_ROWS = 64
GAP_BYTES = 64
TILE_BYTES = 1 << 19
BLOCK_BYTES = 1 << 20  # of a copy without transposition


@dataclasses.dataclass(frozen=True)
class Piece:
    """A tensor of a file that holds all outputs of a variable, or some of them.

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


Check = Callable[[Piece, np.ndarray], None]


class Scratch(threading.local):
    """Memory that each thread uses again: fresh pages cost more than filling them."""

    def __init__(self) -> None:
        self._buffers: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Return an array of undefined values, in the memory that had this name before."""
        size = math.prod(shape) * dtype.itemsize
        if name not in self._buffers or len(self._buffers[name]) < size:
            self._buffers[name] = np.empty(size, np.uint8)
        return self._buffers[name][:size].view(dtype).reshape(shape)


@dataclasses.dataclass(frozen=True)
class Placement:
    """The tensors that a variable is made of, and the way from their layout to its own.

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

    def fill(
        self, target: np.ndarray, run: Callable = map, check: Check = lambda piece, rows: None
    ) -> None:
        """Write all numbers into an array of the variable's shape, C-contiguous, of any float type.

        Args:
            target: The array.
            run: Calls a function for each of several arguments, such as a thread pool's `map`.
            check: Called for each piece and some of its rows, in any order and shape, while a
                CPU's cache holds them.
        """
        if self.summed:
            sizes = {**self.sizes, "I": self.summed}
            colours = np.empty(shape_of(self.wanted, sizes), target.dtype)
            dataclasses.replace(self, sizes=sizes, summed=0).fill(colours, run, check)
            np.sum(colours, axis=axes_of(self.wanted).index("I"), keepdims=True, out=target)
            return
        same = self.stored == self.wanted
        view = target.reshape(shape_of(self.wanted if same else axes_of(self.wanted), self.sizes))
        if self.reverse:
            view = np.flip(view, axes_of(self.wanted).index("I"))
        copy = self._copy if same else functools.partial(self._transpose, Scratch())
        for piece in self.pieces:
            target = view[..., piece.first : piece.first + piece.outputs]
            write = functools.partial(copy, piece, target, functools.partial(check, piece))
            step = BLOCK_ROWS if self.stored[0] == "O" else self._unit(piece)
            first, *others = row_blocks(piece.array, 0 if same else step)
            write(first)  # alone: it may decode all of the tensor
            list(run(write, others))

    def _unit(self, piece: Piece) -> int:
        """Return the number of stored rows for one index of the first axis."""
        axis = axes_of(self.stored)[0]
        return piece.array.shape[0] // (piece.outputs if axis == "O" else self.sizes[axis])

    def _copy(
        self, piece: Piece, target: np.ndarray, check: Callable, block: tuple[int, int]
    ) -> None:
        """Copy stored rows into `target`, which has the stored layout."""
        rows = target[slice(*block)]
        if self.scale == 1 and rows.dtype == piece.array.dtype:
            piece.array.read_into(rows, block[0])
            check(rows)
        else:
            values = self._scaled(piece.array.read(*block))
            check(values)
            rows[...] = values

    def _transpose(
        self,
        scratch: Scratch,
        piece: Piece,
        target: np.ndarray,
        check: Callable,
        block: tuple[int, int],
    ) -> None:
        """Copy stored rows into `target`, which has each of the wanted axes on its own."""
        axes, wanted = axes_of(self.stored), axes_of(self.wanted)
        sizes = {**self.sizes, "O": piece.outputs}
        first, stop = (row // self._unit(piece) for row in block)
        shape = tuple(sizes[axis] for axis in axes[1:])
        length, gap = math.prod(shape), GAP_BYTES // piece.array.dtype.itemsize
        values = scratch.array("rows", (stop - first, length + gap), piece.array.dtype)[:, :length]
        piece.array.read_into(values, block[0])
        values = self._scaled(values)
        check(values)
        values = values.reshape(-1, *shape)
        order = [axes.index(axis) for axis in wanted]
        step = max(1, TILE_BYTES * shape[0] // (values.size * values.itemsize))
        for start in range(0, shape[0], step):
            tile = values[:, start : start + step].transpose(order)
            small = scratch.array("tile", tile.shape, tile.dtype)
            small[...] = tile
            ranges = {axes[0]: slice(first, stop), axes[1]: slice(start, start + step)}
            target[tuple(ranges.get(axis, slice(None)) for axis in wanted)] = small

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        """Return values, which are overwritten, times the scale."""
        if self.scale != 1:
            values *= values.dtype.type(self.scale)
        return values


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
    """Return the starts and stops of blocks of rows: about a megabyte each, or `step` rows.

    >>> import numpy as np
    >>> from keras_alexnet.formats.arrays import MemoryArray
    >>> row_blocks(MemoryArray(np.zeros((5, 1))), step=2)
    [(0, 2), (2, 4), (4, 5)]
    """
    rows = array.shape[0] if array.shape else 1
    step = step or max(1, BLOCK_BYTES * rows // max(array.nbytes, 1))
    return [(start, min(start + step, rows)) for start in range(0, rows, step)]
