"""`known_data_format`: the data format of a layer."""

import keras

from keras_alexnet.arguments import DATA_FORMATS, choice


def known_data_format(data_format: str | None) -> str:
    """Return a data format, which is Keras's setting for `None`.

    Raises:
        UserError: If there is no such data format.

    Example:

    >>> known_data_format("channels_first")
    'channels_first'
    """
    choice("data_format", data_format, (*DATA_FORMATS, None), "Leave it out for Keras's setting.")
    return data_format or keras.config.image_data_format()
