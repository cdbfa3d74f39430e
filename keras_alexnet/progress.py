"""The progress of the running operation: as text, as a bar, and where a bar can be seen."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from keras_alexnet.errors import UserError

__all__ = ["position", "quiet"]

Update = Callable[[int, int | None], None]

_position = ""


def report(done: int, total: int | None, unit: str, of: str = "") -> None:
    """Record the progress of an operation, which `position` returns.

    Args:
        done: Number of units that are done.
        total: Number of all units, or `None` if it is not known.
        unit: Name of the units.
        of: Name of the longer operation that this one belongs to.

    Example:

    >>> report(1200, 5000, "images")
    >>> position()
    '1,200 of 5,000 images'
    >>> report(3, None, "batches", of="epoch 1 of 2")
    >>> position()
    'epoch 1 of 2, 3 batches'
    """
    global _position
    count = f"{done:,} {unit}" if total is None else f"{done:,} of {total:,} {unit}"
    _position = f"{of}, {count}" if of else count


def position() -> str:
    """Return the latest report as text, empty before the first."""
    return _position


@contextlib.contextmanager
def progress_bar(unit: str, unit_of_bar: str, shown: bool, scale: int = 1) -> Iterator[Update]:
    """Give a function that reports the progress of the block, and moves a bar.

    The function takes the number done and the total, `None` if that is unknown.

    Args:
        unit: Name of the units, for `report`.
        unit_of_bar: Name of one of them, for the bar.
        shown: Whether there is a bar.
        scale: Number that makes one unit, such as 1,000,000 bytes for MB.
    """
    bar, done, ended = None, 0, True
    if shown:
        import keras  # late, because `position` is called without it

        bar = keras.utils.Progbar(None, unit_name=unit_of_bar)

    def update(count: int, total: int | None) -> None:
        nonlocal done, ended
        target = None if total is None else -(-total // scale)
        report(count // scale, target, unit)
        if bar is not None:
            done, ended = -(-count // scale), count == total
            bar.target = target
            bar.update(done, finalize=ended)

    try:
        yield update
    finally:
        if bar is not None and not ended:  # Keras ends the line of a full bar only
            bar.update(done, finalize=True)


def has_display() -> bool:
    """Return whether a progress bar can be seen: on a terminal and in a notebook, not in a log."""
    return sys.stdout.isatty() or "ipykernel" in sys.modules


def verbosity(verbose: int | str) -> int:
    """Return the number that a `verbose` argument of Keras's kind means.

    Args:
        verbose: 0 for silence, 1 for a progress bar, 2 for a line for each epoch, or `"auto"` for 1
            on a terminal and in a notebook, and 2 elsewhere.

    Raises:
        UserError: If it is none of these.

    Example:

    >>> verbosity(0), verbosity(True)
    (0, 1)
    """
    if isinstance(verbose, str) and verbose == "auto":
        return 1 if has_display() else 2
    if isinstance(verbose, int) and verbose in (0, 1, 2):
        return int(verbose)
    raise UserError(
        f"Received verbose={verbose!r}.",
        "`verbose` must be 0, 1, 2 or 'auto', as in Keras.",
        "Leave it out for a progress bar where one can be seen.",
    )


@contextlib.contextmanager
def quiet(wanted: bool = True) -> Iterator[None]:
    """Keep Keras and downloads of this package from printing in the block, if that is wanted."""
    import keras  # late, because the command line answers `--help` without it

    before = keras.config.is_interactive_logging_enabled()
    if wanted:
        keras.config.disable_interactive_logging()
    try:
        yield
    finally:
        if before:
            keras.config.enable_interactive_logging()
