"""The decoder: an image file as an upright RGB image, or `BadImage` with the reason.

Pillow decodes. TensorFlow's decoder returns the same pixels of a JPEG
(`dct_method="INTEGER_ACCURATE"`) and, with Pillow's resizing after it, takes the same time for
photos of 500 x 375 pixels. It is faster for small images that are not resized, where the call
itself is most of the work. But a file that it cannot decode ends the whole data set, and the error
does not name the file.
"""

import contextlib
from collections.abc import Iterator

import numpy as np

from keras_alexnet.data.decoder_messages import silence_libtiff
from keras_alexnet.data.image_formats import REFUSED, image_formats
from keras_alexnet.data.sample_range import UNKNOWN, black_and_white, misread
from keras_alexnet.errors import escaped

SIGNATURES = {  # the first bytes of the formats in which most photos are
    "BMP": (b"BM",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "JPEG": (b"\xff\xd8",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "TIFF": (b"II*\0", b"MM\0*"),
}


class BadImage(ValueError):
    """A file that cannot be read as an image; the message is the reason, without the path."""


def decoded(path: str):
    """Return the image in a file as a `PIL.Image` in mode RGB, upright.

    Grayscale, palette and CMYK become RGB. 16-bit gray `v` becomes
    `round(255 * (v - black) / (white - black))`, where the file declares black and white; 16-bit
    colours keep their upper 8 bits. Transparent pixels lie on white. Of several frames the first
    counts. The EXIF orientation is applied, colour profiles are not.

    Raises:
        BadImage: If the file is not there, not an image, cut short, damaged, larger than Pillow
            opens (`PIL.Image.MAX_IMAGE_PIXELS` is the limit), of an unknown range of values, or of
            a kind that Pillow opens and misreads.
    """
    with _bad_images(), opened(path) as image:
        _check_readable(image)
        image.load()
        return _rgb(_upright(image), *black_and_white(image))


def check_header(path: str) -> None:
    """Raise a `BadImage` if the header of a file shows that the file cannot be read."""
    with _bad_images(), opened(path) as image:
        _check_readable(image)


def opened(path: str):
    """Open an image without decoding its pixels; raises as `decoded` does."""
    from PIL import Image, UnidentifiedImageError

    silence_libtiff()
    try:
        return Image.open(path, formats=image_formats())
    except UnidentifiedImageError as error:
        raise BadImage(_why_unidentified(path)) from error
    except Image.DecompressionBombError as error:
        # Pillow: "Image size (N pixels) exceeds limit of M pixels, could be ...".
        raise BadImage(f"it is too large ({_words(error).partition(', could')[0]})") from error
    except Exception as error:  # as in `_bad_images`
        if isinstance(error, OSError) and error.strerror:
            raise BadImage(f"it cannot be opened ({error.strerror})") from error
        reason = f"it is damaged, or of a kind that Pillow cannot read ({_words(error)})"
        raise BadImage(reason) from error


@contextlib.contextmanager
def _bad_images() -> Iterator[None]:
    """Turn every exception of the block into a `BadImage`."""
    try:
        yield
    except BadImage:
        raise
    except Exception as error:  # damaged files make Pillow's decoders raise nearly everything
        raise BadImage(f"it is cut short or damaged ({_words(error)})") from error


def _check_readable(image) -> None:
    if reason := misread(image):
        raise BadImage(reason)
    if image.mode == "F":
        raise BadImage(f"its pixels are floating-point numbers, {UNKNOWN}")


def _why_unidentified(path: str) -> str:
    with open(path, "rb") as file:
        start = file.read(16)
    if not start:
        return "it is empty (0 bytes)"
    if name := _refused_format(path):
        return f"it is {name} inside: {REFUSED[name]}"
    words = " ".join(start.decode("latin-1").split())
    if words and words.isascii() and words.isprintable():
        return f"it is not an image of a known kind, but text that begins with {words!r}"
    for name, signatures in SIGNATURES.items():
        if start.startswith(signatures):
            return f"it begins as a {name} file does, but its header is cut short or damaged"
    return "it is not an image of a known kind"


def _refused_format(path: str) -> str | None:
    """Return the name of the refused format that a file has by its first bytes, if any."""
    from PIL import Image

    try:
        with Image.open(path, formats=[name for name in REFUSED if name in Image.OPEN]) as image:
            return image.format
    except Exception:  # as in `_bad_images`
        return None


def _words(error: Exception) -> str:
    return escaped(str(error).strip().rstrip(".")) or type(error).__name__


def _upright(image):
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # the EXIF data are damaged, but the pixels are loaded already
        return image


def _rgb(image, black: int, white: int):
    from PIL import Image

    if image.mode.startswith("I"):
        return _from_16_bits(image, black, white)
    if not image.has_transparency_data:
        return image.convert("RGB")
    page = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(page, image.convert("RGBA")).convert("RGB")


def _from_16_bits(image, black: int, white: int):
    """Map black to white to 0 to 255, rounded; Pillow's own conversion clips at 255."""
    from PIL import Image

    values, top = np.asarray(image, "int64"), max(black, white)
    if values.max() > top:
        raise BadImage(f"its pixels reach {values.max()}, but it declares {top} as the largest")
    clear = values == image.info.get("transparency")  # the one transparent level of a PNG
    values = np.where(clear, white, values)
    bright = values if white else black - values
    return Image.fromarray(((bright * 510 + top) // (2 * top)).astype("uint8")).convert("RGB")
