"""A function that silences the messages of Pillow's libraries about damaged files."""

import contextlib
import ctypes
import functools


@functools.cache
def silence_libtiff() -> None:
    """Keep Pillow's libtiff from writing to the error stream of this process.

    libtiff writes there from C, past Python. Pillow's exception for a file that it cannot decode
    contains part of the message. On a system where Pillow's module does not export libtiff's
    functions, nothing changes.
    """
    from PIL import Image

    with contextlib.suppress(OSError, AttributeError):
        # Symbols are looked up in the libraries that Pillow's module links to as well.
        module = ctypes.CDLL(Image.core.__file__)  # type: ignore[attr-defined]
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            function = getattr(module, name)
            function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
            function(None)
