"""Local response normalization in plain NumPy, with its gradients, slow and obvious."""

import numpy as np


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
    """Normalize each channel by its neighbours, Krizhevsky et al. 2012, section 3.3.

    y[c] = x[c] / (k + alpha * sum over the window of c of x[j]^2) ** beta

    The channels are the last axis, and `alpha` multiplies each square, so it is the `alpha` of the
    paper and of tf.nn.lrn, and n times smaller than that of Caffe, PyTorch and ONNX. The 2012 code
    normalizes each tower alone, which is groups=2.
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
    """Normalize each pixel by the n x n pixels around it in its own map.

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
