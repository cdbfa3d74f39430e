"""Whole published networks in plain NumPy: weights, outputs, shapes and counts."""

from dataclasses import dataclass, replace

import numpy as np

from published.rows import Variant
from reference import avg_pool, conv2d, dense, local2d, max_pool, output_size, relu, softmax
from reference_lrn import lrn_across, lrn_within


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


def resized(variant: Variant, input_size: int) -> Variant:
    """Return a published network for images of another size: its rows with other outputs."""
    counts = count(variant, input_size)
    rows = (
        replace(row, output=counted.output)
        for row, counted in zip(variant.rows, counts, strict=True)
    )
    return replace(variant, input_size=input_size, rows=tuple(rows))
