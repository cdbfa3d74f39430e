"""How far the operation is that runs now, in words."""

_position = ""


def report(done: int, total: int | None, unit: str, of: str = "") -> None:
    """Note how far an operation is, for whoever asks: `position`.

    Args:
        done: Units that are done.
        total: All units, or `None` where that is not known.
        unit: Name of the units.
        of: The part of a longer operation that this is.

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
    """Return the latest report in words, empty before the first."""
    return _position
