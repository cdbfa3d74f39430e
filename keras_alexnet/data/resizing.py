"""Images of any size made square, as other programs make them."""


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
    """Return the whole image at `size` by `size`, its ratio ignored, bilinear with antialiasing."""
    from PIL import Image

    if image.size == (size, size):
        return image
    return image.resize((size, size), Image.Resampling.BILINEAR)


RESIZINGS = {"shorter_side": shorter_side, "warp": warp}
