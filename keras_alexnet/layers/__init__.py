"""The layers that AlexNet needs and Keras lacks."""

from keras_alexnet.layers.conv import Conv2D
from keras_alexnet.layers.dropout import DownscaledDropout, Dropout
from keras_alexnet.layers.local import LocallyConnected2D
from keras_alexnet.layers.lrn import LocalResponseNormalization
from keras_alexnet.layers.pooling import AdaptiveAveragePooling2D, CeilPooling2D, MaxPooling2D

__all__ = [
    "AdaptiveAveragePooling2D",
    "CeilPooling2D",
    "Conv2D",
    "DownscaledDropout",
    "Dropout",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "MaxPooling2D",
]
