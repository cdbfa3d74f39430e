"""JAX: the operation's own derivative, recomputed from the input instead of stored."""

import functools

import jax

from keras_alexnet.backends import plain


@functools.cache
def differentiable(operation):
    """Give `operation` its own derivative, which keeps nothing but the input.

    The rule is a forward-mode one, so `jax.jvp`, `jax.hessian` and `jax.grad` of `jax.grad` all
    work; JAX transposes it for reverse mode. `prevent_cse=False`: the barriers that would keep
    XLA from merging the recomputation with its neighbours cost more than they save.
    """

    @jax.custom_jvp
    def forward(x):
        return operation.forward(x)

    @forward.defjvp
    def _derivative(primals, tangents):
        return operation.jvp(primals[0], tangents[0])

    return jax.jit(jax.checkpoint(forward, prevent_cse=False))


# One pass over memory instead of one for each operation.
affine = jax.jit(plain.affine, static_argnames=("ops", "dtype"))
crop = jax.jit(plain.crop, static_argnames=("ops", "height", "width"))
