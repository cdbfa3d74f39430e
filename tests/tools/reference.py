"""The layers of AlexNet in plain NumPy, slow and obvious.

This module shares no code with the package: it is what the package is compared with. Everything is
computed in float64, images are stored as (image, row, column, channel), convolution kernels as
(row, column, input channel of the group, filter) and dense kernels as (input, output).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from published import Variant

# ---------------------------------------------------------------------------------------------
# Convolution, pooling, dense, softmax
# ---------------------------------------------------------------------------------------------


def output_size(size: int, kernel: int, stride: int, pad: tuple[int, int]) -> int:
    """Number of windows that fit: floor((before + size + after - kernel) / stride) + 1."""
    return (pad[0] + size + pad[1] - kernel) // stride + 1


def _pad(x: np.ndarray, pad: tuple[int, int], value: float) -> np.ndarray:
    return np.pad(x, ((0, 0), pad, pad, (0, 0)), constant_values=value)


def _windows(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Return every size x size window of x as (image, row, column, size * size, channel)."""
    rows = output_size(x.shape[1], size, stride, (0, 0))
    columns = output_size(x.shape[2], size, stride, (0, 0))
    taps = []
    for i in range(size):
        for j in range(size):
            # Pixel (i, j) of all windows at once: one step of the stride per window.
            last_row = i + stride * (rows - 1) + 1
            last_column = j + stride * (columns - 1) + 1
            taps.append(x[:, i:last_row:stride, j:last_column:stride, :])
    return np.stack(taps, axis=3)


def conv2d(
    x: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray,
    stride: int = 1,
    pad: tuple[int, int] = (0, 0),
    groups: int = 1,
) -> np.ndarray:
    """Correlate x with the kernel, without flipping it, and add the bias.

    y[p, q, f] = bias[f] + sum over i, j, c of x[stride p + i, stride q + j, c] kernel[i, j, c, f]

    With groups, the g-th part of the filters sees the g-th part of the channels alone, like the
    layers of Krizhevsky et al. 2012, section 3.5, that only reach the maps on their own GPU.
    """
    x = _pad(np.asarray(x, np.float64), pad, 0.0)
    kernel = np.asarray(kernel, np.float64)
    size, _, inputs, filters = kernel.shape
    if x.shape[3] != inputs * groups or filters % groups:
        raise ValueError(f"{x.shape[3]} channels, {groups} groups, kernel {kernel.shape}")
    share = filters // groups
    parts = []
    for g in range(groups):
        windows = _windows(x[..., g * inputs : (g + 1) * inputs], size, stride)
        columns = windows.reshape(-1, size * size * inputs)
        matrix = kernel[..., g * share : (g + 1) * share].reshape(size * size * inputs, share)
        parts.append((columns @ matrix).reshape(*windows.shape[:3], share))
    return np.concatenate(parts, axis=3) + bias


