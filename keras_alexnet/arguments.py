"""Checks of arguments of public calls: numbers, flags, choices and paths, of whatever type."""

import operator
import os
from collections.abc import Callable, Iterable
from typing import Any

from keras_alexnet.errors import UserError

DATA_FORMATS = ("channels_last", "channels_first")


def integer(name: str, value: Any, least: int, remedy: str) -> int:
    """Return an argument as a plain `int`.

    It takes every integer type, such as NumPy's and arrays without axes, but no bool and no float.

    Args:
        name: Name of the argument.
        value: What was received.
        least: The smallest value allowed.
        remedy: A sentence that says which value to give.

    Raises:
        UserError: If the value is not an integer, or smaller than `least`.

    Example:

    >>> import numpy as np
    >>> integer("classes", np.int64(10), 1, "Leave it out.")
    10
    """
    number = _number(value, least)
    if number is None:
        raise _refused(name, value, f"a whole number of at least {least}", remedy)
    return number


def optional_integer(name: str, value: Any, least: int, remedy: str) -> int | None:
    """Return an argument as a plain `int`, or `None` for `None`: see `integer`."""
    number = _number(value, least)
    if number is None and value is not None:
        raise _refused(name, value, f"a whole number of at least {least}, or None", remedy)
    return number


def number(
    name: str, value: Any, fits: Callable[[float], bool], expected: str, remedy: str
) -> float:
    """Return an argument as a plain `float`.

    It takes every number, such as NumPy's and arrays without axes, but no bool and no text.

    Args:
        name: Name of the argument.
        value: What was received.
        fits: Whether a number is allowed.
        expected: Which numbers are; it follows the words "must be".
        remedy: A sentence that says which value to give.

    Raises:
        UserError: If the value is not a number, or not an allowed one.

    Example:

    >>> number("beta", 1, lambda beta: beta > 0, "positive", "The paper has 0.75.")
    1.0
    """
    try:
        real = None if isinstance(value, (str, bytes)) or _is_bool(value) else float(value)
    except (TypeError, ValueError, RuntimeError):  # the last of a tensor of several numbers
        real = None
    if real is None or not fits(real):
        raise _refused(name, value, expected, remedy)
    return real


def boolean(name: str, value: Any) -> bool:
    """Return an argument that is True or False as a plain `bool`.

    NumPy's are taken too, and 1 and 0, which many write for Keras's `verbose`.

    Raises:
        UserError: If the value is none of these.

    Example:

    >>> import numpy as np
    >>> boolean("overwrite", np.bool_(True))
    True
    """
    if not _is_bool(value) and _number(value, 0) in (0, 1):
        return bool(value)
    if not _is_bool(value) or getattr(value, "ndim", 0) > 0:
        raise _refused(name, value, "True or False", "Give one of them, without quotes.")
    return bool(value)


def pair(name: str, value: Any, remedy: str) -> tuple[int, int]:
    """Return height and width, plain `int`s of at least 1, from one number or a pair.

    Raises:
        UserError: If the value is neither.

    Example:

    >>> pair("strides", 2, "Give 2, or (2, 1).")
    (2, 2)
    """
    sides = value if isinstance(value, (list, tuple)) else (value, value)
    numbers = [number for side in sides if (number := _number(side, 1)) is not None]
    if len(sides) == len(numbers) == 2:
        return numbers[0], numbers[1]
    expected = "whole numbers of at least 1, one for both height and width or two"
    raise _refused(name, value, expected, remedy)


def shape(name: str, value: Any, remedy: str) -> tuple[int | None, ...]:
    """Return sizes as a tuple of plain `int`s of at least 1, and `None` for open sizes.

    Raises:
        UserError: If the value is not a sequence of sizes.

    Example:

    >>> import numpy as np
    >>> shape("input_shape", [None, None, np.int8(3)], "Leave it out.")
    (None, None, 3)
    """
    try:
        sizes = [(size, _number(size, 1)) for size in value]
    except TypeError:
        sizes = [(value, None)]
    if any(number is None and size is not None for size, number in sizes):
        expected = "made of whole numbers of at least 1, or None for an open size"
        raise _refused(name, value, expected, remedy)
    return tuple(number for _, number in sizes)


def choice(name: str, value: Any, choices: Iterable[Any], remedy: str) -> None:
    """Raise unless an argument is one of the allowed values.

    Raises:
        UserError: If the value is not one of `choices`.

    Example:

    >>> choice("order", "rgb", ("rgb", "bgr"), "Leave it out for RGB.")
    """
    allowed = list(choices)
    if value not in allowed:
        raise _refused(name, value, f"one of {', '.join(map(repr, allowed))}", remedy)


def converted(name: str, value: Any, convert: Callable, expected: str, remedy: str) -> Any:
    """Return what a function of Keras or NumPy makes of an argument.

    Args:
        name: Name of the argument.
        value: What was received.
        convert: The function; it raises a `TypeError` or `ValueError` for a wrong value.
        expected: Which values it takes; it follows the words "must be".
        remedy: A sentence that says which value to give.

    Raises:
        UserError: If the function refuses the value.

    Example:

    >>> converted("scale", "0.5", float, "a number", "Leave it out.")
    0.5
    """
    try:
        return convert(value)
    except (TypeError, ValueError):
        raise _refused(name, value, expected, remedy) from None


def file_path(name: str, value: Any) -> str:
    """Return a path as text, from text, bytes or an `os.PathLike` such as `pathlib.Path`.

    Raises:
        UserError: If the value is none of these.

    Example:

    >>> file_path("path", b"photos/cat.jpg")
    'photos/cat.jpg'
    """
    try:
        return os.fsdecode(value)
    except TypeError:
        expected = "a path: text, bytes or a pathlib.Path"
        raise _refused(name, value, expected, "Give the path as text.") from None


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or "bool" in str(getattr(value, "dtype", ""))


def _number(value: Any, least: int) -> int | None:
    """Return a plain `int`, or `None` if the value is not an integer or is too small."""
    if _is_bool(value):
        return None
    try:
        number = operator.index(value)
    except (TypeError, ValueError, AttributeError):  # the last of a tensor of floats
        return None
    return number if number >= least else None


def _refused(name: str, value: Any, expected: str, remedy: str) -> UserError:
    """Return the error for a wrong value; `expected` follows the words "must be"."""
    return UserError(f"Received {name}={value!r}.", f"`{name}` must be {expected}.", remedy)
