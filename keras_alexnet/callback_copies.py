"""`Copyable`: callbacks that can be copied during training, without their model."""

import keras


class Copyable:
    """A base class of callbacks that `copy.deepcopy` and `pickle` can copy, also during training.

    A copy has all attributes except the model; the next `fit` sets it, as for every callback.
    """

    def __getstate__(self):
        """Return the attributes that are not models."""
        return {
            name: value for name, value in vars(self).items() if not isinstance(value, keras.Model)
        }

    def __setstate__(self, state):
        """Set the attributes; those of Keras start as in a new callback."""
        keras.callbacks.Callback.__init__(self)
        vars(self).update(state)
