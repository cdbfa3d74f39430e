"""TensorFlow's kernels, which the tests of a process make once."""

import random
import sys


def stay():
    """Let a seed be set without emptying TensorFlow's cache of kernels.

    A kernel takes half a millisecond to make, and every test begins with a seed. TensorFlow empties
    the cache for operations that draw outside a graph from a seed of their own, such as
    `tf.random.normal`. Keras, the package and the tests have none: they draw from seeds that they
    pass, from NumPy, and in graphs, which are new each time.
    """
    sys.modules["tensorflow.python.eager.context"].Context._set_global_seed = _set_seed


def _set_seed(context, seed):
    """Set what TensorFlow's seeds follow from."""
    context._seed, context._rng = seed, random.Random(seed)
