"""Writes safetensors, with any table in front; the library of safetensors checks this writer."""

import json

import numpy as np

TYPES = {
    **{"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32"},
    **{"int16": "I16", "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16"},
    "uint8": "U8",
}
ARRAYS = {
    "features.0.weight": np.arange(24, dtype="f4").reshape(2, 3, 2, 2),
    "features.0.bias": np.array([0.5, -1.5], "f4"),
}


def entry(begin, array, **changes):
    """Return what the table says of a tensor that begins at a byte; parts may be changed."""
    place = [begin, begin + array.nbytes]
    return {
        "dtype": TYPES[array.dtype.name],
        "shape": list(array.shape),
        "data_offsets": place,
        **changes,
    }


def table_of(arrays):
    """Return the table of arrays that lie one after the other."""
    table, begin = {}, 0
    for name, array in arrays.items():
        table[name] = entry(begin, array)
        begin += array.nbytes
    return table


def framed(table, content=b"", length=None):
    """Return a file with a table, a text or what is to be one, and bytes behind it."""
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + content


def safetensors_file(arrays=None, **table):
    """Return the file with arrays by name; entries of the table may be others."""
    arrays = ARRAYS if arrays is None else arrays
    content = b"".join(array.tobytes() for array in arrays.values())
    return framed(table_of(arrays) | table, content)
