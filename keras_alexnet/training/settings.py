"""The settings of a run in its folder: read, and compared with those of a job that goes on."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_alexnet.errors import UserError
from keras_alexnet.recipes import get_recipe
from keras_alexnet.training.job import Job

FREE = ("compile_mode", "bad_images", "log", "epochs", "devices")  # settings that may change


def checked_settings(value: dict) -> dict:
    """Return the settings of a job from a file; raise `ValueError` if one has a wrong type."""
    for field in dataclasses.fields(Job):
        setting = value.get(field.name, field.default)
        kinds: Any = float | int if field.type is float else field.type
        if not isinstance(setting, kinds) or isinstance(setting, bool) != (field.type is bool):
            raise ValueError(f"its {field.name} is {setting!r}")
    return value


def check_continues(job: Job, earlier: Mapping, folder: str) -> None:
    """Raise `UserError` unless a job can continue the run in a folder, with its earlier settings.

    The number of epochs may differ only if the rates of the earlier epochs stay the same.
    """
    # Runs whose settings name no schedule had a constant rate, or that of a recipe.
    first = Job(schedule=None if earlier.get("recipe") else "constant")
    before, settings = {**dataclasses.asdict(first), **earlier}, dataclasses.asdict(job)
    changed = [
        f"{name} was {value!r} and is {settings.get(name)!r}"
        for name, value in before.items()
        if name not in FREE and settings.get(name) != value
    ]
    if changed:
        raise _refused(
            folder,
            changed,
            "A run must continue with the settings that it began with.",
            "Give the same settings",
        )
    if before["epochs"] != job.epochs:
        _check_epochs(job, before["epochs"], folder)


def _check_epochs(job: Job, epochs: int, folder: str) -> None:
    """Raise if the rates of a run's epochs move when their number becomes the job's."""
    changed = [f"epochs was {epochs} and is {job.epochs}"]
    if job.recipe and get_recipe(job.recipe).moves(epochs, job.epochs):
        raise _refused(
            folder,
            changed,
            f"The number of epochs must stay the same: the recipe {job.recipe!r} changes its rates "
            "at shares of all epochs.",
            "Give the same settings",
        )
    if job.schedule == "cosine":
        raise _refused(
            folder,
            changed,
            "The number of epochs must stay the same: a cosine schedule spans all epochs.",
            "Give the same number, begin runs that are to grow with schedule='constant' "
            "(--schedule constant)",
        )


def _refused(folder: str, changed: list[str], expected: str, remedy: str) -> UserError:
    return UserError(
        f"The output folder {folder!r} holds a run with other settings: {'; '.join(changed)}.",
        expected,
        f"{remedy}, choose another folder, or begin again with overwrite=True (--overwrite).",
    )
