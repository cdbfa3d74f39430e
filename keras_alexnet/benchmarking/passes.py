"""A forward pass, and a forward and backward pass, on each backend."""

import keras
from keras import ops

from keras_alexnet.benchmarking.devices import synchronize

__all__ = ["forward", "forward_backward"]


def forward(model, x, compiled: bool = True):
    """Return a function that computes `model(x, training=False)` and waits for it.

    On a backend without gradients, such as OpenVINO, it calls `model.predict_on_batch(x)`: Keras
    compiles the model there for that call alone.
    """
    if not has_gradients():
        return lambda: model.predict_on_batch(x)
    return _pass(lambda weights, images: _call(model, weights, images), model, x, compiled)


def forward_backward(model, x, compiled: bool = True):
    """Return a function that computes the gradients of all parameters and waits for them.

    The objective is half the sum of the squared outputs, TensorFlow's `l2_loss`, as in
    alexnet_benchmark.py. No parameter changes.
    """
    return _pass(GRADIENTS[keras.backend.backend()](model), model, x, compiled)


def has_gradients() -> bool:
    """Return whether `forward_backward` works on this backend."""
    return keras.backend.backend() in GRADIENTS


def _pass(function, model, x, compiled):
    """Compile a function of weights and images as the backend does, and bind its arguments."""
    backend = keras.backend.backend()
    images = ops.convert_to_tensor(x)
    weights = None
    if backend == "tensorflow":
        import tensorflow as tf

        inner = tf.function(lambda images: function(None, images), jit_compile=compiled)

        def run_function(weights, images):
            return inner(images)

    elif backend == "jax":
        import jax

        run_function = jax.jit(function)
        trainable = [variable.value for variable in model.trainable_variables]
        weights = trainable, [variable.value for variable in model.non_trainable_variables]
    else:
        import torch

        run_function = torch.compile(function) if compiled else function

    def run():
        results = run_function(weights, images)
        synchronize(results)
        return results

    return run


def _call(model, weights, images):
    if weights is not None:
        return model.stateless_call(*weights, images, training=False)[0]
    if keras.backend.backend() == "torch":
        import torch

        with torch.no_grad():
            return model(images, training=False)
    return model(images, training=False)


def _objective(outputs):
    return ops.sum(ops.square(outputs)) / 2


def _tensorflow_gradients(model):
    import tensorflow as tf

    def gradients(_, images):
        with tf.GradientTape() as tape:
            loss = _objective(model(images, training=False))
        return tape.gradient(loss, [variable.value for variable in model.trainable_variables])

    return gradients


def _jax_gradients(model):
    import jax

    def gradients(weights, images):
        trainable, others = weights

        def loss(trainable):
            return _objective(_call(model, (trainable, others), images))

        return jax.grad(loss)(trainable)

    return gradients


def _torch_gradients(model):
    import torch

    parameters = [variable.value for variable in model.trainable_variables]

    def gradients(_, images):
        loss = _objective(model(images, training=False))
        return torch.autograd.grad(loss, parameters)

    return gradients


GRADIENTS = {
    "tensorflow": _tensorflow_gradients,
    "jax": _jax_gradients,
    "torch": _torch_gradients,
}
