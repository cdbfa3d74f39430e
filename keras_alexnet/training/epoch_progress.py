"""`EpochProgress`: a callback that reports the progress of `fit`."""

import keras

from keras_alexnet.progress import report


class EpochProgress(keras.callbacks.Callback):
    """Reports every batch of a `fit`, for `keras_alexnet.progress.position`."""

    async_safe = True  # it reads no results, so Keras need not wait for them

    def on_epoch_begin(self, epoch, logs=None):
        """Report the beginning of an epoch."""
        self._epoch = f"epoch {epoch + 1} of {self.params['epochs']}"
        report(0, self.params.get("steps"), "batches", self._epoch)

    def on_train_batch_end(self, batch, logs=None):
        """Report a batch."""
        report(batch + 1, self.params.get("steps"), "batches", self._epoch)

    def on_test_batch_end(self, batch, logs=None):
        """Report a batch of the held-out images."""
        report(batch + 1, None, "batches measured", self._epoch)
