"""The values of black and white in images of more than 8 bits, and the kinds that Pillow misreads.

Pillow returns gray pixels of 9 to 16 bits as the file holds them, and of deeper colours the upper
8 bits. It opens and misreads a few kinds of TIFF and PNG; `misread` finds them by their headers.
"""

import numpy as np

BITS, COMPRESSION, PHOTOMETRIC, BYTE_COUNTS = 258, 259, 262, 279  # tags of TIFF 6.0
MAX_SAMPLE, PLANES, SAMPLE_FORMAT = 281, 284, 339
UNKNOWN = "of which black and white are unknown"
SCALED = ("PNG", "PPM", "JPEG2000")  # in Pillow's mode "I" their values fill all 16 bits


def black_and_white(image) -> tuple[int, int]:
    """Return the values of black and white in a gray image of 9 to 16 bits.

    They are 0 and `2**bits - 1`, in the other order where a TIFF declares that white is zero.
    `bits` is the `BitsPerSample` of a TIFF, or a smaller number of bits of which its
    `MaxSampleValue` is the largest value, such as 4095. By TIFF 6.0 any other `MaxSampleValue`
    only limits the values that occur. In PNG and JPEG 2000 the values fill all 16 bits, even if
    they had fewer before (`sBIT`); Pillow scales those of a PGM.

    Args:
        image: An image as `PIL.Image.open` returns it.
    """
    if image.format != "TIFF":
        return 0, 65535
    white = _declared_white(image.tag_v2)
    return (white, 0) if image.tag_v2.get(PHOTOMETRIC) == 0 else (0, white)


def misread(image) -> str:
    """Return why Pillow's pixels of an image differ from those in the file; empty if they do not.

    Args:
        image: An image as `PIL.Image.open` returns it.
    """
    if image.format == "TIFF":
        return _misread_tiff(image)
    if image.mode == "I" and image.format not in SCALED:
        return f"its pixels are 32-bit numbers, {UNKNOWN}"
    deep = image.format == "PNG" and image.tile and image.tile[0][3] == "RGB;16B"
    if deep and "transparency" in image.info:
        return "one of its 16-bit colours is transparent, which Pillow compares in 8 bits"
    return ""


def _misread_tiff(image) -> str:
    tags = image.tag_v2
    bits = max(_numbers(tags, BITS, 1))
    colours = len(image.getbands()) > 1
    if 2 in _numbers(tags, SAMPLE_FORMAT, 1):
        return f"its pixels are signed {bits}-bit numbers, {UNKNOWN}"
    if image.mode == "I":
        return f"its pixels are {bits}-bit numbers, {UNKNOWN}"
    raw = tags.get(COMPRESSION, 1) == 1
    if colours and bits == 16:
        if raw and tags.get(PLANES) == 2:
            return "its 16-bit colours lie in separate planes, which Pillow takes for 8-bit ones"
        white = _declared_white(tags)
        if white < 65535:
            return f"its colours end at {white}, and Pillow keeps the upper 8 of 16 bits only"
    if bits == 12 and raw:
        packed, held = -(-image.width * 12 // 8) * image.height, sum(_numbers(tags, BYTE_COUNTS, 0))
        if packed < held == 2 * image.width * image.height:
            return "it declares 12 bits for each pixel and holds 16"
    return ""


def _declared_white(tags) -> int:
    bits = max(_numbers(tags, BITS, 1))
    largest = max(_numbers(tags, MAX_SAMPLE, 0))
    fewer = largest.bit_length()
    return largest if 8 <= fewer < bits and largest == 2**fewer - 1 else 2**bits - 1


def _numbers(tags, tag: int, default: int) -> list[int]:
    return [int(number) for number in np.ravel(tags.get(tag, default))]
