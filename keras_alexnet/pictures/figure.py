"""Functions and constants of all pictures: figures, files, names, colours, score texts."""

import contextlib
import functools
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from keras_alexnet.data.decoder import BadImage, decoded
from keras_alexnet.errors import UserError, escaped
from keras_alexnet.files import check_writable, written_whole

LITERAL = {"parse_math": False}  # for texts with names: "$" starts no formula
# Okabe and Ito's colours, which colour-blind readers can distinguish.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
# Fonts of Linux, macOS and Windows for Chinese, Japanese and Korean, which matplotlib's own lacks.
EAST_ASIAN = (
    "Noto Sans CJK JP",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
)


def new_figure(width: float, height: float):
    """Return an empty figure that needs no screen; raise if matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError(
            "The package matplotlib is not installed.",
            "Pictures need it.",
            'Run: pip install "keras-alexnet[plot]"',
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def check_picture(path: str) -> None:
    """Raise unless a picture can be written to a path; call it before an hour's work."""
    formats = new_figure(1, 1).canvas.get_supported_filetypes()
    ending = os.path.splitext(path)[1].removeprefix(".")
    if ending and ending.lower() not in formats:
        raise UserError(
            f"Received the picture's path {path!r}.",
            f"The path's ending must name a format of pictures: {', '.join(sorted(formats))}.",
            "Let the path end in .png, .svg or .pdf.",
        )
    check_writable(path)


def save_figure(figure, path: str) -> str:
    """Save a figure whole, in the format of the path's ending, and return the path."""
    from matplotlib.text import Text

    check_picture(path)
    for text in figure.findobj(Text):
        text.set_fontfamily([*_fonts()])
    with written_whole(path) as beside, warnings.catch_warnings():
        # A letter that only the bold font lacks is drawn as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(beside, dpi=120)
    return path


@functools.cache
def _fonts() -> dict[str, Any]:
    """Return the fonts for every text by family: matplotlib's, and those for more letters."""
    from matplotlib import font_manager, rcParams

    families = [name for name in EAST_ASIAN if name in font_manager.get_font_names()]
    properties = font_manager.FontProperties
    return {
        family: font_manager.get_font(font_manager.findfont(properties(family=[family])))
        for family in (*rcParams["font.family"], *families)
    }


def legible(text: str, most: int) -> str:
    """Return a name as it can be drawn: no control characters, at most `most` long, no boxes.

    A letter that no font has becomes its escape sequence, because two boxes look the same. Of a
    long name the beginning and the end are left, which tell file names and labels apart.
    """
    fonts = _fonts().values()
    letters = [
        letter if any(font.get_char_index(ord(letter)) for font in fonts) else ascii(letter)[1:-1]
        for letter in escaped(text)
    ]
    name = "".join(letters)
    end = (most - 3) // 3
    return name if len(name) <= most else f"{name[: most - 3 - end]}...{name[-end:]}"


def least_score(scores: Sequence[float]) -> float:
    """Return the score where bars begin: 0 or below all, so a better class has a longer bar."""
    least = min(scores)
    return min(0.0, least - 0.1 * (max(scores) - least))


def score_text(score: float, is_probability: bool) -> str:
    """Return a probability in percent, or another score with three digits."""
    return f"{100 * score:.1f} %" if is_probability else f"{score:.3g}"


def read_image(path: str):
    """Return the image in a file that could be read before.

    Raises:
        UserError: If it cannot be read any more.
    """
    try:
        return decoded(path)
    except BadImage as error:
        raise UserError(
            f"The image {path!r} cannot be read any more: {error}.",
            "The file must stay in its folder until the picture is drawn.",
            "Put the file back, and start again.",
        ) from error


def attempted(draw: Callable[[str], str], path: str, say: Callable[[str], None]) -> str | None:
    """Draw an optional picture and return its path; if that fails, say why and return `None`.

    Args:
        draw: Draws the picture into a file, and returns the file's path.
        path: The picture's file. An older one is removed if the new one fails.
        say: A function that is called with the reason, in a line.
    """
    try:
        return draw(path)
    except Exception as error:  # from matplotlib, fonts or the disk; it must not end the run
        with contextlib.suppress(OSError):
            os.remove(path)
        reason = (str(error) or type(error).__name__).strip().split("\n")[0]
        say(f"The picture {path!r} could not be drawn: {reason}")
        return None
