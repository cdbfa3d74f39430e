"""The attributes of an object in an HDF5 file that are short texts.

HDF5 File Format Specification 3.0, IV.A.2.m. Texts of variable length, such as the configuration
of a model, are left out: no reader needs them.
"""

from keras_alexnet.formats.errors import CheckpointError
from keras_alexnet.formats.hdf5.blocks import Cursor, invalid_hdf5
from keras_alexnet.formats.hdf5.datasets import read_shape
from keras_alexnet.formats.hdf5.headers import ATTRIBUTE, ObjectHeader

TEXT = 3  # the class of datatypes for texts of fixed length
SHARED = 3  # the flags of an attribute whose datatype or shape is kept elsewhere
MAX_ATTRIBUTES = 64


def read_texts(header: ObjectHeader) -> dict[str, str]:
    """Return the attributes that are one text each, by name.

    Raises:
        CheckpointError: If an attribute is damaged, or there are too many.
    """
    attributes = header.messages(ATTRIBUTE)
    if len(attributes) > MAX_ATTRIBUTES:
        raise CheckpointError(
            f"An object in the HDF5 file has {len(attributes)} attributes.",
            f"An object must have at most {MAX_ATTRIBUTES} attributes.",
        )
    return {name: text for name, text in map(_read_text, attributes) if text is not None}


def _read_text(cursor: Cursor) -> tuple[str, str | None]:
    """Return the name of an attribute, and its value if the value is a text."""
    version, flags = cursor.uint(1), cursor.uint(1)
    if version not in (1, 2, 3):
        raise invalid_hdf5("The HDF5 file has an attribute of an unknown version.")
    sizes = [cursor.uint(2) for _ in range(3)]
    cursor.take(1 if version == 3 else 0)  # the name's encoding
    multiple = 8 if version == 1 else 1  # to which the sizes are rounded up
    name, datatype, space = (cursor.take(-(-size // multiple) * multiple) for size in sizes)
    text = name.split(b"\0")[0].decode("utf-8")
    described = Cursor(datatype)
    if described.uint(1) & 0x0F != TEXT or (version > 1 and flags & SHARED):
        return text, None
    described.take(3)
    if read_shape(Cursor(space)) != ():
        return text, None
    return text, cursor.take(described.uint(4)).rstrip(b"\0").decode("utf-8")
