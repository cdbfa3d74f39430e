"""The settings of a `Job` from the arguments of `fit`, group by group as its help shows them.

Every function checks its arguments and raises `UserError` for a wrong one. A setting that is `None`
is left to the preset, the recipe or the defaults.
"""

import math
from typing import Any

from keras_alexnet.arguments import boolean, choice, file_path, integer, number, optional_integer
from keras_alexnet.data.bad_files import BAD_IMAGES
from keras_alexnet.data.labelled_files import refuse_empty
from keras_alexnet.errors import UserError
from keras_alexnet.training.compile_modes import MODES
from keras_alexnet.training.job import LOGS, PRECISIONS, Job
from keras_alexnet.training.schedule import SCHEDULES
from keras_alexnet.variants.records import INITIALIZATIONS

DEFAULTS: Any = Job()  # a job of a file may have any text, so its choices are no Literals


def network_settings(variant, weights, freeze, unfreeze_after, initialization) -> dict:
    """Return the network, and what it begins with."""
    choice("initialization", initialization, INITIALIZATIONS, "Leave it out for robust.")
    if not (freeze is None or isinstance(freeze, str)):
        raise UserError(
            f"Received freeze={freeze!r}.",
            "`freeze` must be a text with names and ranges of layers, or None.",
            "Pass 'conv1-conv5', say, or leave it out to train all layers.",
        )
    remedy = "Leave it out to keep the layers frozen."
    return {
        "variant": variant,
        "weights": None if weights is None else file_path("weights", weights),
        "freeze": freeze,
        "unfreeze_after": optional_integer("unfreeze_after", unfreeze_after, 1, remedy),
        "initialization": initialization,
    }


def step_settings(epochs, batch_size, learning_rate, early_stopping, best) -> dict:
    """Return the number, the size and the rate of the steps, and the epoch that is kept."""
    batch_remedy = f"{DEFAULTS.batch_size} is usual."
    return {
        "epochs": optional_integer("epochs", epochs, 1, f"{DEFAULTS.epochs} is usual."),
        "batch_size": optional_integer("batch_size", batch_size, 1, batch_remedy),
        "learning_rate": None if learning_rate is None else _rate(learning_rate),
        "early_stopping": optional_integer("early_stopping", early_stopping, 1, "3 is usual."),
        "best": boolean("best", best),
    }


def schedule_settings(recipe, schedule, warmup_ratio) -> dict:
    """Return how the rate changes."""
    if schedule is not None:
        choice("schedule", schedule, SCHEDULES, "Leave it out for cosine.")
    given = {"schedule": schedule, "warmup_ratio": warmup_ratio}
    named = [f"{name}={value!r}" for name, value in given.items() if value is not None]
    if recipe is not None and named:
        raise UserError(
            f"Received {' and '.join(named)} with recipe={recipe!r}.",
            "A recipe has its own schedule.",
            "Leave out the recipe, or the schedule and its warm-up.",
        )
    if warmup_ratio is not None and schedule == "constant":
        raise UserError(
            f"Received warmup_ratio={warmup_ratio!r} with schedule='constant'.",
            "Only a cosine schedule has a warm-up.",
            "Leave out one of them.",
        )
    if warmup_ratio is not None:
        _share("warmup_ratio", warmup_ratio, f"{DEFAULTS.warmup_ratio:g} is usual.")
    return given


def loss_settings(label_smoothing, class_weights) -> dict:
    """Return how the images count in the loss."""
    return {
        "label_smoothing": _share("label_smoothing", label_smoothing, "0.1 is usual."),
        "class_weights": boolean("class_weights", class_weights),
    }


def image_settings(directory, image_size, augmentation, bad_images) -> dict:
    """Return where images are, and how they are read and prepared."""
    choice("bad_images", bad_images, BAD_IMAGES, "Leave it out to stop.")
    remedy = "Leave it out for the usual."
    if directory is not None:
        directory = file_path("directory", directory)
        refuse_empty(directory)  # before weights are downloaded
    return {
        "directory": directory,
        "image_size": optional_integer("image_size", image_size, 1, remedy),
        "augmentation": boolean("augmentation", augmentation),
        "bad_images": bad_images,
    }


def computing_settings(compile_mode, precision, seed, log, devices) -> dict:
    """Return how and where the steps are computed, and recorded."""
    choice("compile_mode", compile_mode, MODES, "Leave it at 'auto', which is Keras's own choice.")
    choice("precision", precision, PRECISIONS, "Leave it out for float32.")
    if log is not None:
        choice("log", log, LOGS, "Leave it out for history.csv.")
    return {
        "compile_mode": compile_mode,
        "precision": precision,
        "seed": integer("seed", seed, 0, "0 is usual."),
        "log": log,
        "devices": integer("devices", devices, 1, "Leave it out for one device."),
    }


def _rate(value: float) -> float:
    """Return a learning rate, or raise unless it is a finite positive number."""
    expected = "a finite positive number, or None"
    remedy = f"{DEFAULTS.learning_rate:g} is usual for Adam."
    return number("learning_rate", value, lambda rate: 0 < rate < math.inf, expected, remedy)


def _share(name: str, value: float, remedy: str) -> float:
    """Return an argument, or raise unless it is a number of at least 0 and less than 1."""
    if isinstance(value, int | float) and 0 <= value < 1:
        return float(value)
    raise UserError(
        f"Received {name}={value!r}.", f"`{name}` must be at least 0 and less than 1.", remedy
    )
