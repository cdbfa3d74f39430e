"""The layers that AlexNet needs and Keras lacks."""

from keras_alexnet.layers.conv import GroupedConv2D
from keras_alexnet.layers.dropout import DownscaledDropout
from keras_alexnet.layers.lrn import LocalResponseNormalization
from keras_alexnet.layers.pooling import AdaptiveAveragePooling2D, CeilPooling2D

__all__ = [
    "AdaptiveAveragePooling2D",
    "CeilPooling2D",
    "DownscaledDropout",
    "GroupedConv2D",
    "LocalResponseNormalization",
]
