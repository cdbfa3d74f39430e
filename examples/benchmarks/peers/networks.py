"""What all sides share: the weights, the images, the labels."""

import numpy as np

# (kernel, strides, padding, groups, filters) of each convolution, by network; "same" is
# TensorFlow's padding. The figures are those of the variants of the same names.
CONVS = {
    "paper": [
        (11, 4, (0, 3), 1, 96),
        (5, 1, (2, 2), 2, 256),
        (3, 1, (1, 1), 1, 384),
        (3, 1, (1, 1), 2, 384),
        (3, 1, (1, 1), 2, 256),
    ],
    "owt": [
        (11, 4, (2, 2), 1, 64),
        (5, 1, (2, 2), 1, 192),
        (3, 1, (1, 1), 1, 384),
        (3, 1, (1, 1), 1, 256),
        (3, 1, (1, 1), 1, 256),
    ],
}
CONVS["notebook"] = [(11, 4, "same", 1, 64), *CONVS["owt"][1:]]
UNITS = (4096, 4096, 1000)
POOLED = (1, 2, 5)  # the convolutions that a pooling of 3 x 3, strides 2, follows
# (radius, k, alpha on the plain sum, beta) of the normalization after conv1 and conv2.
NORMS = {"paper": (2, 2.0, 1e-4, 0.75), "notebook": (4, 1.0, 0.001 / 9, 0.75), "owt": None}
DROPS = {"paper": "after", "notebook": None, "owt": "before"}
LEARNING_RATE, MOMENTUM = 0.001, 0.9


def weights(net: str) -> dict:
    """Return the name of each layer, its kernel (height, width, in, out) or (in, out) and bias.

    He's normal values, of which larger kernels repeat a block: to draw 60 million takes each side
    a second. Its length is prime, so that no row equals another. Rows of fc6 follow height, width,
    channels.
    """
    rng = np.random.default_rng(0)
    block = rng.standard_normal(1_000_003, dtype="float32")
    shapes, channels = {}, 3
    for number, (kernel, _, _, groups, filters) in enumerate(CONVS[net], start=1):
        shapes[f"conv{number}"] = (kernel, kernel, channels // groups, filters)
        channels = filters
    inputs = 6 * 6 * channels
    for number, units in enumerate(UNITS, start=6):
        shapes[f"fc{number}"] = (inputs, units)
        inputs = units
    found = {}
    for name, shape in shapes.items():
        scale = np.float32(np.sqrt(2 / np.prod(shape[:-1])))
        kernel = np.resize(block * scale, shape)
        block = np.roll(block, 1)  # each layer has values of its own
        found[name] = kernel, rng.standard_normal(shape[-1], dtype="float32") * np.float32(0.1)
    return found


def batch(size: int):
    """Return images (batch, height, width, channels) and labels."""
    rng = np.random.default_rng(1)
    images = rng.standard_normal((size, 224, 224, 3), dtype="float32")
    return images, rng.integers(0, UNITS[-1], size)
