"""What `LocalResponseNormalization` stores for its gradient, and which operations it needs."""

import gc
import re

import numpy as np
import pytest

from helpers import BACKEND, gradient, normal, tensor, to_numpy
from keras_alexnet import LocalResponseNormalization


def kept_eagerly(function, x):
    """Return what lives between the forward and the backward pass, the output aside."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        gradient(function, x, x)  # traces and compiles, and leaves constants behind
        gc.collect()
        gc.freeze()  # from here on the collector lists what is new, in later tests as well
        copy = tf.identity(x)
        with tf.GradientTape() as tape:
            tape.watch(copy)
            y = function(copy)
        kept = [thing for thing in gc.get_objects() if type(thing) is type(copy)]
        # The tape holds the output as it was before an identity, too: the same memory as y's.
        kept = [thing for thing in kept if not np.array_equal(to_numpy(thing), to_numpy(y))]
        assert tape.gradient(y, copy) is not None
    elif BACKEND == "jax":
        import jax

        kept = jax.tree.leaves(jax.vjp(function, x)[1])
    else:
        import torch

        kept = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda saved: kept.append(saved) or saved, lambda saved: saved
        ):
            function(x.detach().requires_grad_())
    return kept


def kept_when_traced(function, x):
    """Return what the backward part of a traced step takes from its forward part."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        step = tf.function(lambda x, dy: gradient(function, x, dy)).get_concrete_function(x, x)
        upstream = {step.inputs[1].ref()}
        kept = {}
        for operation in step.graph.get_operations():  # in the order of their making
            if not upstream.isdisjoint(source.ref() for source in operation.inputs):
                upstream.update(result.ref() for result in operation.outputs)
                kept.update((source.ref(), source) for source in operation.inputs)
        kept = [source for key, source in kept.items() if key not in upstream]
        kept = [source for source in kept if source.op.type != "Const"]  # alpha and the like
        return [x if source is step.inputs[0] else source for source in kept]
    import jax

    return jax.tree.leaves(jax.jit(lambda x: jax.vjp(function, x)[1])(x))


KEPT = [kept_eagerly] if BACKEND == "torch" else [kept_eagerly, kept_when_traced]


@pytest.mark.medium
@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_only_the_input_is_kept(kept, dtype, beta):
    """For the gradient nothing is stored but the input, in the input's own type."""
    layer = LocalResponseNormalization(3, k=1.0, alpha=0.1, beta=beta, dtype=dtype)
    x = tensor(normal(2, 3, 3, 6), dtype)
    (only,) = kept(layer, x)
    assert only.dtype == x.dtype
    np.testing.assert_array_equal(to_numpy(only), to_numpy(x))


def operations(function, x):
    """Return the names of the operations that the backend computes a function with."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        graph = tf.function(function).get_concrete_function(x).graph.as_graph_def()
        inner = [node.op for nested in graph.library.function for node in nested.node_def]
        return {node.op.lower() for node in graph.node}.union(op.lower() for op in inner)
    if BACKEND == "jax":
        import jax

        return set(re.findall(r"= (\w+)", str(jax.make_jaxpr(function)(x))))
    from torch.utils._python_dispatch import TorchDispatchMode

    names = set()

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(self, called, types, args=(), kwargs=None):
            names.add(called.overloadpacket.__name__)
            return called(*args, **(kwargs or {}))

    with Recorder():
        function(x)
    return names


@pytest.mark.parametrize(
    ("beta", "general"), [(0.75, False), (0.5, False), (1, False), (0.6, True)]
)
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_roots_instead_of_powers(beta, general, backward):
    """Only an exponent that no root gives costs a general power, in either direction."""
    layer = LocalResponseNormalization(3, k=1.0, alpha=0.1, beta=beta)
    x = tensor(normal(2, 3, 3, 6))
    used = operations((lambda x: gradient(layer, x, x)) if backward else layer, x)
    assert used & {"mul", "mul_"}  # the recorder sees inside the layer
    assert ("pow" in used) is general
