"""What all pictures share: figures that need no screen, files that are whole, colours."""

from keras_alexnet.errors import UserError, explain
from keras_alexnet.files import written_whole

# Okabe and Ito's colours, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"


def new_figure(width: float, height: float):
    """Return an empty figure that needs no screen, or raise if matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError(
            explain(
                "Pictures need matplotlib, which is not installed.",
                "It comes with the `plot` extra.",
                'Run: pip install "keras-alexnet[plot]"',
            )
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure, path: str) -> str:
    """Save a figure whole, in the format of the path's ending, and return the path."""
    try:
        with written_whole(path) as beside:
            figure.savefig(beside, dpi=120)
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            explain(
                f"Received the picture's path {path!r}.",
                f"Its ending must name a format of pictures: {error}.",
                "End it in .png, .svg or .pdf.",
            )
        ) from error
    return path
