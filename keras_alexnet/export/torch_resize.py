"""`central_square`: `SquareResize` in PyTorch's operations, for images of a size known at run time.

`torch.nn.functional.interpolate` makes a program for one size of the result. Here the result always
has the same size: only the rows and columns of the central square are computed, each as a weighted
sum of old ones.
"""


def central_square(torch, images, size: int, method: str):
    """Return the square that `SquareResize` makes of images, with their dtype.

    Args:
        torch: The module `torch`.
        images: `(batch, channels, rows, columns)`.
        size: Side of the square.
        method: `"shorter_side"` or `"warp"`, as in `SquareResize`.
    """
    rows, columns = images.shape[2:]
    if method == "warp":
        heights = _triangles(torch, images, rows, size, size, antialias=False)
        widths = _triangles(torch, images, columns, size, size, antialias=False)
    else:
        shorter = torch.sym_min(rows, columns)
        sides = size * rows // shorter, size * columns // shorter
        heights = _triangles(torch, images, rows, sides[0], size, antialias=True)
        widths = _triangles(torch, images, columns, sides[1], size, antialias=True)
    resized = heights @ images.float() @ widths.T
    if images.is_floating_point():
        return resized.to(images.dtype)
    return resized.round().to(images.dtype)


def _triangles(torch, images, source, target, size: int, antialias: bool):
    """Return the weights `(size, source)` of the old pixels along an axis in the central new ones.

    They are those of `keras_alexnet.operations.image`: a triangle around the place of each new
    pixel, with antialiasing as wide as two old or two new pixels, whichever is more.

    Args:
        torch: The module `torch`.
        images: The images, whose device computes.
        source: Old length of the axis.
        target: New length of the axis.
        size: Number of central new pixels, at most `target`.
        antialias: Whether the triangle grows where images shrink.
    """
    options = {"dtype": torch.float64, "device": images.device}
    cut = target - size
    first = cut // 2 + cut % 4 // 3  # half a pixel goes to the even offset
    ratio = torch.ones((), **options) * source / target
    centres = (torch.arange(size, **options) + first + 0.5) * ratio
    reach = ratio.clamp(min=1) if antialias else 1
    places = torch.arange(source, **options) + 0.5
    weights = (1 - (places - centres[:, None]).abs() / reach).clamp(min=0)
    return (weights / weights.sum(1, keepdim=True)).float()
