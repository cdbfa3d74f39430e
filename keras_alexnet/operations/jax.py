"""JAX: the operation's own derivative, recomputed from the input instead of stored."""

import functools

import jax
import jax.numpy as jnp
from keras import ops

from keras_alexnet.operations import plain

KEPT = 64  # compiled functions that are kept, one for each operation and size


def differentiable(operation):
    """Give `operation` its own derivative, which keeps nothing but the input.

    The rule is a forward-mode one, so `jax.jvp`, `jax.hessian` and `jax.grad` of `jax.grad` all
    work; JAX transposes it for reverse mode. `prevent_cse=False`: the barriers that would keep
    XLA from merging the recomputation with its neighbours cost more than they save.
    """
    return lambda x: _compiled(operation, x.shape, x.dtype)(x)


@functools.lru_cache(maxsize=KEPT)
def _compiled(operation, shape, dtype):
    """Return a function of its own for each size: with it JAX frees what it has compiled."""

    @jax.custom_jvp
    def forward(x):
        return operation.forward(x)

    @forward.defjvp
    def _derivative(primals, tangents):
        return operation.jvp(primals[0], tangents[0])

    return jax.jit(jax.checkpoint(forward, prevent_cse=False))


def slow_max_pool(values: int) -> bool:
    """Return whether JAX computes on a CPU, where XLA's gradient of a pooling is slow."""
    return jax.default_backend() == "cpu"


def grouped_conv(x, kernel, groups: int, **options):
    """Convolve group by group, on a CPU with a gradient for the kernel of its own."""
    dilated = options["dilation_rate"] not in (1, (1, 1))
    last = options["data_format"] == "channels_last"
    kernel = ops.convert_to_tensor(kernel)
    own = jax.default_backend() == "cpu" and last and not dilated
    conv = _own_kernel_gradient if own else plain.conv
    return plain.grouped_conv(x, kernel, groups, conv, **options)


def _own_kernel_gradient(x, kernel, strides, padding, **options):
    """Convolve with a gradient for the kernel that is a product of matrices for each kernel row.

    XLA writes that gradient as a convolution whose kernel is as large as the image, which takes
    two to five times as long on a CPU. The rule is a forward-mode one, as in `differentiable`.
    """

    @jax.custom_jvp
    def forward(x, kernel):
        return plain.conv(x, kernel, strides=strides, padding=padding, **options)

    @forward.defjvp
    def _derivative(primals, tangents):
        x, kernel = primals
        dx, dkernel = tangents
        y = forward(x, kernel)
        return y, forward(dx, kernel) + _row_products(x, dkernel, y.shape, strides, padding)

    return jax.checkpoint(forward, prevent_cse=False)(x, kernel)


def _row_products(x, kernel, shape, strides, padding):
    """Convolve as a sum over the kernel's rows of (places, columns x channels) matrix products."""
    (rows, columns), (height, width) = kernel.shape[:2], shape[1:3]
    span = [step * (count - 1) + 1 for step, count in zip(strides, (height, width), strict=True)]
    if padding == "same":
        reach = [
            max(0, s + k - 1 - n) for s, k, n in zip(span, kernel.shape, x.shape[1:], strict=False)
        ]
        x = jnp.pad(x, ((0, 0), *((total // 2, total - total // 2) for total in reach), (0, 0)))
    total = jnp.zeros((), x.dtype)
    for row in range(rows):
        parts = [
            x[:, row : row + span[0] : strides[0], column : column + span[1] : strides[1]]
            for column in range(columns)
        ]
        patches = jnp.concatenate(parts, axis=-1)
        patches = patches.reshape(-1, patches.shape[-1])
        total = total + patches @ kernel[row].reshape(-1, kernel.shape[-1])
    return total.reshape(shape)


# One pass over memory instead of one for each operation.
affine = jax.jit(plain.affine, static_argnames=("ops", "dtype"))


@functools.partial(jax.jit, static_argnames=("ops", "height", "width"))
def crop(ops, images, tops, lefts, mirrors, height: int, width: int):
    """Copy window by window: XLA's gather of pixels goes value by value on a CPU."""
    size = (height, width, images.shape[-1])

    def one(argument):
        image, top, left, mirrored = argument
        window = jax.lax.dynamic_slice(image, (top, left, 0), size)
        return jax.lax.cond(mirrored == 1, lambda x: x[:, ::-1], lambda x: x, window)

    return jax.lax.map(one, (images, tops, lefts, mirrors))
