"""Dropout as the 2012 network had it."""

import keras


@keras.saving.register_keras_serializable(package="keras_alexnet")
class DownscaledDropout(keras.layers.Dropout):
    """Dropout that drops while training and multiplies by `1 - rate` at test time.

    Training: y = mask * x, every element kept with probability 1 - rate. Inference:
    y = (1 - rate) * x. Keras's own `Dropout` is the inverted kind: it divides by 1 - rate while
    training and does nothing at inference. A network trained with one kind gives activations
    that are off by 1 / (1 - rate) under the other.

    Args:
        rate: Fraction of the inputs to drop, between 0 and 1.
        **kwargs: The other arguments of `keras.layers.Dropout` (`noise_shape`, `seed`, ...).

    Reference:
        Krizhevsky, Sutskever, Hinton 2012, section 4.2; `dropout2` of cuda-convnet2.

    Example:

    >>> import numpy as np
    >>> layer = DownscaledDropout(0.5)
    >>> float(layer(np.ones((1, 1), "float32"), training=False)[0, 0])
    0.5
    """

    def call(self, inputs, training=False):
        """Return the inputs, dropped or scaled down; inverted dropout times 1 - rate is both."""
        if self.rate == 1:  # which older versions of Keras refuse to compute
            return keras.ops.zeros_like(inputs)
        return (1 - self.rate) * super().call(inputs, training=training)
