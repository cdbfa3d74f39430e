"""How a row of the table is laid out: stages of layers as words, initial values by layer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from keras_alexnet.variants.records import Dense, Dropout, Initial, Relu, Row

R = TypeVar("R", bound=Row)

NAMES = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")


def normal(*deviations: float) -> tuple[Initial, ...]:
    """Normal initial values of these standard deviations, a layer each."""
    return tuple(Initial("normal", deviation) for deviation in deviations)


def truncated(*deviations: float) -> tuple[Initial, ...]:
    """Truncated normal initial values of these standard deviations, a layer each."""
    return tuple(Initial("truncated_normal", deviation) for deviation in deviations)


def constant(*values: float) -> tuple[Initial, ...]:
    """Constant initial values, a layer each."""
    return tuple(Initial("constant", value) for value in values)


def initial(weights, biases, names=NAMES) -> Mapping[str, tuple[Initial, Initial]]:
    """Pair weights and biases, layer by layer."""
    pairs = zip(weights, biases, strict=True)
    return MappingProxyType(dict(zip(names, pairs, strict=True)))


def stages(orders: tuple[str, ...], first: int = 1, **parts) -> tuple[tuple[str, Row], ...]:
    """Lay out stages of layers: one string of words a stage, numbered from `first`.

    A word is the name of a part and, with the stage's number, of the layer. A part is one row for
    all stages, or a dict from a stage's number to its row.
    """
    parts = {"relu": Relu(), **parts}
    rows: list[tuple[str, Row]] = []
    for number, order in enumerate(orders, first):
        for word in order.split():
            part = parts[word]
            rows.append((f"{word}{number}", part[number] if isinstance(part, dict) else part))
    return tuple(rows)


def numbered(*rows: R) -> dict[int, R]:
    """Number rows by their stage, from 1."""
    return dict(enumerate(rows, 1))


DENSE = {6: Dense(4096), 7: Dense(4096), 8: Dense(None)}


def head(*orders: str, drop: Dropout | None = None) -> tuple[tuple[str, Row], ...]:
    """Lay out fc6, fc7 and fc8."""
    return stages(orders, first=6, fc=DENSE, drop=drop)
