"""Formulas with derivatives of their own, which keep the input alone and compute the rest anew."""

import functools
from collections.abc import Callable
from typing import Any, Protocol

import keras

from keras_alexnet.operations import programs
from keras_alexnet.operations.cpu_slices import map_images
from keras_alexnet.operations.exports import is_exporting
from keras_alexnet.operations.operation import Operation

KEPT = 64  # functions that JAX compiled and that are kept, one for each formula and size


class Formula(Protocol):
    """A function of one tensor with its derivatives, in `keras.ops`: a frozen, hashable record."""

    @property
    def numbers(self) -> tuple[float, ...]:
        """Return the numbers that are arguments of a compiled program."""

    @property
    def structure(self) -> "Formula":
        """Return the formula without its numbers, which decides the compiled program."""

    def filled(self, *numbers) -> "Formula":
        """Return a structure with numbers, which may be tensors."""

    def __hash__(self) -> int:
        """Return the hash of all numbers."""

    def forward(self, x) -> Any:
        """Return y."""

    def vjp(self, x, dy) -> Any:
        """Return the gradient for x given the one for y."""

    def jvp(self, x, dx) -> Any:
        """Return y and its change along dx."""


@Operation
def differentiable(formula: Formula) -> Callable:
    """Return `formula.forward`, differentiated by the backend itself."""
    return formula.forward


@differentiable.override("tensorflow")
def _differentiable_tensorflow(formula: Formula) -> Callable:
    """Compile one XLA kernel for the forward and one for the backward pass.

    Without XLA every step of the formula is a pass over memory of its own; as a compiled
    function inside an otherwise uncompiled graph it is about twice as fast. The gradient is made
    of differentiable operations, so second derivatives work. Formulas that differ in their
    numbers alone share the compiled functions.

    In an export it is the plain formula: a graph may run, or be converted to another format, where
    there is no XLA.
    """
    import tensorflow as tf

    structure = formula.structure

    @tf.custom_gradient
    def apply(x):
        compiled = programs.is_compiled(structure, x)

        def run(function, *tensors):
            if not compiled:
                return function(formula, *tensors)
            dtype = tf.float64 if x.dtype == tf.float64 else tf.float32
            numbers = [tf.constant(number, dtype) for number in formula.numbers]
            return programs.run(_filled, (function, structure, len(tensors)), *tensors, *numbers)

        def gradient(dy):
            return run(type(formula).vjp, x, dy)

        # Without the stop an eager tape looks into `forward` as well and keeps all inside it.
        return run(type(formula).forward, tf.stop_gradient(x)), gradient

    return lambda x: formula.forward(x) if is_exporting() else apply(x)


def _filled(function, structure: Formula, count: int, *tensors):
    """Call a formula's function with `count` tensors; the numbers come after them."""
    return function(structure.filled(*tensors[count:]), *tensors[:count])


@differentiable.override("jax")
def _differentiable_jax(formula: Formula) -> Callable:
    """Give the formula a forward-mode rule, which JAX transposes for reverse mode.

    `jax.jvp`, `jax.hessian` and `jax.grad` of `jax.grad` all work.
    """
    return lambda x: _jax_program(formula, x.shape, x.dtype)(x)


@functools.lru_cache(maxsize=KEPT)
def _jax_program(formula: Formula, shape, dtype) -> Callable:
    """Return a function of its own for each size: with it JAX frees what it has compiled.

    `prevent_cse=False`: the barriers that would keep XLA from merging the recomputation with its
    neighbours cost more than they save.
    """
    import jax

    @jax.custom_jvp
    def forward(x):
        return formula.forward(x)

    @forward.defjvp
    def _derivative(primals, tangents):
        return formula.jvp(primals[0], tangents[0])

    return jax.jit(jax.checkpoint(forward, prevent_cse=False))


@differentiable.override("torch")
def _differentiable_torch(formula: Formula) -> Callable:
    """Apply an autograd function; in an export the plain formula, which every format can hold.

    PyTorch's compiler cannot look into a function with a forward-mode rule, and would compile a
    network in pieces around it.
    """
    import torch

    kind = _Recomputed if torch.compiler.is_compiling() else _RecomputedInBothModes
    return lambda x: formula.forward(x) if is_exporting() else kind.apply(x, formula)


if keras.backend.backend() == "torch":
    import torch

    class _Recomputed(torch.autograd.Function):
        """A formula whose backward pass computes anew what the forward pass has computed.

        Both passes go through the batch in slices that stay in the processor's cache. Where a
        second derivative may be asked for, backward is made of differentiable operations on the
        whole input.
        """

        @staticmethod
        def forward(x, formula):
            return map_images(formula.forward, x)

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, ctx.formula = inputs
            ctx.save_for_backward(x)

        @staticmethod
        def backward(ctx, dy):
            if torch.is_grad_enabled():
                return ctx.formula.vjp(*ctx.saved_tensors, dy), None
            return map_images(ctx.formula.vjp, *ctx.saved_tensors, dy), None

    class _RecomputedInBothModes(_Recomputed):
        """The same with a forward-mode rule; it and the `vmap` rule serve `torch.func`."""

        generate_vmap_rule = True

        @staticmethod
        def setup_context(ctx, inputs, output):
            _Recomputed.setup_context(ctx, inputs, output)
            ctx.save_for_forward(inputs[0])

        @staticmethod
        def jvp(ctx, dx, _):
            return ctx.formula.jvp(*ctx.saved_tensors, dx)[1]
