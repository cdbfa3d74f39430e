"""Initial values by NumPy, for tests that are not about them.

A backend takes a second to draw those of a whole network, and XLA a fifth of a second to compile
the draw of each shape. NumPy's numbers have the same distributions, and follow from the same seeds.
A test that is marked `initial_values` has the backend's own.
"""

import math
import sys
import types

import keras
import numpy as np

_rng = np.random.default_rng(0)
# Drawn once, each number and its opposite, and of the exact deviation. A kernel begins at a place
# of its own; where it is larger the block is repeated, whose half is prime: no row or column of a
# network equals another.
HALF = 500_009


def _block(half, deviation):
    block = np.concatenate([half, -half])
    block *= np.float32(deviation / block.std())
    return block


NORMAL = _block(_rng.standard_normal(HALF, dtype="float32"), 1)
CUT = np.clip(_block(np.resize(NORMAL[np.abs(NORMAL) < 2], HALF), 0.8796257), -2, 2)
UNIFORM = _rng.permutation(np.linspace(-1, 1, 2 * HALF, dtype="float32"))


def _values(block, shape, dtype, seed, scale, shift):
    if isinstance(seed, keras.random.SeedGenerator):
        seed = keras.ops.convert_to_numpy(seed.next())
    size, begin = math.prod(shape), np.random.default_rng(seed).integers(len(block))
    if begin + size > len(block):
        block, begin = np.roll(block, -begin), 0
    # Before they are repeated: a network's largest kernel repeats them 38 times.
    values = block[begin : begin + size] * np.float32(scale)
    values += np.float32(shift)
    values = np.resize(values, shape)
    return keras.ops.convert_to_tensor(values, dtype)


def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Draw as `keras.random.normal`."""
    return _values(NORMAL, shape, dtype, seed, stddev, mean)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Draw as `keras.random.truncated_normal`."""
    return _values(CUT, shape, dtype, seed, stddev, mean)


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Draw as `keras.random.uniform`."""
    return _values(UNIFORM, shape, dtype, seed, (maxval - minval) / 2, (maxval + minval) / 2)


INITIALIZERS = sys.modules[keras.initializers.RandomNormal.__module__]
OWN = INITIALIZERS.random  # what they draw with


def by_numpy():
    """Let Keras's initializers draw with these functions from now on."""
    draws = {"normal": normal, "truncated_normal": truncated_normal, "uniform": uniform}
    INITIALIZERS.random = types.SimpleNamespace(**{**vars(OWN), **draws})
