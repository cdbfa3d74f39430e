"""How TensorFlow traces and computes in the processes that run tests: each thing once.

Of the time of a test that trains a small network TensorFlow needs a half to trace the step twice,
to note for each operation which lines have made it, and to optimize the graph, which then runs a
few times. `XLA_FLAGS=""` tests without all of this, as do the commands that tests start.
"""

import contextlib
import random
import sys

import keras

OWN = keras.Variable.__init__


def optimize(wanted):
    """Let Grappler rewrite the graphs that are traced from now on, or not."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not wanted})


def trace_once():
    """Let no function make variables: TensorFlow traces a function that does so a second time.

    The optimizer and the metrics make theirs in the first step of training; here this happens
    outside the graph, at the same moment.
    """
    keras.Variable.__init__ = _make_outside


def _make_outside(self, initializer, *arguments, **options):
    """Make a variable outside the graph that is traced, unless it needs a tensor of the graph."""
    import tensorflow as tf

    if not tf.inside_function() or tf.distribute.has_strategy() or tf.is_tensor(initializer):
        OWN(self, initializer, *arguments, **options)
        return
    with tf.init_scope():
        OWN(self, initializer, *arguments, **options)


@contextlib.contextmanager
def as_for_users():
    """Let graphs be optimized, and steps make their variables."""
    import tensorflow as tf

    before = tf.config.optimizer.get_experimental_options()
    init = keras.Variable.__init__
    optimize(True)
    assert not tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]
    keras.Variable.__init__ = OWN
    yield
    keras.Variable.__init__ = init
    optimize(not before["disable_meta_optimizer"])


def share_stacks():
    """Let every operation of a graph name the same lines as those that have made it.

    They stand in TensorFlow's messages about operations that fail, below the message itself.
    """
    stacks = sys.modules["tensorflow.python.util.tf_stack"]
    here = stacks.extract_stack()
    stacks.extract_stack = lambda stacklevel=1: here


def keep_kernels():
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
