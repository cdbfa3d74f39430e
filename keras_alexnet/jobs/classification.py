"""`classify`: the classes that a network gives single images."""

import dataclasses
from collections.abc import Sequence

from keras_alexnet.arguments import file_path, integer
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation import classifying
from keras_alexnet.evaluation.classifying import Classified
from keras_alexnet.evaluation.networks import class_names_of, ready_network
from keras_alexnet.pictures.classification import plot_classified
from keras_alexnet.progress import quiet, verbosity
from keras_alexnet.short_repr import short_repr


@dataclasses.dataclass(frozen=True)
class Classification:
    """The classes that a network gives images.

    Args:
        model_name: Name of the network.
        images: For each image its path and its best classes, the best first.
        assumptions: What the weights do not say and is assumed, a sentence each.
    """

    model_name: str
    images: tuple[Classified, ...]
    assumptions: tuple[str, ...]

    __repr__ = short_repr("model_name", "images")

    def to_dict(self) -> dict:
        """Return all of it as plain lists and dictionaries."""
        images = [
            {"path": image.path, "classes": [dataclasses.asdict(guess) for guess in image.guesses]}
            for image in self.images
        ]
        return {"model": self.model_name, "assumptions": [*self.assumptions], "images": images}

    def plot(self, path: str) -> str:
        """Draw each image with bars for its best classes beside it, and return the path.

        Raises:
            UserError: (a `ValueError`) if there are too many images, one cannot be read any more,
                matplotlib is not installed, or the file cannot be written.
        """
        return plot_classified(self.images, path)


def classify(
    images: str | Sequence[str],
    *,
    weights: str | None = None,
    model=None,
    variant: str | None = None,
    ten_crop: bool = False,
    top: int = 5,
    batch_size: int = 32,
    verbose: int | str = "auto",
) -> Classification:
    """Return the best classes of image files, by published weights or a trained network.

    Args:
        images: The path of an image file, or several.
        weights: A published checkpoint, by a name that `list_checkpoints()` gives; `"imagenet"` for
            the best documented one; or the path of a file of weights, in which nothing is executed.
        model: Instead of `weights`, a network: the path of a `.keras` file, which Keras loads, or
            a `keras.Model` of RGB pixels of 0 to 255, or one that `AlexNet` made, with its card.
        variant: The network of a file of weights, needed only if the file does not say it.
        ten_crop: Whether the outputs for ten windows of each image are averaged.
        top: Number of classes to return for each image.
        batch_size: Images per step.
        verbose: 0 keeps a download silent; else it shows its progress.

    Returns:
        A `Classification`: for each image its path and its best classes with their scores.

    Raises:
        UserError: (a `ValueError`) unless one of `weights` and `model` is given; if they cannot be
            had or read or do not fit; if an image cannot be read, or ten windows are wanted of a
            network that cuts none.

    Example:

    >>> import os, tempfile
    >>> from PIL import Image
    >>> from keras_alexnet import AlexNet
    >>> path = os.path.join(tempfile.mkdtemp(), "photo.png")
    >>> Image.new("RGB", (40, 30)).save(path)
    >>> result = classify(path, model=AlexNet("cifar10_18pct"), top=3)
    >>> len(result.images[0].guesses), result.images[0].guesses[0].name.startswith("class ")
    (3, True)
    """
    if (weights is None) == (model is None):
        both = "neither `weights` nor `model`" if model is None else "both `weights` and `model`"
        raise UserError(
            f"Received {both}.",
            "Exactly one of them must be given.",
            "Pass weights='owt_torchvision' for a published network, or model='run/model.keras'.",
        )
    batch_size = integer("batch_size", batch_size, 1, "32 is usual.")
    listed = images if isinstance(images, (list, tuple)) else [images]
    paths = [file_path("images", image) for image in listed]
    with quiet(verbosity(verbose) == 0):
        if model is None:
            network = ready_network(weights, variant, by_keras=False)
        else:
            network = ready_network(model, variant, argument="model")
    names, assumption = class_names_of(network)
    if names is None:
        assumption = (
            f"{network.path or network.model.name!r} does not name its classes: a thousand outputs "
            "are assumed to be ImageNet's classes, and others are numbered."
        )
    results = classifying.classify(network.model, paths, names, top, ten_crop, batch_size)
    assumptions = (*network.assumptions, *filter(None, [assumption]))
    return Classification(network.model.name, tuple(results), assumptions)
