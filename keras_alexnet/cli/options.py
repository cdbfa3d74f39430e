"""Options of several commands, and the kinds of their values."""

import sys
from collections.abc import Collection
from typing import Any, get_args

from keras_alexnet.published.lookup import get_checkpoint
from keras_alexnet.type_aliases import BadImages, InferencePrecision

OF_ALL = ("name", "command", "needs_keras", "many_steps", "json")  # what every command has


def job_arguments(arguments, aside: Collection[str] = ()) -> dict[str, Any]:
    """Return the arguments of a command that are those of its function in `jobs`, by name.

    Args:
        arguments: All arguments of the command.
        aside: Names of further ones that are not the function's.
    """
    return {name: value for name, value in vars(arguments).items() if name not in (*OF_ALL, *aside)}


def count(text: str) -> int:
    """Return the whole number of at least 1 that an argument says."""
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise ValueError


def positive(text: str) -> float:
    """Return the finite number above 0 that an argument says."""
    if 0 < float(text) < float("inf"):
        return float(text)
    raise ValueError


def add_images(command) -> None:
    """Declare the images, files and folders."""
    command.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="image files, and folders, of which all images at any depth are taken",
    )


def add_model(command) -> None:
    """Declare the network, a model's file or weights."""
    command.add_argument(
        "model",
        metavar="MODEL",
        help="a .keras file, of fit or another; the name of published weights, which "
        "keras-alexnet download --list shows; or a file of weights",
    )


def add_overwrite(command) -> None:
    """Declare whether an older file is replaced."""
    command.add_argument(
        "--overwrite", action="store_true", help="replace the file that is there already"
    )


def add_network(command) -> None:
    """Declare the arguments that name a network with weights."""
    network = command.add_mutually_exclusive_group()
    network.add_argument(
        "--weights",
        metavar="NAME_OR_PATH",
        help="the name of a published checkpoint, which keras-alexnet download --list shows; "
        "imagenet for a variant's best documented one, or a file of weights, in which nothing is "
        "executed (default, without --model: imagenet)",
    )
    network.add_argument(
        "--model", metavar="FILE", help="a .keras file, of fit or another, which Keras loads"
    )
    add_variant(command)


def name_default_network(arguments) -> None:
    """Print which network is meant if the arguments name none."""
    if arguments.weights is None and arguments.model is None:
        record = get_checkpoint(arguments.variant or "imagenet")
        print(
            f"keras-alexnet {arguments.name}: note: without --weights and --model, the weights are "
            f"imagenet's: {record.name}, {record.title}, {record.size_text()}",
            file=sys.stderr,
        )


def add_variant(command) -> None:
    """Declare the variant of a file of weights."""
    command.add_argument(
        "--variant", help="the network of a file of weights; needed if the file does not say it"
    )


def add_batch_size(command) -> None:
    """Declare the number of images per step."""
    command.add_argument("--batch-size", type=count, default=32, help="images per step")


def add_precision(command) -> None:
    """Declare what a network computes in."""
    command.add_argument(
        "--precision",
        choices=get_args(InferencePrecision),
        help="what the layers compute in; int8 quantizes the dense ones (default: the network's "
        "own, float32 in the files of fit)",
    )


def add_bad_images(command) -> None:
    """Declare what happens to a file that cannot be read."""
    command.add_argument(
        "--bad-images",
        choices=get_args(BadImages),
        default="stop",
        help="what to do about a file that cannot be read: stop, or leave it out",
    )
