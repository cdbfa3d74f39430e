"""The formats and endings of image files: all that Pillow opens, except the refused ones."""

import os

from keras_alexnet.errors import escaped

REFUSED = {  # Pillow's name of a format, and why its files are passed over under any ending
    "BUFR": "weather data, which Pillow cannot decode itself",
    "EPS": "PostScript, for which Pillow runs another program",
    "FITS": "measurements, whose scale and zero Pillow leaves out",
    "FLI": "a film, not a single image",
    "GRIB": "weather data, which Pillow cannot decode itself",
    "HDF5": "a container of arrays, which Pillow cannot decode itself",
    "IM": "a format that Pillow is about to drop",
    "IPTC": "an envelope around a file of any kind, refused ones included",
    "MCIDAS": "measurements, of which black and white are unknown",
    "MPEG": "a film, of which Pillow reads the size only",
    "WMF": "a drawing, which Pillow draws on Windows only",
}


def image_endings() -> dict[str, str]:
    """Return the endings of image files, each with Pillow's name of the format.

    They depend on how Pillow was built (AVIF, JPEG 2000, WebP) and on the formats that other
    packages have registered with it, such as HEIF.

    Example:

    >>> endings = image_endings()
    >>> endings[".jfif"], endings[".tga"], ".pdf" in endings, ".eps" in endings
    ('JPEG', 'TGA', False, False)
    """
    from PIL import Image, features

    endings = Image.registered_extensions()  # imports all of Pillow's readers on the first call
    readable = {*Image.OPEN, "MPO"} - REFUSED.keys()  # Pillow's JPEG reader opens MPO
    if not features.check("jpg_2000"):
        readable.discard("JPEG2000")
    return {ending: name for ending, name in endings.items() if name in readable}


def image_formats() -> list[str]:
    """Return Pillow's names of the accepted formats, in the order in which Pillow tries them."""
    from PIL import Image

    Image.init()
    return [name for name in Image.ID if name not in REFUSED]


def why_passed_over(path: str) -> str:
    """Return why the ending of a file is not that of an image.

    Example:

    >>> why_passed_over("photos/notes.txt")
    'no image that can be read ends in .txt'
    >>> why_passed_over("photos/figure.eps")
    '.eps is PostScript, for which Pillow runs another program'
    """
    from PIL import Image

    ending = os.path.splitext(path)[1].lower()
    name = Image.registered_extensions().get(ending)
    if name in REFUSED:
        return f"{ending} is {REFUSED[name]}"
    return f"no image that can be read ends in {escaped(ending)}" if ending else "it has no ending"
