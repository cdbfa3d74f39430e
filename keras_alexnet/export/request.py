"""`ExportRequest`: the checked arguments of an export."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_alexnet.arguments import boolean, choice, file_path
from keras_alexnet.errors import UserError
from keras_alexnet.export.formats import ExportFormat, chosen_format
from keras_alexnet.export.settings import NORMALIZATIONS, PRECISIONS


@dataclasses.dataclass(frozen=True)
class ExportRequest:
    """The arguments of an export, as `export_model` takes them, checked.

    Args:
        path: The file to write.
        form: The format.
        preprocessing: Whether the file prepares images too.
        precision: `"float32"`, `"float16"` or `"int8"`.
        normalization: `"operator"`, `"chain"` or `None`.
        photos: A folder, files or arrays; `None` for drawn images.
        overwrite: Whether to replace an older file.
    """

    path: str
    form: ExportFormat
    preprocessing: bool
    precision: str
    normalization: str | None
    photos: Any
    overwrite: bool

    def check_installed(self) -> None:
        """Raise unless the packages that writing needs are installed."""
        self.form.check_installed(self.precision)


def checked_request(
    path, format, preprocessing, precision, normalization, photos, overwrite
) -> ExportRequest:
    """Return the arguments of an export as a record, before any work is done.

    Raises:
        UserError: For an argument that is not one, and a path that cannot be written.
    """
    path = file_path("path", path)
    form = chosen_format(format, path)
    flags = boolean("preprocessing", preprocessing), boolean("overwrite", overwrite)
    choice("precision", precision, PRECISIONS, "Leave it out for float32.")
    choice("normalization", normalization, (*NORMALIZATIONS, None), "Leave it out.")
    if precision not in form.precisions:
        raise UserError(
            f"Received precision={precision!r} for the format {form.name!r}.",
            f"{form.title} has {' and '.join(form.precisions)}.",
            "Choose one of them, or another format, such as onnx.",
        )
    if precision == "int8" and photos is None:
        raise UserError(
            "Received precision='int8' without photos.",
            "The ranges of all values must be measured on images like those of later.",
            "Give a folder of some dozens of them as `photos` (--photos).",
        )
    form.check_free(path, flags[1])
    return ExportRequest(path, form, flags[0], precision, normalization, photos, flags[1])
