"""The order of the files in each epoch."""

import numpy as np


class EpochOrder:
    """A new order of `count` files for every epoch, which depends on seed and epoch alone.

    An epoch ends when all its files have been handed out. An iteration that stops earlier does not
    count, and the next one has the same order: Keras may read a batch before it trains.

    A batch that is read ahead counts as handed out, since a data set does not see who takes it. In
    the scope of a `tf.distribute` strategy Keras reads a batch before each `fit`, and TensorFlow
    the first four (Keras 3.15, TensorFlow 2.21): there a data set of at most four batches skips one
    order at each `fit`. `begin` says which epoch it is, and then nothing is counted.

    Args:
        count: Number of files.
        seed: The same seed gives the same orders.
        first_epoch: Number of epochs that are over, in a run that continues from a checkpoint.

    Example:

    >>> resumed = EpochOrder(5, seed=1, first_epoch=2)
    >>> resumed.start(left_out=0).tolist() == np.random.default_rng([1, 2]).permutation(5).tolist()
    True
    """

    def __init__(self, count: int, seed: int, first_epoch: int = 0):
        self.count = count
        self.seed = seed
        self.epoch = first_epoch
        self._handed_out = 0
        self._told = False

    def begin(self, epoch: int) -> None:
        """Take the order of an epoch for all iterations until the next one begins.

        Args:
            epoch: Number of epochs that are over.
        """
        self.epoch = epoch
        self._told = True

    def start(self, left_out: int) -> np.ndarray:
        """Return the order of the files for an iteration that starts now.

        Args:
            left_out: Number of files that were read without success and are not handed out.
        """
        if not self._told and self._handed_out and self._handed_out + left_out >= self.count:
            self.epoch += 1
        self._handed_out = 0
        return np.random.default_rng([self.seed, self.epoch]).permutation(self.count)

    def hand_out(self, labels: np.ndarray) -> np.ndarray:
        """Count a batch's images, and return its labels as they are."""
        self._handed_out += len(labels)
        return labels
