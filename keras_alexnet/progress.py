"""The progress of the running operation, as text and as a bar."""

import contextlib
from collections.abc import Callable, Iterator

Step = Callable[[int, int | None], None]

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
def progress_bar(unit: str, unit_of_bar: str, shown: bool, scale: int = 1) -> Iterator[Step]:
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

    def step(count: int, total: int | None) -> None:
        nonlocal done, ended
        target = None if total is None else -(-total // scale)
        report(count // scale, target, unit)
        if bar is not None:
            done, ended = -(-count // scale), count == total
            bar.target = target
            bar.update(done, finalize=ended)

    try:
        yield step
    finally:
        if bar is not None and not ended:  # Keras ends the line of a full bar only
            bar.update(done, finalize=True)
