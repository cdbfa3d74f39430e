"""Max pooling out of slices that compilers fuse: value and derivatives."""

import dataclasses

from keras import ops


@dataclasses.dataclass(frozen=True)
class MaxPool:
    """y = the largest value of each window; its gradient goes to the first place with that value.

    XLA computes the gradient of a pooling window by window, TensorFlow's own kernel value by
    value. Here each of the size x size places in a window is one strided slice of x, with that
    place of all windows. The gradient is computed for rows and columns modulo the strides, and
    needs no scatter: forward and gradient take a quarter of XLA's time on a CPU and half of
    TensorFlow's (examples/benchmarks/layers.py).

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
        y = None
        for part in self._parts(x).values():
            y = part if y is None else ops.maximum(y, part)
        return y

    def vjp(self, x, dy):
        """Return the gradient for x given the one for y."""
        zeros = ops.zeros_like(dy)
        chosen = self._at_maximum(x, self.forward(x), dict.fromkeys(self._places(), dy), zeros)
        columns = []
        for row in range(self.strides):
            planes = [self._plane(x, chosen, row, column) for column in range(self.strides)]
            columns.append(self._interleave(planes, self.axes[1]))
        return self._fit(self._interleave(columns, self.axes[0]), x)

    def jvp(self, x, dx):
        """Return y and its change along dx."""
        y = self.forward(x)
        maxima = ops.stop_gradient(self._maxima(x))
        chosen = self._at_maximum(x, maxima, self._parts(dx), ops.zeros_like(y))
        return y, sum(chosen.values())

    def _maxima(self, x):
        """Return y as `forward` does, by the backend's own pooling.

        `jvp` compares y with each of the size x size places in the windows. XLA merges the slices
        of `forward` with every one of these comparisons, and computes them again in each: the
        gradient takes two and a half times as long on JAX. It does not merge a pooling.

        Args:
            x: `(batch, rows, columns, channels)`, or channels first, as `axes` says.

        Returns:
            The maxima, of the shape of x but for `axes`, which have a value for each window.
        """
        data_format = "channels_last" if self.axes == (1, 2) else "channels_first"
        return ops.max_pool(x, self.size, self.strides, "valid", data_format=data_format)

    def _places(self):
        return [(row, column) for row in range(self.size) for column in range(self.size)]

    def _counts(self, x):
        """Return how many windows there are down and across."""
        return [(x.shape[axis] - self.size) // self.strides + 1 for axis in self.axes]

    def _parts(self, x) -> dict:
        """Return a dict from each place in a window to the values there, of all windows.

        The values are slices of the rows and columns that are equal modulo the strides: XLA's
        transposition of such slices is fast as well.
        """
        planes = {
            remainder: _slice(x, self.axes, remainder, [None, None], self.strides)
            for remainder in {
                (row % self.strides, column % self.strides) for row, column in self._places()
            }
        }
        counts = self._counts(x)
        parts = {}
        for row, column in self._places():
            plane = planes[row % self.strides, column % self.strides]
            start = row // self.strides, column // self.strides
            stop = [first + count for first, count in zip(start, counts, strict=True)]
            parts[row, column] = _slice(plane, self.axes, start, stop, 1)
        return parts

    def _at_maximum(self, x, y, values: dict, zeros) -> dict:
        """Return `values` where the window's maximum y is first found at that place, else 0."""
        taken, chosen = None, {}
        for place, part in self._parts(x).items():
            here = ops.equal(part, y)
            first = here if taken is None else ops.logical_and(here, ops.logical_not(taken))
            taken = here if taken is None else ops.logical_or(taken, here)
            chosen[place] = ops.where(first, values[place], zeros)
        return chosen

    def _plane(self, x, chosen, row, column):
        """Return the gradient of the rows and columns with these remainders modulo the strides."""
        counts, reach = self._counts(x), (self.size - 1) // self.strides
        total = None
        for place, part in chosen.items():
            if (place[0] % self.strides, place[1] % self.strides) != (row, column):
                continue
            padding = [(0, 0)] * 4
            for axis, offset in zip(self.axes, place, strict=True):
                before = offset // self.strides
                padding[axis] = (before, reach - before)
            padded = ops.pad(part, padding)
            total = padded if total is None else total + padded
        if total is None:  # strides wider than the window: nothing falls here
            shape = list(ops.shape(x))
            for axis, count in zip(self.axes, counts, strict=True):
                shape[axis] = count + reach
            total = ops.zeros(shape, x.dtype)
        return total

    def _interleave(self, planes, axis):
        """Join planes whose positions along an axis alternate."""
        stacked = ops.stack(planes, axis=axis + 1)
        shape = [-1, *stacked.shape[1:]]
        shape[axis : axis + 2] = [shape[axis] * shape[axis + 1]]
        return ops.reshape(stacked, shape)

    def _fit(self, gradient, x):
        """Cut or pad the end, where no window reaches, to the size of x."""
        stop = [min(gradient.shape[axis], x.shape[axis]) for axis in self.axes]
        gradient = _slice(gradient, self.axes, (0, 0), stop, 1)
        padding = [(0, 0)] * 4
        for axis in self.axes:
            padding[axis] = (0, x.shape[axis] - gradient.shape[axis])
        return ops.pad(gradient, padding) if any(after for _, after in padding) else gradient


def _slice(x, axes, start, stop, step):
    """Slice two axes of x."""
    index = [slice(None)] * 4
    for axis, first, end in zip(axes, start, stop, strict=True):
        index[axis] = slice(first, end, step)
    return x[tuple(index)]
