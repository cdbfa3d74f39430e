"""Convolutions that XLA computes on a CPU by Eigen, where that is faster than YNNPACK.

XLA (jaxlib 0.10.2) takes YNNPACK wherever it can. Eigen needs 0.3 to 0.7 times as long for the
gradient for the kernel, and 0.7 to 0.9 times for large kernels in the other directions. YNNPACK
takes no result that is wider than the maps, and no kernel that is: a column more, which is dropped
or zero, leaves them to Eigen. For float64 Eigen is missing.
"""

import dataclasses
import functools
import math

FEW_IMAGES = 8  # with fewer, YNNPACK's gradient for the kernel is as fast or faster
LARGE_KERNEL = 400_000  # values, between half a conv4 of paper and conv5 of owt

Pair = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class EigenConvolution:
    """A convolution of channels-last maps, without groups and dilation.

    Args:
        maps: Images, height, width and channels of the maps.
        kernel: Height, width, channels and filters of the kernel.
        strides: Step of the window down and across.
        margins: Zeros before and after the rows, and the columns.
    """

    maps: tuple[int, int, int, int]
    kernel: tuple[int, int, int, int]
    strides: Pair
    margins: tuple[Pair, Pair]

    @property
    def is_faster(self) -> bool:
        """Return whether Eigen is to compute any direction."""
        return self._has_large_kernel or self._has_kernel_rule

    def __call__(self, x, kernel):
        """Return the convolution; its derivative is a forward-mode rule, as in `differentiable`."""
        import jax

        @jax.custom_jvp
        def forward(x, kernel):
            return self._wider(x, kernel) if self._has_large_kernel else self._plain(x, kernel)

        @forward.defjvp
        def _derivative(primals, tangents):
            x, kernel = primals
            dx, dkernel = tangents
            along_x = self._of_wider if self._has_large_kernel else self._plain
            along_kernel = self._of_blocks if self._has_kernel_rule else self._plain
            return forward(x, kernel), along_x(dx, kernel) + along_kernel(x, dkernel)

        return jax.checkpoint(forward, prevent_cse=False)(x, kernel)

    @functools.cached_property
    def _rows_and_columns(self) -> Pair:
        """Return height and width of the result."""
        rows, columns = (
            (size + sum(margin) - reach) // step + 1
            for size, margin, reach, step in zip(
                self.maps[1:3], self.margins, self.kernel, self.strides, strict=False
            )
        )
        return rows, columns

    @property
    def _has_large_kernel(self) -> bool:
        """Return whether the kernel is large, and the result as wide as the maps."""
        same = self.strides[1] == 1 and self.maps[2] == self._rows_and_columns[1]
        return same and math.prod(self.kernel) > LARGE_KERNEL

    @property
    def _has_kernel_rule(self) -> bool:
        """Return whether Eigen takes the gradient for the kernel, and is faster.

        XLA exchanges maps with a kernel that has more places, and nothing is fast for the result.
        """
        rows, columns = self._rows_and_columns
        places = (self.maps[1] + sum(self.margins[0])) * self._blocks
        enough = places > rows * (columns + self._more)
        return self.maps[0] >= FEW_IMAGES and 0 < 2 * self._more <= columns and enough

    @property
    def _reach(self) -> int:
        """Return the width of the kernel in blocks of as many columns as a stride."""
        return math.ceil(self.kernel[1] / self.strides[1])

    @property
    def _blocks(self) -> int:
        """Return the width of the maps in such blocks."""
        columns = self._rows_and_columns[1]
        return self.maps[2] if self.strides[1] == 1 else columns - 1 + self._reach

    @property
    def _more(self) -> int:
        """Return how many columns more make the result wider than the maps."""
        return self._blocks - self._rows_and_columns[1] + 1

    def _plain(self, x, kernel):
        return _conv(x, kernel, self.strides, self.margins)

    def _wider(self, x, kernel):
        """Convolve, with a column more, which is dropped."""
        rows, (left, right) = self.margins
        return _conv(x, kernel, self.strides, (rows, (left, right + 1)))[:, :, :-1]

    def _of_wider(self, x, kernel):
        """Convolve maps with a column more, so that the transposition's result is the wider one."""
        import jax.numpy as jnp

        rows, (left, right) = self.margins
        x = jnp.pad(x, ((0, 0), (0, 0), (0, 1), (0, 0)))
        return _conv(x, kernel, self.strides, (rows, (left, right - 1)))

    def _of_blocks(self, x, kernel):
        """Convolve so that the transposition's kernel, a change of the result, is the wider one.

        The maps lie as the transposition takes them. Columns of one block are channels.
        """
        import jax
        import jax.numpy as jnp

        step, left, columns = self.strides[1], self.margins[1][0], self._rows_and_columns[1]
        if step > 1:
            right = self._blocks * step - self.maps[2] - left
            zero = jnp.zeros((), x.dtype)
            x = jax.lax.pad(x, zero, ((0, 0, 0), (0, 0, 0), (left, right, 0), (0, 0, 0)))
            x, left = x.reshape(*x.shape[:2], self._blocks, -1), 0
            after = self._reach * step - self.kernel[1]
            kernel = jnp.pad(kernel, ((0, 0), (0, after), (0, 0), (0, 0)))
            kernel = kernel.reshape(self.kernel[0], self._reach, -1, self.kernel[3])
        x = jnp.pad(x, ((0, 0), self.margins[0], (0, 0), (0, 0)))
        x = jax.lax.optimization_barrier(x.transpose(3, 1, 2, 0))
        margins = (0, 0), (left, self._reach - left)
        y = _conv(x, kernel, (self.strides[0], 1), margins, "CHWN")
        return y[:, :, :columns]


def _conv(x, kernel, strides, margins, order="NHWC"):
    import jax

    numbers = order, "HWIO", "NHWC"
    return jax.lax.conv_general_dilated(x, kernel, strides, margins, dimension_numbers=numbers)
