"""Parts of all pictures: figures that need no screen, whole files, names, colours."""

import contextlib
import os
import warnings
from collections.abc import Callable

from keras_alexnet.errors import UserError
from keras_alexnet.files import check_writable, written_whole

LITERAL = {"parse_math": False}  # for texts with names in them: "$" begins no formula
# Okabe and Ito's colours, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"


def new_figure(width: float, height: float):
    """Return an empty figure that needs no screen, or raise if matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError(
            "Pictures need matplotlib, which is not installed.",
            "It comes with the `plot` extra.",
            'Run: pip install "keras-alexnet[plot]"',
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def check_picture(path: str) -> None:
    """Raise if a picture cannot be written to a path: better before an hour's work than after."""
    formats = new_figure(1, 1).canvas.get_supported_filetypes()
    ending = os.path.splitext(path)[1].removeprefix(".")
    if ending and ending.lower() not in formats:
        raise UserError(
            f"Received the picture's path {path!r}.",
            f"Its ending must name a format of pictures: {', '.join(sorted(formats))}.",
            "End it in .png, .svg or .pdf.",
        )
    check_writable(path)


def save_figure(figure, path: str) -> str:
    """Save a figure whole, in the format of the path's ending, and return the path."""
    check_picture(path)
    with written_whole(path) as beside, warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(beside, dpi=120)
    return path


def attempted(draw: Callable[[str], str], path: str, say: Callable[[str], None]) -> str | None:
    """Draw an optional picture and return its path; if that fails, say why and return `None`.

    Args:
        draw: Draws the picture into a file, and returns the file's path.
        path: The picture's file. An older one is removed if the new one fails.
        say: Called with the reason, in a line.
    """
    try:
        return draw(path)
    except Exception as error:  # from matplotlib, fonts or the disk; it must not end the run
        with contextlib.suppress(OSError):
            os.remove(path)
        reason = (str(error) or type(error).__name__).strip().split("\n")[0]
        say(f"The picture {path!r} could not be drawn: {reason}")
        return None
