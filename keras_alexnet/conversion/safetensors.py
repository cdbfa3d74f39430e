"""Writes safetensors: the length of a table, the table in JSON, and then the numbers.

The tensors are called `conv1.kernel`, `conv1.bias` and so on, and are as Keras has them:
convolutions' kernels (height, width, in, out), dense ones (in, out), and the rows of the first
dense one in the order height, width, channels. `__metadata__` says so (`layout`).

The format: https://huggingface.co/docs/safetensors
"""

import json
import math

from keras_alexnet.cards.records import ModelCard
from keras_alexnet.checkpoints.targets import targets_of
from keras_alexnet.conversion.provenance import file_texts
from keras_alexnet.operations.memory import as_array

DTYPES = {"float64": ("F64", 8), "float16": ("F16", 2)}
FLOAT32 = ("F32", 4)  # of bfloat16 as well, whose values it holds exactly
ALIGNMENT = 8  # bytes, of the first number in the file


def write(model, card: ModelCard, path: str) -> None:
    """Write the kernels and biases of a model, one at a time."""
    variables = {
        f"{target.name}.{part}": getattr(target.layer, part)
        for target in targets_of(model)
        for part in ("kernel", "bias")
    }
    table: dict[str, object] = {"__metadata__": file_texts(card)}
    begin = 0
    for name, variable in variables.items():
        dtype, size = DTYPES.get(variable.dtype, FLOAT32)
        end = begin + size * math.prod(variable.shape)
        table[name] = {
            "dtype": dtype,
            "shape": list(variable.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(table, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for variable in variables.values():
            array = as_array(variable)
            file.write(array.astype(array.dtype.newbyteorder("<"), order="C", copy=False).data)
