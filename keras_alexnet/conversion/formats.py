"""The formats that conversion writes: weights of a model with its model card inside.

The tensors of a safetensors file are called `conv1.kernel`, `conv1.bias` and so on, and have
Keras's layouts: convolutions' kernels (height, width, in, out), dense ones (in, out), and the rows
of the first dense one in the order height, width, channels. `__metadata__` says so (`layout`). The
file is the length of a table, the table in JSON, and then the numbers:
https://huggingface.co/docs/safetensors
"""

import dataclasses
import json
import math
import os
import zipfile
from collections.abc import Callable

import h5py

from keras_alexnet.cards.alexnet_model import AlexNetModel
from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.targets import targets_of
from keras_alexnet.conversion.provenance import file_texts
from keras_alexnet.errors import UserError
from keras_alexnet.files import check_room
from keras_alexnet.formats.hdf5.keras_files import CARD, LONGEST_PART, MORE
from keras_alexnet.operations.memory import as_array

DTYPES = {"float64": ("F64", 8), "float16": ("F16", 2)}  # safetensors' name, bytes of a number
FLOAT32 = ("F32", 4)  # of bfloat16 as well, whose values it holds exactly
ALIGNMENT = 8  # bytes, of the first number in a safetensors file
MARGIN = 1 << 16  # bytes of a file that are no numbers, at least


@dataclasses.dataclass(frozen=True)
class WrittenFormat:
    """A format that conversion writes.

    Args:
        ending: The ending of its files' names.
        title: Its name in sentences.
        writer: Writes the weights of a model and its card to a path.
    """

    ending: str
    title: str
    writer: Callable[[object, ModelCard, str], None]

    def write(self, model, card: ModelCard, path: str) -> None:
        """Write the weights of a model, and its card.

        Raises:
            OSError: If the file cannot be written.
        """
        check_room(path, MARGIN + sum(_nbytes(variable) for variable in model.weights))
        self.writer(model, card, path)


def write_weights(model, card: ModelCard, path: str) -> None:
    """Write a .weights.h5 file, with the card as attributes of its root.

    Keras reads groups and arrays by name and leaves attributes alone. The texts have a fixed
    length, which keeps them in the root's own header, and at most 64 KB each: a longer one becomes
    several attributes.
    """
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        for name, text in file_texts(card).items():
            content = text.encode("utf-8")
            for number, start in enumerate(range(0, len(content), LONGEST_PART)):
                chunk = content[start : start + LONGEST_PART]
                dtype = h5py.string_dtype("utf-8", len(chunk))
                file.attrs.create(f"{name}{MORE}{number}" if number else name, chunk, dtype=dtype)


def write_model(model, card: ModelCard, path: str) -> None:
    """Write a .keras file, with the card in the model's configuration.

    The configuration of a model that `AlexNet` did not build cannot hold it: the archive gets one
    more member.
    """
    if isinstance(model, AlexNetModel):
        before, model.card = model.card, card
        try:
            model.save(path)
        finally:
            model.card = before
        return
    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CARD, json.dumps(file_texts(card), indent=1))


def write_safetensors(model, card: ModelCard, path: str) -> None:
    """Write a safetensors file: kernels and biases, one at a time."""
    variables = {
        f"{target.name}.{part}": getattr(target.layer, part)
        for target in targets_of(model)
        for part in ("kernel", "bias")
    }
    table: dict[str, object] = {"__metadata__": file_texts(card)}
    begin = 0
    for name, variable in variables.items():
        dtype, _ = DTYPES.get(variable.dtype, FLOAT32)
        end = begin + _nbytes(variable)
        table[name] = {"dtype": dtype, "shape": list(variable.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(table, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for variable in variables.values():
            array = as_array(variable)
            file.write(array.astype(array.dtype.newbyteorder("<"), order="C", copy=False).data)


def _nbytes(variable) -> int:
    return math.prod(variable.shape) * DTYPES.get(variable.dtype, FLOAT32)[1]


WRITTEN_FORMATS = (
    WrittenFormat(".weights.h5", "Keras's weights", write_weights),
    WrittenFormat(".keras", "a whole Keras model", write_model),
    WrittenFormat(".safetensors", "safetensors", write_safetensors),
)


def format_to_write(path: str) -> WrittenFormat:
    """Return the format that the ending of a path asks for.

    Raises:
        UserError: If the path has another ending.

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
        f"The ending of the path must be one of {', '.join(endings)}.",
        f"Call it {stem + WRITTEN_FORMATS[0].ending!r}, say.",
    )
