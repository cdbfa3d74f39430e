"""The formats that a model is exported to: a table of records, and the choice of one."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.metadata
import importlib.util
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_alexnet.arguments import choice
from keras_alexnet.errors import UserError
from keras_alexnet.export.operators import Graph
from keras_alexnet.export.settings import Settings
from keras_alexnet.files import check_free, written_folder, written_whole
from keras_alexnet.names import did_you_mean

__all__ = ["EXPORT_FORMATS", "ExportFormat"]

Run = Callable[[np.ndarray], list[np.ndarray]]  # from a batch to the outputs


@dataclasses.dataclass(frozen=True)
class ExportFormat:
    """A format that models are exported to.

    Args:
        name: Its name in calls and commands.
        title: Its name in sentences.
        ending: The ending of its files' names; none of a folder's.
        module: The module of this package that writes and loads it.
        needs: The packages that writing needs, by the names that they are imported by.
        runtimes: The packages that can run it, the first one installed does.
        install: The command that installs what it needs and runs in.
        precisions: The precisions that it has.
        quantizer: The package that int8 needs besides.
        companion: The ending of a second file beside it.
        kind: The end of the names of its functions in the module, if that has several formats.
    """

    name: str
    title: str
    ending: str
    module: str
    needs: tuple[str, ...]
    runtimes: tuple[str, ...]
    install: str
    precisions: tuple[str, ...] = ("float32", "float16", "int8")
    quantizer: str | None = None
    companion: str | None = None
    kind: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return not self.ending

    @property
    def runtime(self) -> str | None:
        """The package that runs it here, `None` if there is none."""
        return next(filter(_is_installed, self.runtimes), None)

    def write(self, graph: Graph, texts: Mapping[str, str], path: str, settings: Settings) -> None:
        """Write a graph."""
        self._function("write")(graph, texts, path, settings)

    def load(self, path: str) -> Run:
        """Return a function that runs a file: from a batch to the outputs."""
        return self._function("load")(path)

    def written(self, path: str) -> contextlib.AbstractContextManager[str]:
        """Give a temporary path to write to, which is renamed when the block succeeds."""
        return written_folder(path) if self.is_folder else written_whole(path)

    def _function(self, name: str) -> Callable:
        module = importlib.import_module(f"keras_alexnet.export.{self.module}")
        return getattr(module, f"{name}_{self.kind}" if self.kind else name)

    def check_installed(self, precision: str = "float32") -> None:
        """Raise unless the packages that writing needs are installed."""
        needs = list(self.needs)
        if precision == "int8" and self.quantizer:
            needs.append(self.quantizer)
        missing = [name for name in needs if not _is_installed(name)]
        if missing:
            are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
            raise UserError(
                f"Received format={self.name!r}, but {' and '.join(missing)} {are} not installed.",
                f"{self.title} in {precision} is written with {' and '.join(needs)}.",
                f"Install {them}: {self.install}.",
            )

    def check_free(self, path: str, overwrite: bool) -> None:
        """Raise unless a file, or a folder, may be written at a path."""
        if self.companion:
            check_free(os.path.splitext(path)[0] + self.companion, overwrite)
        if not self.is_folder:
            check_free(path, overwrite)
        elif not os.path.isdir(path):
            check_free(path, overwrite=False)
        elif not overwrite or not os.path.isfile(os.path.join(path, "saved_model.pb")):
            raise UserError(
                f"Received the path {path!r}, but there is a folder already.",
                "The folder must be a new one, or with overwrite=True (--overwrite) an older "
                "SavedModel, so that no file is lost.",
                "Choose another name, or remove the folder.",
            )


EXPORT_FORMATS: Mapping[str, ExportFormat] = {
    row.name: row
    for row in (
        ExportFormat(
            "onnx",
            "ONNX",
            ".onnx",
            "onnx_files",
            ("onnx",),
            ("onnxruntime",),
            'pip install "keras-alexnet[onnx]" onnxruntime',
            quantizer="onnxruntime",
        ),
        ExportFormat(
            "saved_model",
            "A SavedModel of TensorFlow",
            "",
            "tensorflow_files",
            ("tensorflow",),
            ("tensorflow",),
            "pip install tensorflow",
            ("float32", "float16"),
            kind="saved_model",
        ),
        ExportFormat(
            "litert",
            "LiteRT",
            ".tflite",
            "tensorflow_files",
            ("tensorflow",),
            ("ai_edge_litert", "tensorflow"),
            "pip install tensorflow ai-edge-litert",
            kind="litert",
        ),
        ExportFormat(
            "openvino",
            "OpenVINO",
            ".xml",
            "openvino_files",
            ("onnx", "openvino"),
            ("openvino",),
            'pip install "keras-alexnet[onnx]" openvino onnxruntime',
            quantizer="onnxruntime",
            companion=".bin",
        ),
        ExportFormat(
            "torch",
            "A program of PyTorch",
            ".pt2",
            "torch_files",
            ("torch",),
            ("torch",),
            'pip install "keras-alexnet[torch]"',
            ("float32", "float16"),
        ),
    )
}


def chosen_format(name: Any, path: str) -> ExportFormat:
    """Return the format of a name, or of the ending of a path.

    Raises:
        UserError: If there is no such format, or the path has another ending.

    Example:

    >>> chosen_format(None, "alexnet.tflite").name, chosen_format(None, "alexnet").name
    ('litert', 'saved_model')
    """
    ending = os.path.splitext(path)[1]
    endings = {row.ending: row for row in EXPORT_FORMATS.values()}
    if name is None:
        if ending not in endings:
            listed = ", ".join(f"{row.ending or 'none'} for {row.name}" for row in endings.values())
            raise UserError(
                f"Received the path {path!r} without a format.",
                f"The ending of the path names the format: {listed}.",
                "Give such a path, or `format` (--format).",
            )
        return endings[ending]
    similar = did_you_mean(name, EXPORT_FORMATS) or "Leave it out: the ending of the path names it."
    choice("format", name, EXPORT_FORMATS, similar)
    form = EXPORT_FORMATS[name]
    if form.ending and form.ending != ending:
        raise UserError(
            f"Received the path {path!r} for the format {name!r}.",
            f"The path of such a file must end in {form.ending!r}.",
            f"Give {os.path.splitext(path)[0] + form.ending!r}, say.",
        )
    return form


def version_of(package: str) -> str:
    """Return the version of an installed package, by the name that it is imported by."""
    found = getattr(importlib.import_module(package), "__version__", None)
    return str(found or importlib.metadata.version(package.replace("_", "-"))).split("-")[0]


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
