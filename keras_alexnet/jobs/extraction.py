"""`features`: the activations of a layer for images, in a NumPy file."""

from __future__ import annotations

import os
from collections.abc import Sequence

import keras

from keras_alexnet.arguments import boolean, choice, integer
from keras_alexnet.checkpoints.targets import layers_of
from keras_alexnet.data.bad_files import BAD_IMAGES
from keras_alexnet.data.image_list import list_images
from keras_alexnet.data.image_reader import ImageReader
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.folder import size_and_method
from keras_alexnet.evaluation.networks import ReadyNetwork
from keras_alexnet.evaluation.outputs import check_headers, image_outputs
from keras_alexnet.features import feature_extractor
from keras_alexnet.files import write_json
from keras_alexnet.functional_graphs import functional_model
from keras_alexnet.jobs.feature_files import (
    Features,
    all_written,
    output_paths,
    write_array,
    write_names,
)
from keras_alexnet.jobs.networks import check_choice, chosen_network
from keras_alexnet.preprocessing import SquareResize
from keras_alexnet.preprocessing.base import ImageLayer
from keras_alexnet.preprocessing.stacks import Preprocessor
from keras_alexnet.progress import verbosity
from keras_alexnet.published.hashes import file_hash
from keras_alexnet.type_aliases import (
    BadImages,
    FeaturePooling,
    PathLike,
    VariantName,
    Verbose,
    Weights,
)
from keras_alexnet.version import __version__

POOLINGS = ("none", "average")


def features(
    images: PathLike | Sequence[PathLike],
    layer: str,
    output: PathLike,
    *,
    weights: Weights | None = None,
    model: keras.Model | PathLike | None = None,
    variant: VariantName | None = None,
    pooling: FeaturePooling = "none",
    batch_size: int = 32,
    bad_images: BadImages = "stop",
    overwrite: bool = False,
    verbose: Verbose = "auto",
) -> Features:
    """Write the activations of a layer for images into a NumPy file, and return its description.

    Row i of the array belongs to row i of the table beside it, `features.csv` for `features.npy`:
    the image and its class folder. `features.json` records the weights, their hash, the layer, and
    how the images were prepared. The rows are written batch by batch, so that memory does not grow
    with the number of images; all three files appear when they are complete.

    Args:
        images: The path of an image file or of a folder, or a list of both. A folder stands for
            the images in it and in the folders below, in order of name. The class of an image is
            the first folder below the one given, or below `train` and `val` in it.
        layer: The layer, by a name that `feature_extractor` takes: `"fc7"`, or torchvision's
            `"classifier.4"`.
        output: The array to write; its path ends in `.npy`.
        weights: A published checkpoint, by a name that `list_checkpoints()` gives; `"imagenet"` for
            the best documented one; or the path of a file of weights, in which nothing is executed.
            Without `weights` and `model`, `"imagenet"`.
        model: Instead of `weights`, a network: the path of a `.keras` file, which Keras loads, or
            a `keras.Model` of RGB pixels of 0 to 255, or one that `AlexNet` made, with its card.
        variant: The network of a file of weights, needed only if the file does not say it.
        pooling: `"average"` for the mean of each feature map, `(images, channels)`; `"none"` for
            the activations as they are.
        batch_size: Images per step.
        bad_images: `"stop"`: an image that cannot be read is an error, before a download if its
            header shows it. `"skip"`: it has no row, and the record names it.
        overwrite: Whether to replace older files.
        verbose: 0 for silence; else a download shows its progress, and 1 or `"auto"` shows a
            progress bar for more images than a batch, on a terminal or in a notebook.

    Returns:
        A `Features` with the paths of the files, the shape of the array, and the record.

    Raises:
        UserError: (a `ValueError`) if both `weights` and `model` are given; if they cannot be
            found or read, or do not fit; if the model has no such layer, or `pooling` is set for a
            layer without maps; if a folder holds no images or an image cannot be read; if a file
            exists or cannot be written. No file is left then.

    Example:

    >>> import os, tempfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> from keras_alexnet import AlexNet
    >>> folder = tempfile.mkdtemp()
    >>> for name in ("1.png", "2.png"):
    ...     Image.new("RGB", (40, 30)).save(os.path.join(folder, name))
    >>> output = os.path.join(folder, "features.npy")
    >>> made = features(folder, "pool3", output, model=AlexNet("cifar10_18pct"), pooling="average")
    >>> np.load(made.path).shape, made.record["layer"]
    ((2, 64), 'pool3')
    """
    batch_size = integer("batch_size", batch_size, 1, "32 is usual.")
    choice("pooling", pooling, POOLINGS, "Leave it out for the activations as they are.")
    choice("bad_images", bad_images, BAD_IMAGES, "Leave it out to stop.")
    if not isinstance(layer, str):
        raise UserError(
            f"Received layer={layer!r}.",
            "`layer` must be the name of one layer.",
            'Give "fc7", say; `feature_extractor` returns several layers at a time.',
        )
    paths = output_paths(output, boolean("overwrite", overwrite))
    found = list_images(images)
    check_choice(weights, model, variant)
    progress = verbosity(verbose) == 1
    if bad_images == "stop":
        check_headers(found.paths, progress and len(found.paths) > batch_size)
    network = chosen_network(weights, model, variant, verbose)
    extractor = _extractor(network.model, layer, pooling)
    reader = ImageReader(*size_and_method(network.model))
    options = (batch_size, bad_images, progress)
    outputs = image_outputs(extractor.predict_on_batch, found.paths, reader, *options)
    with all_written(paths) as (array, names, record):
        shape = write_array(array, (rows for _, rows in outputs), extractor.output_shape[1:])
        bad = dict(reader.bad)
        rows = zip(found.paths, found.class_names, strict=True)
        write_names(names, [(path, folder) for path, folder in rows if path not in bad])
        facts = {
            "shape": [*shape],
            "layer": layer,
            "pooling": pooling,
            **_made_by(network),
            "skipped": [{"path": path, "reason": bad[path]} for path in sorted(bad)],
            "passed_over": [*found.passed_over],
        }
        write_json(record, facts)
    return Features(*paths, shape, facts)


