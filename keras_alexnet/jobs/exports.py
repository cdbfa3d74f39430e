"""`export`: a network as a file of another runtime, run and compared with Keras."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from keras_alexnet.arguments import file_path
from keras_alexnet.evaluation.networks import ready_network
from keras_alexnet.export.exported import Exported
from keras_alexnet.export.request import checked_request
from keras_alexnet.export.run import ExportRun
from keras_alexnet.progress import quiet, verbosity
from keras_alexnet.published.lookup import named_checkpoint
from keras_alexnet.type_aliases import (
    ExportFormatName,
    ExportPrecision,
    NormalizationForm,
    PathLike,
    VariantName,
    Verbose,
    Weights,
)
from keras_alexnet.variants import named_variant


def export(
    model: keras.Model | Weights,
    output: PathLike,
    *,
    variant: VariantName | None = None,
    format: ExportFormatName | None = None,
    preprocessing: bool = False,
    precision: ExportPrecision = "float32",
    normalization: NormalizationForm | None = None,
    photos: PathLike | Sequence[PathLike] | Sequence[np.ndarray] | None = None,
    overwrite: bool = False,
    verbose: Verbose = "auto",
) -> Exported:
    """Write a network for another runtime, run the file there, and compare it with Keras.

    It does what `export_model` does, for published weights and files of weights as well.

    Args:
        model: The path of a `.keras` file, which Keras loads, or of a file of weights; a published
            checkpoint, by a name that `list_checkpoints()` gives; or a `keras.Model`.
        output: The file to write, or the folder of a SavedModel.
        variant: The network of a file of weights, needed only if the file does not say it.
        format: As `export_model` takes it: by default the ending of `output` tells.
        preprocessing: Whether the file takes uint8 photos of any size and returns probabilities.
        precision: `"float32"`, `"float16"` or `"int8"`.
        normalization: `"operator"` or `"chain"`; by default the faster one.
        photos: Images for the comparison, and for the ranges of `"int8"`.
        overwrite: Whether to replace an older file.
        verbose: 0 for silence; else a download shows its progress.

    Returns:
        An `Exported`, which `print` shows in sentences.

    Raises:
        UserError: (a `ValueError`) as `export_model` raises it, and for weights that cannot be
            found or read, or do not fit.

    Example:

    >>> import os, tempfile
    >>> from keras_alexnet import AlexNet
    >>> path = os.path.join(tempfile.mkdtemp(), "network")  # a SavedModel
    >>> export(AlexNet("cifar10_18pct"), path, preprocessing=True).images
    12
    """
    request = checked_request(
        output, format, preprocessing, precision, normalization, photos, overwrite
    )
    if not isinstance(model, keras.Model):
        model = file_path("model", model)
        if named_checkpoint(model, named_variant(variant), argument="model") is not None:
            request.check_installed()  # before a download
    with quiet(verbosity(verbose) == 0):
        network = ready_network(model, variant, argument="model", prepared=False)
    request.check_installed()
    return ExportRun(request, network.model, network.card, network.assumptions).exported()
