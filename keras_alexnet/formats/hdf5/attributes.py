"""The short texts that an object in an HDF5 file says about itself.

HDF5 File Format Specification 3.0, IV.A.2.m. Texts of variable length, as the configuration of a
model is, are passed over: nothing here needs them.
"""

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.hdf5.blocks import Cursor, damaged
from keras_alexnet.formats.hdf5.datasets import read_shape
from keras_alexnet.formats.hdf5.headers import ATTRIBUTE, Header

TEXT = 3  # the class of types of texts of fixed length
SHARED = 3  # the flags of an attribute whose type or shape is kept elsewhere
MAX_ATTRIBUTES = 64


def texts(header: Header) -> dict[str, str]:
    """Return the attributes that are one text each.

    Raises:
        CheckpointError: If one is damaged, or there are too many.
    """
    attributes = header.several(ATTRIBUTE)
    if len(attributes) > MAX_ATTRIBUTES:
        raise CheckpointError(
            "It has too many attributes.", f"At most {MAX_ATTRIBUTES} were expected."
        )
    found = {}
    for cursor in attributes:
        name, value = _text(cursor)
        if value is not None:
            found[name] = value
    return found


def _text(cursor: Cursor) -> tuple[str, str | None]:
    """Return the name of an attribute, and its value if that is a text."""
    version, flags = cursor.uint(1), cursor.uint(1)
    if version not in (1, 2, 3):
        raise damaged("has an attribute of an unknown version")
    sizes = [cursor.uint(2) for _ in range(3)]
    cursor.take(1 if version == 3 else 0)  # in which letters the name is
    step = 8 if version == 1 else 1
    name, kind, space = (cursor.take(-(-size // step) * step) for size in sizes)
    shown = name.split(b"\0")[0].decode("utf-8")
    type_of = Cursor(kind)
    if type_of.uint(1) & 0x0F != TEXT or (version > 1 and flags & SHARED):
        return shown, None
    type_of.take(3)
    if read_shape(Cursor(space)) != ():
        return shown, None
    return shown, cursor.take(type_of.uint(4)).rstrip(b"\0").decode("utf-8")