def _extractor(model, layer: str, pooling: str):
    """Return a model from images to the activations of a layer."""
    extractor = feature_extractor(model, layer)
    if pooling == "none":
        return extractor
    if len(extractor.output_shape) != 4:
        raise UserError(
            f"Received pooling={pooling!r} for the layer {layer!r}, whose output has the shape "
            f"{extractor.output_shape[1:]}.",
            "Only feature maps can be pooled: the outputs of convolutions and of poolings.",
            "Leave `pooling` (--pooling) out, or choose a layer such as pool5.",
        )
    pool = keras.layers.GlobalAveragePooling2D(data_format=_data_format(model), dtype="float32")
    return functional_model(extractor.input, pool(extractor.output), extractor.name, extractor)


def _data_format(model) -> str:
    """Return the data format of a model's feature maps."""
    layers = (layer for layer in layers_of(model) if isinstance(layer, keras.layers.Conv2D))
    return next((layer.data_format for layer in layers), keras.config.image_data_format())


def _made_by(network: ReadyNetwork) -> dict:
    """Return the weights, the preparation of images and the programs that make features."""
    model, card, path = network.model, network.card, network.path
    preparation = [layer for layer in layers_of(model) if isinstance(layer, ImageLayer)]
    if not any(isinstance(layer, SquareResize) for layer in preparation):
        preparation.insert(0, SquareResize(*size_and_method(model)))  # as the images are read
    return {
        "data_format": _data_format(model),
        "weights": path or model.name,
        "weights_sha256": file_hash(path, "sha256") if path and os.path.isfile(path) else None,
        "checkpoint": card.checkpoint,
        "variant": card.variant,
        "licence": card.licence,
        "preprocessing": Preprocessor(preparation).sentence(),
        "assumptions": [*network.assumptions],
        "backend": keras.backend.backend(),
        "keras_alexnet_version": __version__,
        "keras_version": keras.__version__,
    }
