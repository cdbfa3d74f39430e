"""Decoding: any image file as upright RGB of the right size, or the reason why not."""

import struct

import numpy as np
import pytest
from PIL import Image

from image_files import png, saved
from keras_alexnet.data.decoder import BadImage, decoded
from keras_alexnet.data.image_reader import ImageReader
from keras_alexnet.data.resizers import shorter_side, warp
from published_pixels import without_antialiasing

pytestmark = pytest.mark.backend_free


def noise(width, height, mode="RGB", seed=0):
    """Return an image of random pixels."""
    shape = (height, width, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, "uint8")
    return Image.fromarray(pixels).convert(mode)


def red_palette(**options):
    """Return a palette image of one colour as a PNG file."""
    image = Image.new("P", (9, 9), 1)
    image.putpalette([0, 0, 255, 255, 0, 0])
    return saved(image, "png", **options)


def ycck():
    """Return a red JPEG in YCCK, which Pillow cannot write: CMYK under another Adobe transform.

    Red is no ink in cyan and all of magenta and yellow; Adobe stores it inverted, 255, 0, 0 and
    255; libjpeg takes the first three from 255, which makes cyan, in YCbCr 179, 171, 0.
    """
    image = Image.new("CMYK", (16, 16), (255 - 179, 255 - 171, 255 - 0, 255 - 255))
    content = bytearray(saved(image, "jpg", quality=100, subsampling=0))
    content[content.index(b"Adobe") + 11] = 2
    return bytes(content)


ONE_COLOUR = {
    "gray": (saved(Image.new("L", (9, 9), 77), "png"), (77, 77, 77)),
    "bilevel": (saved(Image.new("1", (9, 9), 1), "png"), (255, 255, 255)),
    "palette": (red_palette(), (255, 0, 0)),
    "palette, one colour clear": (red_palette(transparency=1), (255, 255, 255)),
    "palette, half clear": (red_palette(transparency=b"\xff\x80"), (255, 127, 127)),
    "alpha": (saved(Image.new("RGBA", (9, 9), (0, 255, 0, 128)), "png"), (127, 255, 127)),
    "alpha, clear": (saved(Image.new("RGBA", (9, 9), (9, 9, 9, 0)), "webp"), (255, 255, 255)),
    "gray and alpha": (saved(Image.new("LA", (9, 9), (0, 51)), "png"), (204, 204, 204)),
    "CMYK": (saved(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "jpg"), (255, 0, 0)),
    "CMYK in TIFF": (saved(Image.new("CMYK", (9, 9), (255, 0, 0, 0)), "tif"), (0, 255, 255)),
    "YCCK": (ycck(), (255, 0, 0)),
    "16 bits": (saved(Image.new("I;16", (9, 9), 40000), "png"), (156, 156, 156)),
    "16 bits, TIFF": (saved(Image.new("I;16", (9, 9), 130), "tif"), (1, 1, 1)),
    "16 bits a colour": (
        png(3, 1, 16, 2, [struct.pack(">3H", 0xAB80, 0, 0xFFFF) * 3]),
        (171, 0, 255),
    ),
    "BMP": (saved(Image.new("RGB", (9, 9), (1, 2, 3)), "bmp"), (1, 2, 3)),
    "PPM": (saved(Image.new("RGB", (9, 9), (1, 2, 3)), "ppm"), (1, 2, 3)),
    "GIF": (
        saved(
            Image.new("RGB", (9, 9), (255, 0, 0)),
            "gif",
            save_all=True,
            append_images=[Image.new("RGB", (9, 9), (0, 0, 255))],
        ),
        (255, 0, 0),
    ),
}


@pytest.mark.parametrize("kind", ONE_COLOUR)
def test_every_kind_of_file_becomes_rgb(kind, tmp_path):
    """Every kind gives the colour that it shows; JPEG may round by one."""
    content, colour = ONE_COLOUR[kind]
    path = tmp_path / "image"
    path.write_bytes(content)
    image = decoded(str(path))
    assert image.mode == "RGB"
    tolerance = 1 if content.startswith(b"\xff\xd8") else 0
    np.testing.assert_allclose(
        np.asarray(image, int), np.broadcast_to(colour, (*image.size[::-1], 3)), atol=tolerance
    )


def test_sixteen_bits_are_rounded(tmp_path):
    """0 to 65535 become 0 to 255 by v / 257, rounded; nothing is cut off."""
    values = np.arange(65536, dtype=">u2").reshape(256, 256)
    path = tmp_path / "ramp.png"
    path.write_bytes(png(256, 256, 16, 0, [row.tobytes() for row in values]))
    expected = np.round(values.astype(float) / 257)
    np.testing.assert_array_equal(np.asarray(decoded(str(path)))[..., 0], expected)


TURNED = {  # what EXIF says has to be done to the stored pixels
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels),
}


@pytest.mark.parametrize("ending", ["png", "webp", "tif", "jpg"])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_orientations(orientation, ending, tmp_path):
    """All eight come out upright, from every kind of file that has them."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = noise(24, 16).resize((48, 32), Image.Resampling.NEAREST)
    options = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}
    path = tmp_path / f"turned.{ending}"
    path.write_bytes(saved(image, ending, exif=exif, **options.get(ending, {})))
    expected = TURNED[orientation](np.asarray(image, int))
    tolerance = 6 if ending == "jpg" else 0
    np.testing.assert_allclose(np.asarray(decoded(str(path)), int), expected, atol=tolerance)


def test_damaged_exif_does_no_harm(tmp_path):
    """Pixels that are whole are read, whatever the camera's notes are."""
    path = tmp_path / "image.jpg"
    path.write_bytes(saved(noise(9, 9), "jpg", exif=b"Exif\0\0no TIFF header at all"))
    assert decoded(str(path)).size == (9, 9)


