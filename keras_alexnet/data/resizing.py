"""Images of any size made square, as other programs make them."""

import numpy as np


def shorter_side(image, size: int):
    """Return the centre of an image whose shorter side was brought to `size`.

    As torchvision's `Resize(size)` and `CenterCrop(size)` do it on images: bilinear with
    antialiasing, the longer side `int(size * longer / shorter)`, the crop from
    `round((side - size) / 2)`.
    """
    from PIL import Image

    short = min(image.size)
    width, height = (int(size * side / short) for side in image.size)
    left, top = round((width - size) / 2), round((height - size) / 2)
    limit = Image.MAX_IMAGE_PIXELS
    if (
        limit and width * height > limit
    ):  # a strip: only what is kept is made, to float32's rounding
        across, down = image.width / width, image.height / height
        box = (left * across, top * down, (left + size) * across, (top + size) * down)
        return image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return image.crop((left, top, left + size, top + size))


def warp(image, size: int):
    """Return the whole image at `size` by `size`, its ratio ignored.

    Bilinear without antialiasing, as OpenCV's `resize` does it in Caffe's tools. Pillow resizes
    with antialiasing only.
    """
    from PIL import Image

    if image.size == (size, size):
        return image
    rows = _between(np.asarray(image), size)
    columns = _between(rows.swapaxes(0, 1), size)
    return Image.fromarray(np.rint(columns.swapaxes(0, 1)).astype("uint8"))


def _between(pixels, size: int):
    """Return `size` rows, each at its place between the two nearest ones."""
    rows = len(pixels)
    place = np.clip((np.arange(size) + 0.5) * rows / size - 0.5, 0, rows - 1)
    before = place.astype(int)
    behind = np.minimum(before + 1, rows - 1)
    part = (place - before).astype("float32")[:, None, None]
    return pixels[before] * (1 - part) + pixels[behind] * part


RESIZINGS = {"shorter_side": shorter_side, "warp": warp}
