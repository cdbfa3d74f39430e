"""`Exported`: the report of an export."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_alexnet.short_repr import short_repr


@dataclasses.dataclass(frozen=True)
class Exported:
    """The report of an export. `print` shows it in sentences.

    Args:
        path: The file that was written, or the folder of a SavedModel.
        size: Its size in bytes.
        format: Name of the format.
        precision: `"float32"`, `"float16"` or `"int8"`.
        runtime: The program that ran it and its version, `None` if none is installed.
        error: The largest difference from Keras's outputs, over their largest magnitude; of
            probabilities, of their logarithms, but in int8. `None` if the file was not run.
        kept: Share of the images whose best class is Keras's; `None` if it was not run, or has no
            classes.
        images: Number of images that it was run on.
        photos: Which images these are, in words.
        install: The command that installs a program to run it.
        notes: Sentences on what is assumed about the model.
    """

    path: str
    size: int
    format: str
    precision: str
    runtime: str | None
    error: float | None
    kept: float | None
    images: int
    photos: str
    install: str
    notes: tuple[str, ...] = ()

    __repr__ = short_repr("path", "format", "precision")

    def __str__(self) -> str:
        """Return the report in a few sentences."""
        wrote = f"Wrote {self.path!r}: {self.format}, {self.precision}, {self.size:,} bytes."
        if self.runtime is None:
            ran = f"It was not run, since no program that can is installed: {self.install}"
            return "\n".join((f"{wrote} {ran}", *self.notes))
        ran = (
            f"{self.runtime} ran it on {self.photos}: its outputs differ from Keras's by "
            f"{self.error:.1e} of the largest"
        )
        if self.kept is not None:
            ran += f", and {100 * self.kept:.0f} % of the best classes are the same"
        return "\n".join((f"{wrote} {ran}.", *self.notes))

    def to_dict(self) -> dict[str, Any]:
        """Return the report for JSON."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "install"
        }
