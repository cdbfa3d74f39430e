"""Functions that make images square, as torchvision and OpenCV do."""

import numpy as np


def shorter_side(image, size: int):
    """Resize the shorter side of an image to `size`, and return the central square.

    As torchvision's `Resize(size)` and `CenterCrop(size)` do with Pillow: bilinear with
    antialiasing, the longer side `int(size * longer / shorter)`, the crop from
    `round((side - size) / 2)`.
    """
    from PIL import Image

    short = min(image.size)
    width, height = (int(size * side / short) for side in image.size)
    left, top = round((width - size) / 2), round((height - size) / 2)
    limit = Image.MAX_IMAGE_PIXELS
    # Of a long strip only the square is computed, which is the same to float32's rounding.
    if limit and width * height > limit:
        across, down = image.width / width, image.height / height
        box = (left * across, top * down, (left + size) * across, (top + size) * down)
        return image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return image.crop((left, top, left + size, top + size))


def warp(image, size: int):
    """Return the whole image at `size` by `size`, whatever its ratio.

    Bilinear without antialiasing, as OpenCV's `resize` does in Caffe's tools. Pillow cannot do it,
    because it always resizes with antialiasing.
    """
    from PIL import Image

    if image.size == (size, size):
        return image
    rows = _between(np.asarray(image), size)
    columns = _between(rows.swapaxes(0, 1), size)
    return Image.fromarray(np.rint(columns.swapaxes(0, 1)).astype("uint8"))


def _between(pixels, size: int):
    """Return `size` rows, each interpolated between its two nearest ones."""
    rows = len(pixels)
    position = np.clip((np.arange(size) + 0.5) * rows / size - 0.5, 0, rows - 1)
    before = position.astype(int)
    after = np.minimum(before + 1, rows - 1)
    weight = (position - before).astype("float32")[:, None, None]
    return pixels[before] * (1 - weight) + pixels[after] * weight


RESIZINGS = {"shorter_side": shorter_side, "warp": warp}
