"""AlexNet for Keras: every published variant, and the layers that Keras lacks for it."""

from keras_alexnet.describe import describe
from keras_alexnet.layers.lrn import LocalResponseNormalization
from keras_alexnet.model import AlexNet
from keras_alexnet.variants import get_variant, list_variants

__version__ = "0.1.0"

__all__ = [
    "AlexNet",
    "LocalResponseNormalization",
    "describe",
    "get_variant",
    "list_variants",
]
