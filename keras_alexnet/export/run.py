"""`ExportRun`: one export, from the model to the file that was run."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence

import keras
import numpy as np

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.cards.texts import to_texts
from keras_alexnet.checkpoints.model_cards import assumed_preparation
from keras_alexnet.errors import UserError
from keras_alexnet.evaluation.networks import prepares_itself
from keras_alexnet.export.comparison import Comparison, compare, in_batches, keras_outputs
from keras_alexnet.export.exported import Exported
from keras_alexnet.export.formats import version_of
from keras_alexnet.export.graphs import graph_of
from keras_alexnet.export.inputs import Inputs, inputs_of
from keras_alexnet.export.operators import Value
from keras_alexnet.export.photos import given_photos, photos_of, squares
from keras_alexnet.export.preparation import (
    preparation_of,
    prepared_sentence,
    unprepared,
    with_preparation,
)
from keras_alexnet.export.request import ExportRequest
from keras_alexnet.export.settings import Settings
from keras_alexnet.files import check_room
from keras_alexnet.preprocessing.stacks import Preprocessor
from keras_alexnet.version import __version__

LARGEST_ERROR = 1e-4  # of a float32 file


class ExportRun:
    """A model that is to be written.

    Args:
        request: How and where.
        model: The model.
        card: Its card.
        notes: Sentences on what is assumed about the model.
    """

    def __init__(self, request: ExportRequest, model, card: ModelCard, notes: Sequence[str] = ()):
        self.request = request
        self.form = request.form
        self.model = model
        self.card = card
        self.photos = photos_of(request.photos)
        self.alone = self.graph = graph_of(model)
        self.stack: Preprocessor | None = None
        if request.preprocessing:
            self.stack = preparation_of(model, card, self.alone)
            self.graph = with_preparation(self.alone, self.stack)
        self.notes = [*notes]
        known = prepares_itself(model) or card.pixels or notes
        if not known and unprepared(model, card, self.alone) is None:
            self.notes.append(assumed_preparation(model.name, card))

    @functools.cached_property
    def inputs(self) -> Inputs:
        """The photos as the model itself takes them."""
        return inputs_of(self.photos, self.alone, self.model, self.card)

    def exported(self) -> Exported:
        """Write the file, run it, and return the report."""
        path, precision = self.request.path, self.request.precision
        calibration = self._calibration() if precision == "int8" else None
        settings = Settings(precision, calibration, self.request.normalization)
        with self.form.written(path) as beside:
            if not self.form.is_folder:
                check_room(beside, _smallest_size(self.model, precision))
            self.form.write(self.graph, self._texts(), beside, settings)
            found = self._compared(beside)
            if precision == "float32":
                self._check(found)
            size = _size(os.path.dirname(beside))
            self.form.check_free(path, self.request.overwrite)
        return Exported(
            path,
            size,
            self.form.name,
            precision,
            f"{self.form.runtime} {version_of(self.form.runtime)}" if self.form.runtime else None,
            found.error,
            found.kept,
            found.images,
            self.photos.said,
            self.form.install,
            tuple(self.notes),
        )

    def _compared(self, path: str) -> Comparison:
        """Run a written file on images, where something can, and compare it with Keras."""
        if self.form.runtime is None:
            return Comparison()
        if self.stack is None:
            inputs = batches = in_batches(self.inputs.batch)
            self.notes += filter(None, [self.inputs.note])
        else:
            stack = self.stack
            batches = given_photos(self.photos, self.graph, stack.layers[0])
            prepared = [keras.ops.convert_to_numpy(stack(x, training=False)) for x in batches]
            inputs = [x.astype(self.alone.input.dtype) for x in prepared]
        expected = keras_outputs(self.model, inputs, self.graph.data_format)
        try:
            run, coarse = self.form.load(path), self.request.precision == "int8"
            return compare(run, batches, expected, self.graph, self.alone, coarse)
        except (RuntimeError, ValueError) as error:
            raise self._wrong(f"{self.form.runtime} cannot run it: {_first_line(error)}") from error

    def _check(self, found: Comparison) -> None:
        if found.error is not None and found.error > LARGEST_ERROR:
            raise self._wrong(
                f"In {self.form.runtime} its outputs differ from Keras's by {found.error:.1e} of "
                "the largest"
            )

    def _wrong(self, reason: str) -> UserError:
        return UserError(
            f"The exported file of {self.model.name!r} is wrong. {reason}.",
            f"A float32 file must compute what the model does within {LARGEST_ERROR:.0e}.",
            "No file was kept. Choose another format, and report the model and the versions.",
        )

    def _calibration(self) -> np.ndarray:
        """Return the images for the ranges of int8, as the graph takes them."""
        if self.stack is not None:
            return squares(self.photos, self.graph, self.stack.layers[0].size)
        if self.inputs.unknown is not None:
            raise UserError(
                f"Received precision='int8' for {self.inputs.unknown}.",
                "The ranges of all values must be measured on images as the model takes them.",
                "Put the preparation into the model: evaluation_preprocessor(...) in front, or "
                "keras.layers.Rescaling(...) where no model card says anything else.",
            )
        return self.inputs.batch

    def _texts(self) -> dict[str, str]:
        """Return what the file says about itself, by name."""
        sentence = prepared_sentence(self.model, self.card, self.alone)
        inside = "The file prepares images itself. " if self.stack is not None else ""
        texts = to_texts(self.card) | {
            "inputs": json.dumps([_described(self.graph.input)]),
            "outputs": json.dumps([_described(value) for value in self.graph.outputs]),
            "keras_alexnet_version": __version__,
            "keras_version": keras.__version__,
        }
        return texts | ({"preprocessing": inside + sentence} if sentence else {})


def _described(value: Value) -> dict:
    return {"name": value.name, "dtype": value.dtype, "shape": list(value.shape)}


def _smallest_size(model, precision: str) -> int:
    """Return the bytes of the weights of a model."""
    return model.count_params() * {"float32": 4, "float16": 2, "int8": 1}[precision]


def _size(folder: str) -> int:
    """Return the bytes of all files in a folder."""
    files = (os.path.join(around, name) for around, _, names in os.walk(folder) for name in names)
    return sum(map(os.path.getsize, files))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")
