"""Functions that build a row of the table: stages of layers from words, initial values."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from keras_alexnet.variants.records import Dense, Dropout, Initial, Relu, Row

R = TypeVar("R", bound=Row)

NAMES = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")


def normal(*deviations: float) -> tuple[Initial, ...]:
    """Return normal initial values with these standard deviations, one for each layer."""
    return tuple(Initial("normal", deviation) for deviation in deviations)


def truncated(*deviations: float) -> tuple[Initial, ...]:
    """Return truncated normal initial values with these standard deviations, one for each layer."""
    return tuple(Initial("truncated_normal", deviation) for deviation in deviations)


def constant(*values: float) -> tuple[Initial, ...]:
    """Return constant initial values, one for each layer."""
    return tuple(Initial("constant", value) for value in values)


class InitialValues(Mapping):
    """A read-only mapping that, unlike `MappingProxyType`, can be copied."""

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
    """Return the initial weights and biases of each layer by its name."""
    return InitialValues(zip(names, zip(weights, biases, strict=True), strict=True))


def stages(orders: tuple[str, ...], first: int = 1, **kinds) -> tuple[tuple[str, Row], ...]:
    """Return (layer name, row) pairs of stages, numbered from `first`.

    Args:
        orders: The kinds of layers of each stage, in a string.
        first: Number of the first stage. A layer's name is its kind and the number of its stage.
        **kinds: Each kind's row, or a dict from the number of a stage to its row.
    """
    kinds = {"relu": Relu(), **kinds}
    rows: list[tuple[str, Row]] = []
    for number, order in enumerate(orders, first):
        for kind in order.split():
            row = kinds[kind]
            rows.append((f"{kind}{number}", row[number] if isinstance(row, dict) else row))
    return tuple(rows)


def numbered(*rows: R) -> dict[int, R]:
    """Return rows by the number of their stage, from 1."""
    return dict(enumerate(rows, 1))


DENSE = {6: Dense(4096), 7: Dense(4096), 8: Dense(None)}


def head(*orders: str, drop: Dropout | None = None) -> tuple[tuple[str, Row], ...]:
    """Return the (layer name, row) pairs of the stages of fc6, fc7 and fc8."""
    return stages(orders, first=6, fc=DENSE, drop=drop)
