"""GoogLeNet's stem, with local response normalization where the paper has it.

Szegedy et al., Going deeper with convolutions, 2015: two normalizations surround the second
convolution. The layer comes with Caffe's numbers, as GoogLeNet's published weights expect.

    python examples/googlenet_stem.py
"""

import argparse

import keras
import numpy as np

from keras_alexnet import LocalResponseNormalization


def googlenet_stem(input_shape=(224, 224, 3)) -> keras.Model:
    """Return the part of GoogLeNet before its first inception module."""
    layers = keras.layers
    conv = {"padding": "same", "activation": "relu"}
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Conv2D(64, 7, strides=2, name="conv1", **conv),
            layers.MaxPooling2D(3, 2, padding="same"),
            LocalResponseNormalization.from_caffe(5, alpha=1e-4, beta=0.75, name="norm1"),
            layers.Conv2D(64, 1, name="conv2_reduce", **conv),
            layers.Conv2D(192, 3, name="conv2", **conv),
            LocalResponseNormalization.from_caffe(5, alpha=1e-4, beta=0.75, name="norm2"),
            layers.MaxPooling2D(3, 2, padding="same"),
        ],
        name="googlenet_stem",
    )


def main():
    """Build the stem, run it on noise and show its layers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the same: it takes a second")
    parser.parse_args()
    stem = googlenet_stem()
    stem.summary()
    images = np.random.default_rng(0).uniform(-128, 127, (2, 224, 224, 3)).astype("float32")
    features = stem.predict(images, verbose=0)
    print(f"Two images of {images.shape[1:]} gave features of {features.shape[1:]}.")


if __name__ == "__main__":
    main()
