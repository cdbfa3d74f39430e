"""One step of gradient descent with momentum and coupled weight decay."""

import keras
from keras import ops

from keras_alexnet.operations.cpu_slices import flat_slices
from keras_alexnet.operations.operation import Operation


@Operation
def descend(optimizer, variable, velocity, gradient, rate, momentum, decay, rate_in_velocity):
    """Take one step of gradient descent with momentum.

    With the gradient g, rate e, decay d, and the velocity v of a variable w:

        v <- momentum * v - e * (g + d * w),    w <- w + v    if the velocity remembers the rate
        v <- momentum * v + g + d * w,      w <- w - e * v    if not

    Args:
        optimizer: Whose `assign` is to be used.
        variable: What is trained; it is changed.
        velocity: The variable of the same shape and type that remembers; it is changed.
        gradient: A tensor of the same shape and type.
        rate: A number, or a tensor of one; so are the next two.
        momentum: Share of the velocity that is kept.
        decay: Share of the variable that is added to the gradient.
        rate_in_velocity: Whether the velocity remembers the rate of each step.
    """
    gradient = _decayed(gradient, variable, decay)
    if rate_in_velocity:
        new = momentum * velocity - rate * gradient
        optimizer.assign_add(variable, new)
    else:
        new = momentum * velocity + gradient
        optimizer.assign_sub(variable, rate * new)
    optimizer.assign(velocity, new)


def _decayed(gradient, variable, decay):
    """Return a gradient with the share of the variable, unless that share is always 0."""
    return gradient + decay * variable if ops.is_tensor(decay) or decay else gradient


@descend.override("tensorflow")
def _descend_tensorflow(
    optimizer, variable, velocity, gradient, rate, momentum, decay, rate_in_velocity
):
    """Change variable and velocity in one pass over memory; without XLA the formula takes five."""
    import tensorflow as tf

    kernels = tf.raw_ops.ResourceApplyKerasMomentum, tf.raw_ops.ResourceApplyMomentum
    apply = kernels[0] if rate_in_velocity else kernels[1]
    if isinstance(variable, keras.Variable):
        variable = variable.value
    apply(
        var=variable.handle,
        accum=velocity.value.handle,
        lr=tf.cast(rate, variable.dtype),
        grad=_decayed(gradient, variable, decay),
        momentum=tf.cast(momentum, variable.dtype),
        use_locking=False,
        use_nesterov=False,
    )


@descend.override("torch")
def _descend_torch(
    optimizer, variable, velocity, gradient, rate, momentum, decay, rate_in_velocity
):
    """Change variable and velocity in place, slice by slice: new tensors cost ten times as much."""
    import torch

    with torch.no_grad():
        for w, v, g in flat_slices(variable.value, velocity.value, gradient):
            v.mul_(momentum)
            if rate_in_velocity:
                _add(_add(v, g, -rate), w, -rate * decay)
                w.add_(v)
            else:
                _add(v.add_(g), w, decay)
                _add(w, v, -rate)


def _add(total, x, factor):
    """Add a multiple of x; a factor that is a tensor stays on its device."""
    if ops.is_tensor(factor):
        return total.addcmul_(x, factor)
    return total.add_(x, alpha=factor) if factor else total
