"""Gray of 9 to 16 bits and 16-bit colours: which number is black, which is white."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from image_files import png, saved
from keras_alexnet.data.decoder import BadImage, decoded

pytestmark = pytest.mark.backend_free

LEVELS = np.array([[0, 1000, 4095], [20000, 40000, 65535]])
TWELVE = np.array([[0, 1000, 2000], [4095, 17, 3000]])
PACKED = bytes.fromhex("0003e87d00fff011bb80")  # TWELVE: rows of three 12-bit numbers and 4 bits
COLOURS = np.array([[[0, 0x1234, 0xFFFF], [0xAB7F, 0x00FF, 0x0FFF]]])


def tiff(values, tags=(), order="<", bits=16, content=None, deflate=False):
    """Return a TIFF 6.0 file made by hand, of one strip.

    `tags` are (tag, number) pairs; the number stands for every sample of a pixel where it must.
    """
    height, width, samples = np.atleast_3d(values).shape
    content = values.astype(f"{order}i{bits // 8}").tobytes() if content is None else content
    content = zlib.compress(content) if deflate else content
    fields = {256: [width], 257: [height], 258: [bits] * samples, 259: [8 if deflate else 1]}
    fields |= {262: [2 if samples == 3 else 1], 273: [0], 277: [samples], 278: [height]}
    fields[279] = [len(content)]
    for tag, number in tags:
        fields[tag] = [number] * (samples if tag in (281, 339) else 1)
    end = 8 + 2 + 12 * len(fields) + 4
    fields[273] = [end + sum(2 * len(numbers) for numbers in fields.values() if len(numbers) > 2)]
    table = far = b""
    for tag, numbers in sorted(fields.items()):
        place = struct.pack(f"{order}{len(numbers)}H", *numbers)
        if len(numbers) > 2:
            place, far = struct.pack(f"{order}I", end + len(far)), far + place
        table += struct.pack(f"{order}HHI", tag, 3, len(numbers)) + place.ljust(4, b"\0")
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, len(fields))
    return start + table + bytes(4) + far + content


def png_16(values, more=()):
    """Return 16-bit gray as a PNG file."""
    return png(3, 2, 16, 0, [row.astype(">u2").tobytes() for row in values], more)


def scaled(values, black, white):
    """Return the reference: how far on the way from black to white, in 255ths."""
    return np.round(255 * (values.astype(float) - black) / (white - black))


GRAY = {
    "16 bits": (tiff(LEVELS), scaled(LEVELS, 0, 65535)),
    "big-endian": (tiff(LEVELS, order=">"), scaled(LEVELS, 0, 65535)),
    "big-endian, deflate": (tiff(LEVELS, order=">", deflate=True), scaled(LEVELS, 0, 65535)),
    "white is zero": (tiff(LEVELS, [(262, 0)]), scaled(LEVELS, 65535, 0)),
    "white is zero, deflate": (tiff(LEVELS, [(262, 0)], deflate=True), scaled(LEVELS, 65535, 0)),
    "white is zero, 12 in 16": (tiff(TWELVE, [(262, 0), (281, 4095)]), scaled(TWELVE, 4095, 0)),
    "12 in 16": (tiff(TWELVE, [(281, 4095)]), scaled(TWELVE, 0, 4095)),
    "12 in 16, big-endian": (tiff(TWELVE, [(281, 4095)], ">"), scaled(TWELVE, 0, 4095)),
    "12 bits": (tiff(TWELVE, bits=12, content=PACKED), scaled(TWELVE, 0, 4095)),
    "12 bits, deflate": (
        tiff(TWELVE, bits=12, content=PACKED, deflate=True),
        scaled(TWELVE, 0, 4095),
    ),
    "the largest of this image": (tiff(TWELVE, [(281, 4090)]), scaled(TWELVE, 0, 65535)),
    "12 in 16, not declared": (tiff(TWELVE), scaled(TWELVE, 0, 65535)),
    "PGM": (b"P5 3 2 4095\n" + TWELVE.astype(">u2").tobytes(), scaled(TWELVE, 0, 4095)),
    # An encoder brings 12 bits to 16 and notes that they were 12: PNG specification, section 12.4.
    "PNG, sBIT": (png_16(TWELVE * 65535 // 4095, [(b"sBIT", b"\x0c")]), scaled(TWELVE, 0, 4095)),
    "PNG, clear": (
        png_16(LEVELS, [(b"tRNS", struct.pack(">H", 20000))]),
        scaled(np.where(LEVELS == 20000, 65535, LEVELS), 0, 65535),
    ),
    "JPEG 2000": (
        saved(Image.fromarray(LEVELS.astype("uint16")), "jp2"),
        scaled(LEVELS, 0, 65535),
    ),
}


@pytest.mark.parametrize("kind", GRAY)
def test_gray_goes_from_the_declared_black_to_white(kind, tmp_path):
    """Numbers become 0 to 255, rounded, from what the file declares as black to its white."""
    content, expected = GRAY[kind]
    (tmp_path / "image").write_bytes(content)
    image = np.asarray(decoded(str(tmp_path / "image")), int)
    np.testing.assert_array_equal(image, np.stack([expected] * 3, axis=-1))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflate", [False, True])
def test_colours_keep_their_upper_bits(order, deflate, tmp_path):
    """16-bit RGB of either byte order loses the lower 8 bits."""
    (tmp_path / "image").write_bytes(tiff(COLOURS, order=order, deflate=deflate))
    np.testing.assert_array_equal(decoded(str(tmp_path / "image")), COLOURS >> 8)


MISREAD = {
    "signed": (tiff(LEVELS // 4, [(339, 2)]), "signed 16-bit numbers, of which black and white"),
    "signed, below zero": (tiff(LEVELS // 4 - 9, [(339, 2)]), "signed 16-bit numbers"),
    "signed 8": (tiff(LEVELS // 600, [(339, 2)], bits=8), "signed 8-bit numbers"),
    "32 bits": (tiff(LEVELS, bits=32), "are 32-bit numbers, of which black and white are unknown"),
    "12 in 16": (
        tiff(TWELVE, bits=12, content=TWELVE.astype("<u2").tobytes()),
        "declares 12 bits for each pixel and holds 16",
    ),
    "beyond white": (tiff(LEVELS, [(281, 4095)]), "reach 65535, but it declares 4095"),
    "12-bit colours": (tiff(COLOURS // 16, [(281, 4095)]), "colours end at 4095, and Pillow keeps"),
    "planes": (tiff(COLOURS, [(284, 2)]), "16-bit colours lie in separate planes"),
    "clear colour": (
        png(1, 1, 16, 2, [bytes(6)], [(b"tRNS", bytes(6))]),
        "one of its 16-bit colours is transparent",
    ),
}


@pytest.mark.parametrize("kind", MISREAD)
def test_what_would_come_out_wrong_is_refused(kind, tmp_path):
    """Numbers whose black and white are unknown, or that Pillow misreads, have a reason."""
    content, reason = MISREAD[kind]
    (tmp_path / "image").write_bytes(content)
    with pytest.raises(BadImage, match=reason):
        decoded(str(tmp_path / "image"))
