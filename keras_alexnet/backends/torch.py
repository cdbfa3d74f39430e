"""PyTorch: an autograd function that keeps its input alone, and sums in place."""

import functools

import torch
from keras import ops


def window_sum(x, axis: int, before: int, after: int):
    """Sum the neighbours along one axis in place: fewer passes over memory than padded slices."""
    total = x.clone()
    length = x.shape[axis]
    for shift in range(1, min(after, length - 1) + 1):
        total.narrow(axis, 0, length - shift).add_(x.narrow(axis, shift, length - shift))
    for shift in range(1, min(before, length - 1) + 1):
        total.narrow(axis, shift, length - shift).add_(x.narrow(axis, 0, length - shift))
    return total


def grouped_conv(x, kernel, groups: int, **options):
    """Convolve with PyTorch's own grouped convolution, which is fast (examples/benchmarks)."""
    return ops.conv(x, kernel, **options)


@functools.cache
def differentiable(operation):
    """Give `operation` its own gradient, which keeps nothing but the input.

    Backward is made of differentiable operations on the saved input, so second derivatives
    work; `jvp` and the generated `vmap` rule serve `torch.func`.
    """

    class Recomputed(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return operation.forward(x)

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, dy):
            return operation.vjp(*ctx.saved_tensors, dy)

        @staticmethod
        def jvp(ctx, dx):
            return operation.jvp(*ctx.saved_tensors, dx)[1]

    return Recomputed.apply
