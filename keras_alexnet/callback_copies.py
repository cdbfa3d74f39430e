"""Copies of callbacks, without the model that Keras gave them."""

import keras


class Copyable:
    """A base class of callbacks that `copy.deepcopy` and `pickle` can copy, in use too.

    A copy has all figures, but no model: the next `fit` gives it one, as it gives every callback.
    """

    def __getstate__(self):
        """Return the attributes without models."""
        return {
            name: value for name, value in vars(self).items() if not isinstance(value, keras.Model)
        }

    def __setstate__(self, state):
        """Set the attributes; Keras's own ones start as in a new callback."""
        keras.callbacks.Callback.__init__(self)
        vars(self).update(state)
