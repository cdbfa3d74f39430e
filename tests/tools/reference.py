"""The layers of AlexNet in plain NumPy, slow and obvious.

This module shares no code with the package: it is what the package is compared with. Everything is
computed in float64, images are stored as (image, row, column, channel), convolution kernels as
(row, column, input channel of the group, filter) and dense kernels as (input, output).
"""

import numpy as np


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
