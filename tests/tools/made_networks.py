"""Small networks with AlexNet's layer names, and weights for them, random or as if learned."""

import functools

import keras
import numpy as np

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")


MAPS = (4, 6, 8)  # height, width, channels of what fc6 sees: all different


def small_network(channels=3, classes=5, top=True, groups=2, data_format=None, dtype=None):
    """Return a network with AlexNet's layers with weights and no others, of some 10,000 weights."""
    last = (data_format or keras.config.image_data_format()) == "channels_last"
    shape = (8, 12, channels) if last else (channels, 8, 12)
    common = {"data_format": data_format, "dtype": dtype}

    def conv(name, filters, kernel, count=1, strides=1):
        return keras.layers.Conv2D(
            filters, kernel, strides, "same", groups=count, name=name, **common
        )

    layers = [
        keras.Input(shape),
        conv("conv1", 32, 7, strides=2),
        conv("conv2", 16, 5, groups),
        conv("conv3", 12, 3),
        conv("conv4", 12, 3, groups),
        conv("conv5", MAPS[2], 3, groups),
    ]
    if top:
        layers += [
            keras.layers.Flatten(data_format, name="flatten"),
            keras.layers.Dense(64, name="fc6", dtype=dtype),
            keras.layers.Dense(64, name="fc7", dtype=dtype),
            keras.layers.Dense(classes, name="fc8", dtype=dtype),
        ]
    return keras.Sequential(layers)


def blank_network(data_format=None, **options):
    """Return a small network of zeros, which all tests of a process share.

    To build one takes a twentieth of a second, and some tests load into a dozen, one after the
    other. Who asks for the next has the last no longer.
    """
    data_format = data_format or keras.config.image_data_format()
    network = _kept_network(data_format=data_format, **options)
    network.set_weights([np.zeros(value.shape, "float32") for value in network.weights])
    return network


@functools.cache
def _kept_network(**options):
    return small_network(**options)


def weights_of(model):
    """Return the kernels and biases of a model by layer, as float32."""
    return {
        name: tuple(
            np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")))
            for value in (model.get_layer(name).kernel, model.get_layer(name).bias)
        )
        for name in LAYERS
        if name in [layer.name for layer in model.layers]
    }


def drawn_weights(model, seed=1):
    """Return random kernels and biases in the shapes of a model's, by layer."""
    rng = np.random.default_rng(seed)
    return {
        name: tuple(rng.normal(0, 0.1, array.shape).astype("float32") for array in arrays)
        for name, arrays in weights_of(model).items()
    }


def learned_weights(model, seed=2):
    """Return kernels and biases that look as if they were learned, in the shapes of a model's.

    Smooth filters in the first convolution, units of differing strength, and in fc6 weights that
    change slowly from place to place.
    """
    rng = np.random.default_rng(seed)
    learned = {}
    for name, (kernel, bias) in drawn_weights(model, seed).items():
        if name == "conv1":
            kernel = waves(rng, kernel.shape)
        elif name == "fc6":
            maps = kernel.reshape(*MAPS, -1)
            maps[1:] += maps[:-1]
            maps[:, 1:] += maps[:, :-1]
        kernel = kernel * np.exp(rng.normal(0, 0.5, kernel.shape[-1])).astype("float32")
        learned[name] = kernel, bias
    return learned


@functools.cache
def learned_filters():
    """Return the first kernel of `learned_weights` of a small network, 7 x 7, for others to cut."""
    return learned_weights(small_network())["conv1"][0]


def waves(rng, shape):
    """Return filters `(height, width, in, out)`: a long wave in a random direction each."""
    height, width, channels, filters = shape
    rows, columns = np.mgrid[:height, :width][..., None, None]
    angle, phase = rng.uniform(0, np.pi, (2, 1, filters))
    along = rows * np.sin(angle) + columns * np.cos(angle)
    color = rng.normal(0, 1, (channels, filters))
    return (color * np.cos(2 * np.pi * along / 7 + phase)).astype("float32")


CONVS = {  # filters, side of the kernel, channels of a group
    "paper": [(96, 11, 3), (256, 5, 48), (384, 3, 256), (384, 3, 192), (256, 3, 192)],
    "source2012_half": [(48, 11, 3), (128, 5, 48), (192, 3, 128), (192, 3, 192), (256, 3, 192)],
    "owt": [(64, 11, 3), (192, 5, 64), (384, 3, 192), (256, 3, 384), (256, 3, 256)],
    "slim_v2": [(64, 11, 3), (192, 5, 64), (384, 3, 192), (384, 3, 384), (256, 3, 384)],
    "ungrouped": [(96, 11, 3), (256, 5, 96), (384, 3, 256), (384, 3, 384), (256, 3, 384)],
    "cifar10_18pct": [(32, 5, 3), (32, 5, 32), (64, 5, 32)],
    "cifar10_80sec": [(32, 5, 3), (32, 5, 32), (64, 5, 32)],
}


DENSE = {
    **{name: [("fc6", 9216, 4096), ("fc7", 4096, 4096), ("fc8", 4096, 1000)] for name in CONVS},
    "slim_v2": [("fc6", 6400, 4096), ("fc7", 4096, 4096), ("fc8", 4096, 1000)],
    "cifar10_18pct": [("fc10", 1024, 10)],
    "cifar10_80sec": [("fc64", 1024, 64), ("fc10", 64, 10)],
}


def empty(shape):
    """Return an array that takes no memory."""
    return np.broadcast_to(np.float32(0), shape)


def weights_like(variant, top=True):
    """Return kernels and biases of the shapes of a variant, by layer, in Keras's layout."""
    weights = {
        f"conv{number}": (empty((side, side, channels, filters)), empty(filters))
        for number, (filters, side, channels) in enumerate(CONVS[variant], 1)
    }
    for name, rows, units in DENSE[variant] if top else ():
        weights[name] = empty((rows, units)), empty(units)
    return weights
