"""The progress of the running operation, as text."""

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
