"""A forward pass, and a forward and backward pass, on each backend."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_alexnet.benchmarking.devices import synchronize
from keras_alexnet.errors import UserError
from keras_alexnet.operations.operation import Operation
from keras_alexnet.type_aliases import Tensor

__all__ = ["forward", "forward_backward"]


@Operation
def forward(model: keras.Model, x: Tensor, compiled: bool = True) -> Callable[[], Any]:
    """Return a function that computes `model(x, training=False)` and waits for it.

    On a backend without gradients, such as OpenVINO, it calls `model.predict_on_batch(x)`: Keras
    compiles the model there for that call alone.
    """
    return lambda: model.predict_on_batch(x)


@Operation
def forward_backward(model: keras.Model, x: Tensor, compiled: bool = True) -> Callable[[], Any]:
    """Return a function that computes the gradients of all parameters and waits for them.

    The objective is half the sum of the squared outputs, TensorFlow's `l2_loss`, as in
    alexnet_benchmark.py. No parameter changes.
    """
    raise UserError(
        f"Received a backward pass on the backend {keras.backend.backend()!r}.",
        "The backend must compute gradients: TensorFlow, JAX and PyTorch do.",
        "Set KERAS_BACKEND to one of them before Keras is imported.",
    )


def has_gradients() -> bool:
    """Return whether `forward_backward` works on this backend."""
    return forward_backward.on(keras.backend.backend()) is not forward_backward.plain


def _waiting(function, *arguments):
    """Return a function that calls another one and waits for its results."""

    def run():
        results = function(*arguments)
        synchronize(results)
        return results

    return run


def _objective(outputs):
    return ops.sum(ops.square(outputs)) / 2


@forward.override("tensorflow")
def _forward_tensorflow(model, x, compiled: bool = True):
    import tensorflow as tf

    def outputs(images):
        return model(images, training=False)

    return _waiting(tf.function(outputs, jit_compile=compiled), ops.convert_to_tensor(x))


@forward_backward.override("tensorflow")
def _forward_backward_tensorflow(model, x, compiled: bool = True):
    import tensorflow as tf

    def gradients(images):
        with tf.GradientTape() as tape:
            loss = _objective(model(images, training=False))
        return tape.gradient(loss, [variable.value for variable in model.trainable_variables])

    return _waiting(tf.function(gradients, jit_compile=compiled), ops.convert_to_tensor(x))


@forward.override("jax")
def _forward_jax(model, x, compiled: bool = True):
    import jax

    def outputs(trainable, others, images):
        return model.stateless_call(trainable, others, images, training=False)[0]

    return _waiting(jax.jit(outputs), *_values(model), ops.convert_to_tensor(x))


@forward_backward.override("jax")
def _forward_backward_jax(model, x, compiled: bool = True):
    import jax

    def loss(trainable, others, images):
        return _objective(model.stateless_call(trainable, others, images, training=False)[0])

    return _waiting(jax.jit(jax.grad(loss)), *_values(model), ops.convert_to_tensor(x))


def _values(model):
    """Return the values of the trainable variables, and those of the others."""
    return [
        [variable.value for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    ]


@forward.override("torch")
def _forward_torch(model, x, compiled: bool = True):
    import torch

    def outputs(images):
        with torch.no_grad():
            return model(images, training=False)

    function = torch.compile(outputs) if compiled else outputs
    return _waiting(function, ops.convert_to_tensor(x))


@forward_backward.override("torch")
def _forward_backward_torch(model, x, compiled: bool = True):
    import torch

    parameters = [variable.value for variable in model.trainable_variables]

    def gradients(images):
        return torch.autograd.grad(_objective(model(images, training=False)), parameters)

    function = torch.compile(gradients) if compiled else gradients
    return _waiting(function, ops.convert_to_tensor(x))
