"""`keras-alexnet features`: the activations of a layer for images, in a NumPy file."""

from typing import get_args

from keras_alexnet.cli.options import (
    add_bad_images,
    add_batch_size,
    add_images,
    add_network,
    name_default_network,
)
from keras_alexnet.cli.output import print_result
from keras_alexnet.type_aliases import FeaturePooling


def add(command) -> None:
    """Declare the command and its arguments."""
    features = command(
        "features",
        run,
        "write the activations of a layer for images into a NumPy file, their names beside it",
        "keras-alexnet features photos/ --layer fc7 --output features.npy",
    )
    add_images(features)
    features.add_argument(
        "--layer",
        required=True,
        metavar="NAME",
        help="the layer: fc7, say, as keras-alexnet describe shows it, or its name in another "
        "program",
    )
    features.add_argument(
        "--output",
        required=True,
        metavar="FILE",
        help="the array to write, which ends in .npy; the files .csv and .json beside it have the "
        "names of the images and how the features were made",
    )
    add_network(features)
    features.add_argument(
        "--pooling",
        choices=get_args(FeaturePooling),
        default="none",
        help="average: the mean of each feature map",
    )
    add_batch_size(features)
    add_bad_images(features)
    features.add_argument(
        "--overwrite", action="store_true", help="replace the files that are there already"
    )


def run(arguments) -> None:
    """Compute the features, and say what was written."""
    from keras_alexnet import jobs

    name_default_network(arguments)
    print_result(arguments, jobs.features)
