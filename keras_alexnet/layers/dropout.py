"""Dropout as the 2012 network had it, and as Keras has it but fast under XLA."""

import keras

from keras_alexnet.operations.dense import before_dense
from keras_alexnet.operations.dropout import dropout
from keras_alexnet.type_aliases import Tensor


@keras.saving.register_keras_serializable(package="keras_alexnet")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` whose random numbers cost no time under XLA on a CPU.

    Arguments and meaning are those of `keras.layers.Dropout`: while training, every element is
    kept with probability 1 - rate and then divided by it; nothing happens at inference.

    Reference:
        Krizhevsky, Sutskever, Hinton 2012, section 4.2.

    Example:

    >>> import numpy as np
    >>> y = Dropout(0.5, seed=1)(np.ones((1, 1000), "float32"), training=True)
    >>> sorted({float(value) for value in y[0]})
    [0.0, 2.0]
    """

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Return the inputs, dropped while training."""
        if not training or self.rate == 0:
            return before_dense(inputs)
        if self.rate == 1:  # which older versions of Keras refuse to compute
            return keras.ops.zeros_like(inputs)
        if self.noise_shape is not None:
            return super().call(inputs, training=training)
        return before_dense(dropout(inputs, self.rate, self.seed_generator))


@keras.saving.register_keras_serializable(package="keras_alexnet")
class DownscaledDropout(Dropout):
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

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Return the inputs, dropped or scaled down; inverted dropout times 1 - rate is both."""
        return (1 - self.rate) * super().call(inputs, training=training)
