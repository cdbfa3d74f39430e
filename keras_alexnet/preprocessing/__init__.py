"""Layers that turn images into the input of the networks, in training and in evaluation."""

from keras_alexnet.preprocessing.crop import CenterCrop, RandomCropFlip
from keras_alexnet.preprocessing.multi_crop import multi_crop_model, ten_crop_model
from keras_alexnet.preprocessing.nine_crop import NineCrop
from keras_alexnet.preprocessing.noise import PCAColorNoise
from keras_alexnet.preprocessing.pixels import PixelNormalization
from keras_alexnet.preprocessing.resize import SquareResize
from keras_alexnet.preprocessing.stacks import (
    Preprocessor,
    evaluation_preprocessor,
    preprocess_input,
    training_preprocessor,
)
from keras_alexnet.preprocessing.ten_crop import TenCrop

__all__ = [
    "CenterCrop",
    "NineCrop",
    "PCAColorNoise",
    "PixelNormalization",
    "Preprocessor",
    "RandomCropFlip",
    "SquareResize",
    "TenCrop",
    "evaluation_preprocessor",
    "multi_crop_model",
    "preprocess_input",
    "ten_crop_model",
    "training_preprocessor",
]