def local2d(
    x: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray,
    stride: int = 1,
    pad: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Correlate each window of x with the kernel of its place, and add the bias of its place.

    y[p, q, f] = bias[p, q, f]
               + sum over i, j, c of x[stride p + i, stride q + j, c] kernel[p, q, i, j, c, f]
    """
    x = _pad(np.asarray(x, np.float64), pad, 0.0)
    rows, columns, height, width, _, filters = kernel.shape
    y = np.empty((len(x), rows, columns, filters))
    for p in range(rows):
        for q in range(columns):
            top, left = stride * p, stride * q
            window = x[:, top : top + height, left : left + width]
            y[:, p, q] = np.tensordot(window, kernel[p, q], 3) + bias[p, q]
    return y


def max_pool(x: np.ndarray, size: int, stride: int, pad: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Largest pixel of each window; padding never wins, since it is minus infinity."""
    return _windows(_pad(np.asarray(x, np.float64), pad, -np.inf), size, stride).max(axis=3)


def avg_pool(x: np.ndarray, size: int, stride: int, pad: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Mean of the pixels of each window that lie inside the image (cuda-convnet, AvgPooler)."""
    x = np.asarray(x, np.float64)
    total = _windows(_pad(x, pad, 0.0), size, stride).sum(axis=3)
    count = _windows(_pad(np.ones_like(x), pad, 0.0), size, stride).sum(axis=3)
    return total / count


def relu(x: np.ndarray) -> np.ndarray:
    """max(x, 0), Krizhevsky et al. 2012, section 3.1."""
    return np.maximum(np.asarray(x, np.float64), 0.0)


def dense(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """y = x kernel + bias."""
    x, y = np.asarray(x, np.float64), bias
    # A whole kernel in float64 takes 300 MB, which costs more time than the product.
    for first in range(0, len(kernel), 256):
        rows = slice(first, first + 256)
        y = y + x[:, rows] @ np.asarray(kernel[rows], np.float64)
    return y


def softmax(x: np.ndarray) -> np.ndarray:
    """exp(x) / sum of exp(x) over the last axis, shifted by the maximum so as not to overflow."""
    x = np.asarray(x, np.float64)
    power = np.exp(x - x.max(axis=-1, keepdims=True))
    return power / power.sum(axis=-1, keepdims=True)


# ---------------------------------------------------------------------------------------------
# Local response normalisation
# ---------------------------------------------------------------------------------------------


def _window(centre: int, n: int, start: int, stop: int, even: str) -> range:
    """Return the window of n elements around `centre`, cut to start <= element < stop.

    An even window cannot be symmetric. With even="before" the extra element comes first (PyTorch's
    local_response_norm, cuda-convnet), with even="after" it comes last (ONNX LRN).
    """
    if even == "before":
        before, after = n // 2, (n - 1) // 2
    elif even == "after":
        before, after = (n - 1) // 2, n // 2
    else:
        raise ValueError(f"even is 'before' or 'after', not {even!r}")
    return range(max(start, centre - before), min(stop, centre + after + 1))


def _channel_windows(channels: int, n: int, groups: int, even: str) -> list[range]:
    """Return the window of each channel, which never leaves the group of that channel."""
    if channels % groups:
        raise ValueError(f"{channels} channels do not divide into {groups} groups")
    share = channels // groups
    windows = []
    for c in range(channels):
        start = c // share * share
        windows.append(_window(c, n, start, start + share, even))
    return windows


def _across_scale(x: np.ndarray, windows: list[range], k: float, alpha: float) -> np.ndarray:
    scale = np.full_like(x, k)
    for c, window in enumerate(windows):
        for j in window:
            scale[..., c] += alpha * x[..., j] ** 2
    return scale


def lrn_across(
    x: np.ndarray,
    n: int,
    k: float,
    alpha: float,
    beta: float,
    groups: int = 1,
    even: str = "before",
) -> np.ndarray:
    """Normalise each channel by its neighbours, Krizhevsky et al. 2012, section 3.3.

    y[c] = x[c] / (k + alpha * sum over the window of c of x[j]^2) ** beta

    The channels are the last axis, and `alpha` multiplies each square, so it is the `alpha` of the
    paper and of tf.nn.lrn, and n times smaller than that of Caffe, PyTorch and ONNX. The 2012 code
    normalises each tower alone, which is groups=2.
    """
    x = np.asarray(x, np.float64)
    windows = _channel_windows(x.shape[-1], n, groups, even)
    return x / _across_scale(x, windows, k, alpha) ** beta


def lrn_across_gradient(
    x: np.ndarray,
    dy: np.ndarray,
    n: int,
    k: float,
    alpha: float,
    beta: float,
    groups: int = 1,
    even: str = "before",
) -> np.ndarray:
    """Gradient of sum(dy * lrn_across(x)) with respect to x.

    With s[c] = k + alpha * sum over the window of c of x[j]^2,

    d y[c] / d x[i] = [c = i] s[c]^-beta - 2 alpha beta x[i] x[c] s[c]^(-beta-1)

    where the second term is present only if i lies in the window of c.
    """
    x = np.asarray(x, np.float64)
    dy = np.asarray(dy, np.float64)
    windows = _channel_windows(x.shape[-1], n, groups, even)
    scale = _across_scale(x, windows, k, alpha)
    dx = dy * scale**-beta
    for c, window in enumerate(windows):
        shared = dy[..., c] * x[..., c] * scale[..., c] ** (-beta - 1)
        for i in window:
            dx[..., i] -= 2 * alpha * beta * x[..., i] * shared
    return dx


def _within_scale(x: np.ndarray, n: int, k: float, alpha: float, even: str) -> np.ndarray:
    height, width = x.shape[1:3]
    scale = np.full_like(x, k)
    for i in range(height):
        rows = _window(i, n, 0, height, even)
        for j in range(width):
            columns = _window(j, n, 0, width, even)
            patch = x[:, rows.start : rows.stop, columns.start : columns.stop, :]
            scale[:, i, j, :] += alpha * (patch**2).sum(axis=(1, 2))
    return scale


def lrn_within(
    x: np.ndarray, n: int, k: float, alpha: float, beta: float, even: str = "before"
) -> np.ndarray:
    """Normalise each pixel by the n x n pixels around it in its own map.

    y[i, j] = x[i, j] / (k + alpha * sum over the window of (i, j) of x[p, q]^2) ** beta

    The window is cut at the border of the map and `alpha` stays the same there: cuda-convnet's
    layer type `rnorm` with alpha = scale / n^2, and Caffe's WITHIN_CHANNEL.
    """
    x = np.asarray(x, np.float64)
    return x / _within_scale(x, n, k, alpha, even) ** beta


def lrn_within_gradient(
    x: np.ndarray,
    dy: np.ndarray,
    n: int,
    k: float,
    alpha: float,
    beta: float,
    even: str = "before",
) -> np.ndarray:
    """Gradient of sum(dy * lrn_within(x)) with respect to x.

    As in lrn_across_gradient, with a pixel and the window around it in place of a channel.
    """
    x = np.asarray(x, np.float64)
    dy = np.asarray(dy, np.float64)
    height, width = x.shape[1:3]
    scale = _within_scale(x, n, k, alpha, even)
    dx = dy * scale**-beta
    shared = dy * x * scale ** (-beta - 1)
    for i in range(height):
        rows = _window(i, n, 0, height, even)
        for j in range(width):
            columns = _window(j, n, 0, width, even)
            patch = np.s_[:, rows.start : rows.stop, columns.start : columns.stop, :]
            dx[patch] -= 2 * alpha * beta * x[patch] * shared[:, i : i + 1, j : j + 1, :]
    return dx


# ---------------------------------------------------------------------------------------------
# Whole networks
# ---------------------------------------------------------------------------------------------


def weight_shapes(variant: Variant) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Kernel and bias shapes of every layer with weights of a published network."""
    shapes = {}
    current = variant.input_shape
    for row in variant.rows:
        if row.op == "conv":
            kernel = (row.kernel, row.kernel, current[2] // row.groups, row.filters)
            shapes[row.name] = (kernel, (row.filters,))
        elif row.op == "local":
            window = (row.kernel, row.kernel, current[2])
            shapes[row.name] = ((*row.output[:2], *window, row.filters), row.output)
        elif row.op == "fc":
            shapes[row.name] = ((int(np.prod(current)), row.filters), (row.filters,))
        current = row.output
    return shapes


def random_weights(
    variant: Variant, rng: np.random.Generator
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Random float32 kernels and biases for `forward`.

    The variance of a kernel is 2 / fan in, so that activations keep their size through ReLUs and
    an error in any layer remains visible at the end.
    """
    weights = {}
    # To draw 60 million numbers takes seconds. The length of the repeated block is prime, so that
    # no row or column of a kernel equals another.
    block = rng.standard_normal(1_000_003, dtype=np.float32)
    for name, (kernel, bias) in weight_shapes(variant).items():
        fan_in = np.prod(kernel[-4:-1])  # the places of an unshared kernel come first
        values = np.resize(block * np.float32(np.sqrt(2 / fan_in)), kernel)
        block = np.roll(block, 1)  # each layer has values of its own
        weights[name] = (values, np.float32(0.1) * rng.standard_normal(bias, dtype=np.float32))
    return weights


def forward(
    variant: Variant, images: np.ndarray, weights: dict[str, tuple[np.ndarray, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Run a published network at test time and return the output of every row, in order.

    Dropout of the kind "downscale" multiplies by the keep probability (Krizhevsky et al. 2012,
    section 4.2); the kind "inverted" has done its scaling in training and does nothing here. The
    first dense layer reads the maps in the order row, column, channel.
    """
    outputs = {}
    x = np.asarray(images, np.float64)
    for row in variant.rows:
        if row.op == "conv":
            x = conv2d(x, *weights[row.name], row.stride, row.padding, row.groups)
        elif row.op == "local":
            x = local2d(x, *weights[row.name], row.stride, row.padding)
        elif row.op == "fc":
            x = dense(x.reshape(len(x), -1), *weights[row.name])
        elif row.op == "relu":
            x = relu(x)
        elif row.op == "maxpool":
            x = max_pool(x, row.kernel, row.stride, row.padding)
        elif row.op == "avgpool":
            x = avg_pool(x, row.kernel, row.stride, row.padding)
        elif row.op == "lrn":
            lrn = row.lrn
            x = lrn_across(x, lrn.n, lrn.k, lrn.alpha, lrn.beta, lrn.groups)
        elif row.op == "lrn_within":
            lrn = row.lrn
            x = lrn_within(x, lrn.n, lrn.k, lrn.alpha, lrn.beta)
        elif row.op == "dropout":
            if row.dropout_kind == "downscale":
                x = x * (1 - row.dropout_rate)
        elif row.op == "softmax":
            x = softmax(x)
        else:
            raise ValueError(f"{variant.name}: cannot run {row.name}, a layer of type {row.op!r}")
        outputs[row.name] = x
    return outputs


@dataclass(frozen=True)
class Count:
    """Output shape and counts of one layer, found by arithmetic."""

    name: str
    output: tuple[int, ...]
    params: int
    macs: int
    neurons: int


def count(variant: Variant, input_size: int | None = None) -> list[Count]:
    """Recompute the shapes and counts of a published network from its operations alone.

    Only type, filters, kernel, stride, padding and groups of the rows are read, never their
    published shapes or counts. Per output of a layer with weights: one MAC for each input of its
    window. Shared weights are stored once per filter, those of a `local` layer once per output.
    """
    size = variant.input_size if input_size is None else input_size
    shape: tuple[int, ...] = (size, size, 3)
    counts = []
    for row in variant.rows:
        params = macs = neurons = 0
        if row.op in ("conv", "local"):
            height, width = (
                output_size(edge, row.kernel, row.stride, row.padding) for edge in shape[:2]
            )
            fan_in = row.kernel**2 * (shape[2] // row.groups)
            shape = (height, width, row.filters)
            neurons = height * width * row.filters
            macs = neurons * fan_in
            params = (row.filters if row.op == "conv" else neurons) * (fan_in + 1)
        elif row.op == "fc":
            fan_in = int(np.prod(shape))
            shape = (row.filters,)
            neurons = row.filters
            macs = neurons * fan_in
            params = neurons * (fan_in + 1)
        elif row.op in ("maxpool", "avgpool"):
            height, width = (
                output_size(edge, row.kernel, row.stride, row.padding) for edge in shape[:2]
            )
            shape = (height, width, shape[2])
        counts.append(Count(row.name, shape, params, macs, neurons))
    return counts
