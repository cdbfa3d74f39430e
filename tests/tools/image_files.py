"""Images as files, in memory and in folders."""

import io
import struct
import zlib

from PIL import Image


def png(width, height, bit_depth, colour_type, rows, more=()):
    """Return a PNG file made by hand, with more chunks before the pixels."""

    def chunk(name, content):
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    header = struct.pack(">IIBBBBB", width, height, bit_depth, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", header), *more, (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def saved(image, ending, **options):
    """Return an image as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, Image.registered_extensions()[f".{ending}"], **options)
    return file.getvalue()


def class_folders(folder, count):
    """Make a folder with two classes, cats and dogs, of black images, and return it."""
    for name in ("cats", "dogs"):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (12, 10)).save(folder / name / f"{number}.png")
    return folder
