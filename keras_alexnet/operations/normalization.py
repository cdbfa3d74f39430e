"""Local response normalization: y = x / (k + alpha * sums of x**2) ** beta."""

import dataclasses
from collections.abc import Callable

import numpy as np
from keras import backend, ops

from keras_alexnet.operations.derivatives import differentiable
from keras_alexnet.operations.exports import is_exporting
from keras_alexnet.operations.operation import Operation

ROOTS = (0.5, 0.75, 1)  # exponents without a general power, which costs far more


def local_response_normalization(x, response: "Response"):
    """Return x / (k + alpha * sums of x**2) ** beta, with a gradient that keeps x alone."""
    return differentiable(response)(x)


@dataclasses.dataclass(frozen=True)
class Response:
    """y = x * s**-beta with s = k + alpha * W(x**2); W sums windows, cut at the borders.

    `forward` is the formula. `vjp` and `jvp` are its derivatives.

    Args:
        k: The constant under the sum.
        alpha: The factor of the sum of squares.
        beta: The exponent.
        windows: One (axis, before, after) per axis over which W sums; none for an alpha of 0.
        groups: Number of groups of channels; windows stay inside one.
        channel_axis: The axis of the channels.
    """

    k: float
    alpha: float
    beta: float
    windows: tuple[tuple[int, int, int], ...]
    groups: int
    channel_axis: int

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Return k, alpha and beta."""
        return self.k, self.alpha, self.beta

    @property
    def structure(self) -> "Response":
        """Return the operation without k, alpha and beta, which decides the compiled program.

        A beta in `ROOTS` stays, because it changes the program.
        """
        return self._with(None, None, self.beta if self.beta in ROOTS else None)

    def filled(self, k, alpha, beta) -> "Response":
        """Return a structure with numbers, which may be tensors."""
        return self._with(k, alpha, beta if self.beta is None else self.beta)

    def _with(self, k, alpha, beta) -> "Response":
        return dataclasses.replace(self, k=k, alpha=alpha, beta=beta)

    def forward(self, x):
        """Return y."""
        wide = _widened(x)
        return ops.cast(wide * self._power(self._scale(wide))[0], x.dtype)

    def vjp(self, x, dy):
        """Return the gradient for x given the one for y.

        dx = s**-beta * dy - 2 alpha beta x * W'(dy * x * s**-beta / s), where W' is W with the
        window turned round.
        """
        wide, upstream = _widened(x), _widened(dy)
        scale = self._scale(wide)
        power, root = self._power(scale)
        dx = self._power_anew(power, root) * upstream
        if self.windows:  # as in `_scale`
            # In this order nothing overflows where the square does: there the power is 0.
            ratio = _divided(wide * power, scale, root)
            spread = self._window_sum(upstream * ratio, transposed=True)
            dx = dx - wide * ((2 * self.alpha * self.beta) * spread)
        return ops.cast(dx, x.dtype)

    def jvp(self, x, dx):
        """Return y and its change along dx: the same formula, read forwards."""
        wide, tangent = _widened(x), _widened(dx)
        scale = self._scale(wide)
        power, root = self._power(scale)
        y = wide * power
        dy = power * tangent
        if self.windows:  # as in `_scale`
            change = self._window_sum(wide * tangent, window_sum_of_change)
            dy = dy - (2 * self.alpha * self.beta) * _divided(y, scale, root) * change
        return ops.cast(y, x.dtype), ops.cast(dy, x.dtype)

    def _scale(self, x):
        if not self.windows:  # alpha is 0, and 0 times an overflowing square would be no number
            return ops.full_like(x, self.k)
        return self.k + self.alpha * self._window_sum(x * x)

    def _power(self, scale):
        """Return scale**-beta by roots where beta is one of `ROOTS`, and scale**-0.5 or `None`."""
        if ops.is_tensor(self.beta) or self.beta not in ROOTS:
            return ops.power(scale, -self.beta), None
        if self.beta == 1:
            return 1 / scale, None
        root = ops.rsqrt(scale)
        return (root if self.beta == 0.5 else root * ops.sqrt(root)), root

    def _power_anew(self, power, root):
        """Return the power, computed again where that is faster than to keep it."""
        return power if root is None or self.beta == 0.5 else three_halves(root, power)

    def _window_sum(self, x, summed: Callable | None = None, transposed: bool = False):
        shape = ops.shape(x)
        axis = self.channel_axis
        if self.groups > 1:
            width = shape[axis] // self.groups
            x = ops.reshape(x, (*shape[:axis], self.groups, width, *shape[axis + 1 :]))
        for window_axis, before, after in self.windows:
            if self.groups > 1 and window_axis >= axis:
                window_axis += 1
            reach = (after, before) if transposed else (before, after)
            x = (summed or window_sum)(x, window_axis, *reach)
        return ops.reshape(x, shape) if self.groups > 1 else x


def _widened(x):
    """Cast to float32 at least: the square of 256 already overflows float16."""
    return x if backend.standardize_dtype(x.dtype) == "float64" else ops.cast(x, "float32")


@Operation
def zero_padded(x, padding):
    """Return x with zeros before and after it, as many along each axis as its pair says."""
    return ops.pad(x, padding)


@zero_padded.override("torch")
def _zero_padded_torch(x, padding):
    """Pad without `keras.ops.pad`, which makes an object with a name (Keras 3.15).

    PyTorch's compiler gives up at what Keras does after that.
    """
    from torch.nn import functional

    return functional.pad(x, [count for pair in reversed(padding) for count in pair])


@Operation
def three_halves(root, power):
    """Return the power, which is root * sqrt(root)."""
    return power


@three_halves.override("tensorflow")
def _three_halves_tensorflow(root, power):
    """Compute the power again: XLA keeps what is used twice, which costs more than a square root.

    It merges two roots of one value, but not this one with the power's. No root is negative.
    """
    return root * ops.sqrt(ops.maximum(root, 0))


def _divided(x, scale, root):
    """Return x / scale. Where the root is there anyway, its square costs less than a division."""
    return x / scale if root is None else x * (root * root)


@Operation
def window_sum(x, axis: int, before: int, after: int):
    """Sum the neighbours `i - before .. i + after` along one axis, cut at its ends.

    Slices of the zero-padded input are added: a compiler fuses them into one pass over memory,
    which is faster on a CPU than a pooling operation or a product with a banded matrix.
    """
    padding = [(0, 0)] * len(x.shape)
    padding[axis] = (before, after)
    padded = zero_padded(x, padding)
    reach = before + after
    total = None
    for offset in range(reach + 1):
        index = [slice(None)] * len(x.shape)
        index[axis] = slice(offset, (offset - reach) or None)
        part = padded[tuple(index)]
        total = part if total is None else total + part
    return total


@window_sum.override("torch")
def _window_sum_torch(x, axis: int, before: int, after: int):
    """Sum the neighbours along one axis in place: fewer passes over memory than padded slices.

    Not in an export: PyTorch's tracer drops what is done in place to a part of a tensor. Its
    compiler makes one pass of the slices.
    """
    import torch

    if is_exporting() or torch.compiler.is_compiling():
        return window_sum.plain(x, axis, before, after)
    total = x.clone()
    length = x.shape[axis]
    for shift in range(1, min(after, length - 1) + 1):
        total.narrow(axis, 0, length - shift).add_(x.narrow(axis, shift, length - shift))
    for shift in range(1, min(before, length - 1) + 1):
        total.narrow(axis, shift, length - shift).add_(x.narrow(axis, 0, length - shift))
    return total


@Operation
def window_sum_of_change(x, axis: int, before: int, after: int):
    """Return `window_sum` of a change of x, which JAX transposes for the gradient."""
    return window_sum(x, axis, before, after)


@window_sum_of_change.override("jax")
def _window_sum_of_change_jax(x, axis: int, before: int, after: int):
    """Sum by XLA's own windows on a CPU: their transposition is of the same kind.

    That of slices is a sum of paddings, with which the gradient of the normalization takes two to
    three times as long there.
    """
    import jax

    if jax.default_backend() != "cpu":
        return window_sum(x, axis, before, after)
    window, padding = [1] * x.ndim, [(0, 0)] * x.ndim
    window[axis], padding[axis] = before + after + 1, (before, after)
    # JAX takes this for a sum, and has its derivatives, if it sees that the number is 0.
    zero = np.zeros((), x.dtype)
    return jax.lax.reduce_window(x, zero, jax.lax.add, window, [1] * x.ndim, padding)
