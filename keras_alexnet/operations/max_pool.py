"""Max pooling out of slices that compilers fuse: value and derivatives."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from keras import ops

NOWHERE = -1  # in place of a window beyond the border


@dataclasses.dataclass(frozen=True)
class MaxPool:
    """y = the largest value of each window; its gradient goes to the first place with that value.

    XLA computes the gradient of a pooling window by window and scatters it. Here each value of the
    gradient is gathered. The places of a window are numbered, and each window's place is found
    once. The image is cut into blocks of as many rows and columns as a stride, so that window i
    covers the blocks i to i + `_reach` along each axis: the values of a block come from as many
    windows, and at the same place of each block from the same numbers. A compiler can
    make one loop of that (times: examples/benchmarks/layers.py).

    Args:
        size: Side of the window.
        strides: Step of the window.
        axes: The two axes of the image's height and width, which must be known.
    """

    size: int
    strides: int
    axes: tuple[int, int]

    numbers = ()  # every attribute decides the program: see `Response`

    @property
    def structure(self) -> "MaxPool":
        """Return the operation itself."""
        return self

    def filled(self) -> "MaxPool":
        """Return the operation itself."""
        return self

    def forward(self, x):
        """Return y."""
        y, *parts = self._parts(x)
        for part in parts:
            y = ops.maximum(y, part)
        return y

    def vjp(self, x, dy):
        """Return the gradient for x given the one for y."""
        places, dy = self._places(x, self.forward(x)), self._bordered(dy, 0)
        blocks = 0
        for shift, numbers in self._shifts():
            here = ops.equal(self._covering(places, shift), numbers)
            blocks += ops.where(here, self._covering(dy, shift), ops.zeros((), dy.dtype))
        return self._from_blocks(blocks, x)

    def jvp(self, x, dx):
        """Return y and its change along dx."""
        y = self.forward(x)
        places, blocks = self._places(x, ops.stop_gradient(y)), self._blocks(dx)
        change = 0
        for shift, numbers in self._shifts():
            here = ops.equal(self._covering(places, shift), numbers)
            values = ops.where(here, blocks, ops.zeros((), dx.dtype))
            values = ops.sum(values, [axis + 1 for axis in self._block_axes])
            change += _slice(values, self.axes, shift, self._counts(x))
        return y, change

    @property
    def _reach(self) -> int:
        """Return how many blocks a window covers after its first, along each axis."""
        return -(-self.size // self.strides) - 1

    @property
    def _block_axes(self) -> tuple[int, int]:
        """Return the two axes of the blocks; each is followed by the one within a block."""
        return self.axes[0], self.axes[1] + 1

    def _counts(self, x) -> list[int]:
        """Return how many windows there are down and across."""
        return [(x.shape[axis] - self.size) // self.strides + 1 for axis in self.axes]

    def _parts(self, x) -> list:
        """Return for each place in a window, row by row, the values there, of all windows.

        They are slices of the rows and columns that are equal modulo the strides: XLA's
        transposition of such slices is fast as well.
        """
        places = list(np.ndindex(self.size, self.size))
        planes = {
            remainder: _slice(x, self.axes, remainder, step=self.strides)
            for remainder in {(row % self.strides, column % self.strides) for row, column in places}
        }
        return [
            _slice(
                planes[row % self.strides, column % self.strides],
                self.axes,
                (row // self.strides, column // self.strides),
                self._counts(x),
            )
            for row, column in places
        ]

    def _places(self, x, y):
        """Return the number of the place where each window's maximum y is first found, bordered."""
        found = ops.full_like(y, self.size**2, dtype="int32")  # where y is no number: not found
        for number, part in reversed(list(enumerate(self._parts(x)))):
            found = ops.where(ops.equal(part, y), number, found)
        return self._bordered(found, NOWHERE)

    def _bordered(self, windows, value):
        """Put `_reach` windows with this value around all others."""
        padding = [(0, 0)] * 4
        for axis in self.axes:
            padding[axis] = (self._reach, self._reach)
        return ops.pad(windows, padding, constant_values=value)

    def _shifts(self) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        """Yield how many blocks a window lies before a block, and the numbers that block has in it.

        The numbers are of shape (strides, strides), with axes of length 1 for all others.
        """
        shape = [1] * 6
        for axis in self._block_axes:
            shape[axis + 1] = self.strides
        for shift in np.ndindex(self._reach + 1, self._reach + 1):
            rows, columns = (self.strides * blocks + np.arange(self.strides) for blocks in shift)
            rows = rows[:, None]
            inside = (rows < self.size) & (columns < self.size)
            numbers = np.where(inside, rows * self.size + columns, self.size**2 + 1)
            yield shift, numbers.reshape(shape).astype("int32")

    def _covering(self, bordered, shift):
        """Return for each block the window that lies before it by the shift, with block axes."""
        start = [self._reach - blocks for blocks in shift]
        counts = [bordered.shape[axis] - self._reach for axis in self.axes]
        windows = _slice(bordered, self.axes, start, counts)
        for axis in self._block_axes:
            windows = ops.expand_dims(windows, axis + 1)
        return windows

    def _blocks(self, x):
        """Cut x into the blocks that windows cover, with zeros where it ends earlier."""
        counts = [count + self._reach for count in self._counts(x)]
        x = self._fitted(x, [count * self.strides for count in counts])
        shape = [-1, *x.shape[1:]]
        for axis, count in zip(self._block_axes, counts, strict=True):
            shape[axis : axis + 1] = [count, self.strides]
        return ops.reshape(x, shape)

    def _from_blocks(self, blocks, x):
        """Join blocks to an image of the size of x, with zeros where no window reaches."""
        shape = [-1, *x.shape[1:]]
        for axis, block_axis in zip(self.axes, self._block_axes, strict=True):
            shape[axis] = blocks.shape[block_axis] * self.strides
        return self._fitted(ops.reshape(blocks, shape), [x.shape[axis] for axis in self.axes])

    def _fitted(self, x, sizes):
        """Cut or pad the end of x to these sizes."""
        padding = [(0, 0)] * 4
        for axis, size in zip(self.axes, sizes, strict=True):
            padding[axis] = (0, max(0, size - x.shape[axis]))
        x = _slice(x, self.axes, (0, 0), sizes)
        return ops.pad(x, padding) if any(after for _, after in padding) else x


def _slice(x, axes, start, counts=(None, None), step=1):
    """Slice two axes of x from a start; a count of `None` is up to the end."""
    index = [slice(None)] * 4
    for axis, first, count in zip(axes, start, counts, strict=True):
        index[axis] = slice(first, None if count is None else first + count, step)
    return x[tuple(index)]
