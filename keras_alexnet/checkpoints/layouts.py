"""From the order of a file's numbers to that of a model's, a block of rows at a time."""

import dataclasses
import functools
import math
import re
import threading
from collections.abc import Callable, Mapping

import numpy as np

from keras_alexnet.formats.arrays import StoredArray

# 64 rows, transposed, are 256 bytes on each of the pages that are written to. They are read to
# places that lie 64 bytes further apart than they are long: at distances that are a multiple of
# 4096 bytes, as fc6's and fc7's are, all would compete for the same lines of a CPU's first cache.
# They are transposed by tiles that fit its second cache, and written from there.
BLOCK_ROWS = 64
GAP_BYTES = 64
TILE_BYTES = 1 << 19
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


Check = Callable[[Piece, np.ndarray], None]


class Scratch(threading.local):
    """Memory of each thread's own that it uses again: fresh pages cost more than filling them."""

    def __init__(self) -> None:
        self._rooms: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Return an array of any values, in the memory that had this name before."""
        size = math.prod(shape) * dtype.itemsize
        if name not in self._rooms or len(self._rooms[name]) < size:
            self._rooms[name] = np.empty(size, np.uint8)
        return self._rooms[name][:size].view(dtype).reshape(shape)


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

    def fill(
        self, target: np.ndarray, run: Callable = map, check: Check = lambda piece, rows: None
    ) -> None:
        """Write all numbers into an array of the variable's shape, C-contiguous, of any float type.

        Args:
            target: The array.
            run: What calls a function for each of several arguments, such as a thread pool's `map`.
            check: What is called for each piece and some of its rows, in any order and shape,
                while a CPU's cache holds them.
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
        way = self._copy if same else functools.partial(self._transpose, Scratch())
        for piece in self.pieces:
            part = view[..., piece.first : piece.first + piece.outputs]
            write = functools.partial(way, piece, part, functools.partial(check, piece))
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

    def _copy(
        self, piece: Piece, part: np.ndarray, check: Callable, block: tuple[int, int]
    ) -> None:
        """Copy stored rows into `part`, which has the stored layout."""
        rows = part[slice(*block)]
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
        part: np.ndarray,
        check: Callable,
        block: tuple[int, int],
    ) -> None:
        """Copy stored rows into `part`, which has each of the wanted axes on its own."""
        axes, wanted = axes_of(self.stored), axes_of(self.wanted)
        sizes = {**self.sizes, "O": piece.outputs}
        first, stop = (row // self._unit(piece) for row in block)
        shape = tuple(sizes[axis] for axis in axes[1:])
        values = self._rows(scratch, piece, block[0], stop - first, math.prod(shape))
        check(values)
        values = values.reshape(-1, *shape)
        order = [axes.index(axis) for axis in wanted]
        step = max(1, TILE_BYTES * shape[0] // (values.size * values.itemsize))
        for start in range(0, shape[0], step):
            tile = values[:, start : start + step].transpose(order)
            small = scratch.array("tile", tile.shape, tile.dtype)
            small[...] = tile
            ranges = {axes[0]: slice(first, stop), axes[1]: slice(start, start + step)}
            part[tuple(ranges.get(axis, slice(None)) for axis in wanted)] = small

    def _rows(
        self, scratch: Scratch, piece: Piece, start: int, count: int, length: int
    ) -> np.ndarray:
        """Return elements from a stored row on, as `count` rows with a gap between them."""
        gap = GAP_BYTES // piece.array.dtype.itemsize
        room = scratch.array("rows", (count, length + gap), piece.array.dtype)
        rows = room[:, :length]
        piece.array.read_into(rows, start)
        return self._scaled(rows)

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
    """Return where blocks of rows start and stop: about a megabyte each, or `step` rows.

    >>> import numpy as np
    >>> from keras_alexnet.formats.arrays import MemoryArray
    >>> row_blocks(MemoryArray(np.zeros((5, 1))), step=2)
    [(0, 2), (2, 4), (4, 5)]
    """
    rows = array.shape[0] if array.shape else 1
    step = step or max(1, BLOCK_BYTES * rows // max(array.nbytes, 1))
    return [(start, min(start + step, rows)) for start in range(0, rows, step)]
