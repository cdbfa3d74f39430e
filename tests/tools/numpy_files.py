"""Writes .npy files, and pickled dictionaries of arrays as Python 2 wrote them."""

import io
import struct

import numpy as np

from pickle_writer import Called, Named, Text2, pickled

RECONSTRUCT = Named("numpy.core.multiarray", "_reconstruct")
NDARRAY = Named("numpy", "ndarray")
OBJECT = (None, None, None, -1, -1, 63)  # the rest of the state of a type of objects
HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
NUMBERS = np.arange(6, dtype="<f4").reshape(2, 3)
LAYERS = {  # the long ones are read from where they are, the short ones at once
    "conv1": [np.arange(1200, dtype="f4").reshape(4, 5, 3, 20), np.arange(20, dtype="f4")],
    "fc6": [np.arange(1400, dtype="f4").reshape(70, 20), np.ones(70, "f4")],
}


def npy_file(header=HEADER, content=None, version=(1, 0)):
    """Return a .npy file with a header as it is given, and six numbers."""
    header = header.encode("latin-1") if isinstance(header, str) else header
    layout = "<H" if version == (1, 0) else "<L"
    start = b"\x93NUMPY" + bytes(version) + struct.pack(layout, len(header))
    return start + header + (NUMBERS.tobytes() if content is None else content)


def saved(save, *arguments, **options):
    """Return the file that one of NumPy's functions writes."""
    target = io.BytesIO()
    save(target, *arguments, **options)
    return target.getvalue()


def dtype2(array):
    """Return the type of an array, as Python 2 pickled it."""
    code = Text2(array.dtype.str[1:].encode())
    order = Text2(array.dtype.str[:1].encode())
    state = (3, order, None, None, None, -1, -1, 0)
    return Called(Named("numpy", "dtype"), (code, 0, 1), state)


def array2(array, content=None, **changes):
    """Return an array, as Python 2 pickled it; parts of its state may be changed."""
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    content = Text2(array.tobytes("F" if fortran else "C")) if content is None else content
    parts = {"version": 1, "shape": array.shape, "dtype": dtype2(array), "fortran": fortran}
    state = tuple((parts | {"content": content} | changes).values())
    return Called(RECONSTRUCT, (NDARRAY, (0,), Text2(b"b")), state)


def dictionary2(layers=None):
    """Return {layer: [weights, biases]} as Python 2 pickled it."""
    layers = LAYERS if layers is None else layers
    return {Text2(name.encode()): list(map(array2, parts)) for name, parts in layers.items()}


def toronto_file(value=None):
    """Return a .npy file with one object in it: a dictionary, as Python 2 pickled it."""
    kind = Called(Named("numpy", "dtype"), (Text2(b"O8"), 0, 1), (3, Text2(b"|"), *OBJECT))
    parts = (1, (), kind, False, [dictionary2() if value is None else value])
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    content = pickled(Called(RECONSTRUCT, (NDARRAY, (0,), Text2(b"b")), parts))
    return npy_file(header, content)
