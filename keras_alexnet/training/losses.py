"""The loss of a training, and its form with smoothed labels."""

import keras

from keras_alexnet.training.padding import PaddedLoss


def training_loss(label_smoothing: float = 0.0, class_weights: bool = False):
    """Return the cross-entropy that a network is trained with.

    Args:
        label_smoothing: Share of each label that is spread over all classes.
        class_weights: Whether `fit` weights the classes. Then the loss is a plain one, because a
            `PaddedLoss` takes the weights of a batch as relative to each other.
    """
    plain = "sparse_categorical_crossentropy"
    loss = SmoothedCrossentropy(label_smoothing) if label_smoothing else plain
    return loss if class_weights else PaddedLoss(loss)


class SmoothedCrossentropy(keras.losses.Loss):
    """The cross-entropy of integer labels with label smoothing (arXiv:1512.00567).

    For n classes and the smoothing s, the label is 1 - s + s / n for the class and s / n for every
    other. `keras.losses.CategoricalCrossentropy` computes the same of one-hot labels.

    Args:
        label_smoothing: The smoothing, at least 0 and less than 1.

    Example:

    >>> import math
    >>> loss = SmoothedCrossentropy(0.2)
    >>> value = float(loss(keras.ops.array([0]), keras.ops.array([[0.8, 0.2]])))
    >>> math.isclose(value, -0.9 * math.log(0.8) - 0.1 * math.log(0.2), rel_tol=1e-5)
    True
    """

    def __init__(self, label_smoothing: float):
        super().__init__()
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        """Return the loss of each image."""
        labels = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "int32")
        one_hot = keras.ops.one_hot(labels, y_pred.shape[-1])
        return keras.losses.categorical_crossentropy(
            one_hot, y_pred, label_smoothing=self.label_smoothing
        )
