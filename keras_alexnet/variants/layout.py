"""How a row of the table is laid out: stages of layers as words, initial values by layer."""

from collections.abc import Iterable, Iterator, Mapping
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


class InitialValues(Mapping):
    """A mapping that cannot be changed, and that unlike `MappingProxyType` can be copied."""

    def __init__(self, pairs: Iterable[tuple[str, tuple[Initial, Initial]]]):
        self._pairs = dict(pairs)

    def __getitem__(self, name: str) -> tuple[Initial, Initial]:
        """Return the initial weights and biases of a layer."""
        return self._pairs[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the layers."""
        return iter(self._pairs)

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self._pairs)


def initial(weights, biases, names=NAMES) -> Mapping[str, tuple[Initial, Initial]]:
    """Pair weights and biases, layer by layer."""
    return InitialValues(zip(names, zip(weights, biases, strict=True), strict=True))


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
