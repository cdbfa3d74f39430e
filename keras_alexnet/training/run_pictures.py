"""`draw_run`: the pictures of a run."""

import contextlib
import functools
import importlib.util
import os
from collections.abc import Callable

from keras_alexnet import pictures
from keras_alexnet.evaluation import Evaluation
from keras_alexnet.evaluation.classifying import classify_images, named
from keras_alexnet.pictures.figure import attempted
from keras_alexnet.pictures.panel import BARS, PHOTOS
from keras_alexnet.training.images import Images
from keras_alexnet.training.run_folder import RunFolder

__all__ = ["can_draw", "draw_run"]

SMOOTH = 0.2  # the eye finds a pattern in filters from here on: a third of them is not noise


def can_draw() -> bool:
    """Return whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def draw_run(
    model, images: Images, evaluation: Evaluation, folder: RunFolder, say: Callable[[str], None]
) -> tuple[str, ...]:
    """Draw the pictures of a run, and return their paths; none without matplotlib.

    They are the training curves, the confusion matrix, eight held-out images with their best
    classes, and the filters of the first convolution once they are smoother than noise.

    Args:
        model: The trained model.
        images: The images of the run.
        evaluation: The figures measured on the held-out images.
        folder: The folder of the run.
        say: Called with a line for each picture that is not drawn.
    """
    if not can_draw():
        return ()
    history, curve = folder.state.history, folder.curve.points
    confusion, names = evaluation.confusion, evaluation.class_names
    drawings: dict[str, Callable[[str], str]] = {
        "training.png": lambda path: pictures.plot_history(history, path, curve),
        "confusion.png": lambda path: pictures.plot_confusion(confusion, names, path),
        "panel.png": functools.partial(_draw_panel, model, images),
    }
    smoothness = pictures.filter_smoothness(model)
    if smoothness >= SMOOTH:
        drawings["conv1.png"] = functools.partial(pictures.plot_filters, model)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.remove(folder.file("conv1.png"))  # of an earlier run
        say(
            "conv1.png was not drawn: the filters of the first layer show no pattern yet, as after "
            f"a short training (the correlation of neighbouring weights is {smoothness:.2f}; noise "
            f"has 0, and a pattern is visible from {SMOOTH} on)."
        )
    paths = [attempted(draw, folder.file(name), say) for name, draw in drawings.items()]
    return tuple(filter(None, paths))


def _draw_panel(model, images: Images, path: str) -> str:
    """Draw eight held-out images with their best classes."""
    photos, labels = images.sample(PHOTOS)
    names = images.class_names
    results = classify_images(model, photos, [names[label] for label in labels], names, BARS)
    return pictures.plot_panel(results, [named(names[label]) for label in labels], path, photos)