def large_jpeg():
    """Return a small JPEG file that says it is 20,000 by 20,000."""
    content = bytearray(saved(noise(16, 16), "jpg"))
    start = content.index(b"\xff\xc0") + 5
    content[start : start + 4] = struct.pack(">HH", 20000, 20000)
    return bytes(content)


JPEG, PNG = saved(noise(200, 200), "jpg"), saved(noise(200, 200), "png")


BAD = {
    "empty": (b"", r"it is empty \(0 bytes\)"),
    "text": (
        b"<html>\nNot found</html>",
        "known kind, but text that begins with '<html> Not found'$",
    ),
    "bytes": (b"\x01\xff\xd8\n" * 9, "it is not an image of a known kind$"),
    "a byte": (b"\xfe", "it is not an image of a known kind$"),
    "JPEG, cut": (JPEG[: len(JPEG) // 2], r"cut short or damaged \(image file is truncated"),
    "PNG, cut": (PNG[:5000], r"cut short or damaged \(image file is truncated"),
    "PNG, zeros": (PNG[:2000] + bytes(len(PNG) - 2000), "cut short or damaged"),
    "JPEG, header": (JPEG[:20], "it begins as a JPEG file does, but its header is cut short or"),
    "PNG, header": (PNG[:16] + b"\xff" * 90, "it begins as a PNG file does, but its header"),
    "BMP, header": (
        saved(noise(30, 30), "bmp")[:20],
        "it is damaged, or of a kind that Pillow",
    ),
    "large PNG": (
        png(20000, 20000, 8, 2, [b"\0"]),
        r"too large \(Image size \(400000000 pixels\) exceeds limit of 178956970 pixels\)",
    ),
    "large JPEG": (large_jpeg(), r"too large \(Image size \(400000000 pixels\) exceeds limit"),
    "float": (saved(Image.new("F", (9, 9), 0.5), "tif"), "floating-point"),
    "32 bits": (saved(Image.new("I", (9, 9), 70000), "tif"), "32-bit numbers"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_have_a_reason(kind, tmp_path):
    """What cannot be read says why, and the reader names the file in three sentences."""
    content, reason = BAD[kind]
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    with pytest.raises(BadImage, match=reason):
        decoded(str(path))
    reader = ImageReader(8)
    with pytest.raises(
        ValueError, match=r"bad.jpg' cannot be read: .*Every file .*Replace"
    ) as error:
        reader.read(str(path))
    assert "other file" not in str(error.value)  # which a whole folder's check counts
    assert [name for name, _ in reader.bad] == [str(path)]


def test_files_that_cannot_be_opened(tmp_path):
    """A broken link is named with the system's reason."""
    (tmp_path / "link.jpg").symlink_to("nowhere")
    with pytest.raises(BadImage, match=r"cannot be opened \(No such file"):
        decoded(str(tmp_path / "link.jpg"))


def literal(image, size):
    """Return torchvision's `Resize` and `CenterCrop`, written out with Pillow."""
    width, height = image.size
    short, long = min(image.size), max(image.size)
    long = int(size * long / short)
    new = (size, long) if width <= height else (long, size)
    image = image.resize(new, Image.Resampling.BILINEAR)
    top = int(round((new[1] - size) / 2.0))  # noqa: RUF046
    left = int(round((new[0] - size) / 2.0))  # noqa: RUF046
    return image.crop((left, top, left + size, top + size))


SIZES = [
    (50, 37),
    (37, 50),
    (50, 33),
    (33, 51),
    (20, 20),
    (16, 23),
    (5, 8),
    (1, 1),
    (1, 40),
    (41, 2),
]


@pytest.mark.parametrize("size", [16, 15])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_resizing_is_pillows_and_opencvs(width, height, size):
    """Both ways give, pixel for pixel, what they say they do, shrinking and enlarging."""
    image = noise(width, height)
    np.testing.assert_array_equal(shorter_side(image, size), literal(image, size))
    whole = without_antialiasing(np.asarray(image), size, size).astype(int)
    # A half is rounded down or up, as float32's rounding before it has it.
    assert np.abs(np.asarray(warp(image, size)) - whole).max() <= 1
    assert (np.asarray(warp(image, size)) != whole).mean() < 0.05


def test_an_image_of_the_right_size_is_left_alone():
    """Nothing is resampled where the size is right."""
    image = noise(16, 16)
    np.testing.assert_array_equal(shorter_side(image, 16), image)
    np.testing.assert_array_equal(warp(image, 16), image)
    np.testing.assert_array_equal(shorter_side(noise(16, 21), 16), np.asarray(noise(16, 21))[2:18])


@pytest.mark.parametrize("shape", [(2, 600), (600, 2), (7, 300)])
def test_strips_need_little_memory(shape, monkeypatch):
    """Where the longer side would be huge, only the centre is made, equal to within rounding."""
    strip = noise(*shape)
    expected = np.asarray(literal(strip, 16), int)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    made = []
    resize = Image.Image.resize
    monkeypatch.setattr(
        Image.Image, "resize", lambda *args, **more: made.append(args[1]) or resize(*args, **more)
    )
    np.testing.assert_allclose(np.asarray(shorter_side(strip, 16), int), expected, atol=1)
    assert made == [(16, 16)]
