"""Writes the weights of a model in every format that conversion gives, with its model card."""

import dataclasses
import importlib
import math
import os

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.errors import UserError
from keras_alexnet.files import check_room


@dataclasses.dataclass(frozen=True)
class WrittenFormat:
    """A format that can be written.

    Args:
        ending: How the names of its files end.
        title: Its name in sentences.
        function: Module in this package and function that write it: imported when needed.
    """

    ending: str
    title: str
    function: str

    def write(self, model, card: ModelCard, path: str) -> None:
        """Write the weights of a model, and its card.

        Args:
            model: The model.
            card: The card.
            path: The file.

        Raises:
            OSError: If it cannot be written.
        """
        module, function = self.function.split(":")
        check_room(path, MARGIN + sum(map(_nbytes, model.weights)))
        getattr(importlib.import_module(f"{__package__}.{module}"), function)(model, card, path)


MARGIN = 1 << 16  # bytes of a file that are no numbers, at least


def _nbytes(variable) -> int:
    return math.prod(variable.shape) * {"float64": 8, "float16": 2}.get(variable.dtype, 4)


WRITTEN_FORMATS = (
    WrittenFormat(".weights.h5", "Keras's weights", "keras_files:write_weights"),
    WrittenFormat(".keras", "a whole Keras model", "keras_files:write_model"),
    WrittenFormat(".safetensors", "safetensors", "safetensors:write"),
)


def format_to_write(path: str) -> WrittenFormat:
    """Return the format that the ending of a path asks for.

    Raises:
        UserError: If it asks for none.

    Example:

    >>> format_to_write("alexnet.keras").title
    'a whole Keras model'
    """
    for row in WRITTEN_FORMATS:
        if path.endswith(row.ending) and os.path.basename(path) != row.ending:
            return row
    endings = [f"{row.ending} ({row.title})" for row in WRITTEN_FORMATS]
    stem = os.path.splitext(os.path.basename(path))[0] or "alexnet"
    raise UserError(
        f"Received the path {path!r} to write to.",
        f"Its ending must be one of {', '.join(endings)}.",
        f"Call it {stem + WRITTEN_FORMATS[0].ending!r}, say.",
    )
