"""`export_model`: a model as a file of another runtime, run and compared before it is believed."""

from __future__ import annotations

import keras

from keras_alexnet.arguments import boolean, file_path
from keras_alexnet.cards.alexnet_model import card_of
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.loading import say
from keras_alexnet.checkpoints.model_cards import get_model_card
from keras_alexnet.evaluation.networks import load_model
from keras_alexnet.export.exported import Exported
from keras_alexnet.export.request import checked_request
from keras_alexnet.export.run import ExportRun
from keras_alexnet.type_aliases import (
    ExportFormatName,
    ExportPrecision,
    NormalizationForm,
    PathLike,
    Tensor,
)


def export_model(
    model: keras.Model | PathLike,
    path: PathLike,
    *,
    format: ExportFormatName | None = None,
    preprocessing: bool = False,
    precision: ExportPrecision = "float32",
    normalization: NormalizationForm | None = None,
    photos: PathLike | Tensor | None = None,
    overwrite: bool = False,
    verbose: bool = True,
) -> Exported:
    """Write a model for another runtime, run the file there, and compare it with Keras.

    The file is written from the layers of the model, whatever Keras's backend is, and takes
    batches of any size. It is written beside `path`, run on images, and then renamed: it is there
    in full and right, or not at all. It holds the model card, the names of the classes, and how
    images are prepared.

    Args:
        model: A functional or sequential `keras.Model` of Keras's and this package's layers, or
            the path of a `.keras` file. A model of mixed precision is written as float32.
        path: The file to write, or the folder of a SavedModel.
        format: `"onnx"`, `"saved_model"`, `"litert"`, `"openvino"` or `"torch"`; by default the
            ending of `path` tells: `.onnx`, none, `.tflite`, `.xml`, `.pt2`.
        preprocessing: Whether the file prepares the images too: it takes uint8 RGB photos of any
            size, as they are decoded, and returns probabilities.
        precision: `"float32"`; `"float16"` for weights of half the size, which are computed with
            in float32; `"int8"` for weights and products of whole numbers.
        normalization: `"operator"` for a runtime's own operator of local response normalization,
            where it has one for the layer; `"chain"` for plain operators. By default the faster
            one, the chain in ONNX.
        photos: Images for the comparison, and for the ranges of `"int8"`: a folder, image files,
            or uint8 arrays. Without them the comparison is on images that this package draws. With
            `preprocessing` the few pixels that would lie halfway between two grey levels once they
            are resized are changed: for these every program has a rounding of its own.
        overwrite: Whether to replace an older file.
        verbose: Whether to print the report.

    Returns:
        An `Exported` with path and size, the runtime that ran it, the error, and the share of best
        classes that are Keras's.

    Raises:
        UserError: (a `ValueError`) for an unknown format, or a package that is not installed; for
            a layer that has no operator; for `"int8"` without photos, or of a model that does not
            say how its images are prepared; if the preparation is not
            known; if a float32 file differs from the model by more than 1e-4 of the largest
            output; if a file exists or cannot be written. No file is left then.

    Example:

    >>> import os, tempfile
    >>> from keras_alexnet import AlexNet
    >>> path = os.path.join(tempfile.mkdtemp(), "network")  # a SavedModel
    >>> made = export_model(AlexNet("cifar10_18pct"), path, verbose=False)
    >>> made.format, made.error < 1e-4
    ('saved_model', True)
    """
    verbose = boolean("verbose", verbose)
    request = checked_request(
        path, format, preprocessing, precision, normalization, photos, overwrite
    )
    model, card = _with_card(model)
    request.check_installed()
    made = ExportRun(request, model, card).exported()
    if verbose:
        say(str(made))
    return made


def _with_card(model: keras.Model | PathLike) -> tuple[keras.Model, ModelCard]:
    """Return a model, or that of a path, with its card, which may be empty."""
    if isinstance(model, keras.Model):
        return model, card_of(model) or ModelCard()
    path = file_path("model", model)
    loaded = load_model(path)
    return loaded, card_of(loaded) or get_model_card(path) or ModelCard()
